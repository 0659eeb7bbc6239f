//! AWS's APIs: one request builder and one response parser each.

pub mod client;
pub mod ecr;
pub mod failure;
pub mod request;
pub mod sso;
pub mod sso_oidc;
pub mod sts;
pub mod xml;
