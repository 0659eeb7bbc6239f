//! IAM Identity Center: the portal, which gives out keys, and the OIDC service, which refreshes tokens.

mod oidc;
mod portal;

pub use self::oidc::SsoRefresh;
pub use self::portal::SsoRole;

pub(super) use self::oidc::Oidc;
pub(super) use self::portal::Portal;
