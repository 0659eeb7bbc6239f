//! What a lookup finds.

use std::fmt;

use keyward_ecr::secret::Secret;

/// What a registry takes.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credential {
    /// The user name, `AWS` for Amazon ECR.
    pub username: String,
    /// The password. Its `Debug` form shows nothing of it, and it is overwritten in memory when it is dropped.
    pub secret: Secret,
    /// When the registry stops accepting it, in seconds since 1970 (UTC); `None` where the service did not say.
    pub expires_at: Option<u64>,
}

impl Credential {
    /// A credential that comes from elsewhere, for tests and for callers with a fallback of their own.
    pub fn new(username: &str, secret: String, expires_at: Option<u64>) -> Self {
        Self { username: username.to_owned(), secret: Secret::new(secret), expires_at }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { username, secret, expires_at } = self;
        formatter
            .debug_struct("Credential")
            .field("username", username)
            .field("secret", secret)
            .field("expires_at", expires_at)
            .finish()
    }
}
