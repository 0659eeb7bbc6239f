//! AWS credentials, as the sources find them and the signer uses them.

use std::fmt;

use crate::secret::Secret;
use crate::time::Timestamp;

/// The keys of one AWS identity. Its `Debug` form shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name of the key pair. Not a secret, but not printed either.
    pub access_key_id: String,
    /// The key that signs.
    pub secret_access_key: Secret,
    /// The token that goes with temporary keys.
    pub session_token: Option<Secret>,
    /// The account of the identity, where the source says it.
    pub account_id: Option<String>,
    /// When the keys end, where the source says it.
    pub expires_at: Option<Timestamp>,
}

impl Credentials {
    /// Keys of which neither account nor end is known.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: Secret::new(secret_access_key.into()),
            session_token: None,
            account_id: None,
            expires_at: None,
        }
    }

    /// The same keys with their token.
    #[must_use]
    pub fn with_session_token(self, session_token: Option<impl Into<String>>) -> Self {
        Self { session_token: session_token.map(|token| Secret::new(token.into())), ..self }
    }

    /// What must not be repeated of them in a message.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        [&self.secret_access_key].into_iter().chain(&self.session_token)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_form_shows_nothing_of_the_keys() {
        assert_eq!(format!("{:?}", Credentials::new("AKIDEXAMPLE", "hunter2")), "Credentials { .. }");
    }
}
