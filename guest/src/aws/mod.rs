//! AWS's APIs: one request builder and one response parser each.

pub mod client;
pub mod ecr;
pub mod failure;
pub mod sso;
pub mod sso_oidc;
pub mod sts;

/// The name under which AWS's services see Keyward.
const USER_AGENT: &str = concat!("keyward/", env!("CARGO_PKG_VERSION"));
