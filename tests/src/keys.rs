//! The access keys that a fake knows, or gives out.

use std::fmt;

use crate::secret::Secret;

/// The id of [`AccessKeys::default`].
pub const ACCESS_KEY_ID: &str = "AKIDKEYWARDTEST0001";

/// The secret of [`AccessKeys::default`]. It occurs nowhere else, so a test can look for it in
/// everything that must not hold a secret.
pub const SECRET_ACCESS_KEY: &str = "keyward+testbed/secret/access/key/not/real";

/// A pair of access keys, and the session token that goes with them if they are temporary.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKeys {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token. Requests made with temporary keys have to send and sign it.
    pub session_token: Option<String>,
}

impl AccessKeys {
    /// Keys without a session token.
    #[must_use]
    pub fn new(access_key_id: &str, secret_access_key: &str) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            session_token: None,
        }
    }

    /// The same keys with a session token.
    #[must_use]
    pub fn with_session_token(self, session_token: &str) -> Self {
        Self { session_token: Some(session_token.to_owned()), ..self }
    }

    /// The session token, of keys that are to be given out. Panics if there is none: AWS's services
    /// give out temporary keys only.
    #[track_caller]
    pub(crate) fn expect_session_token(&self) -> &str {
        let session_token = self.session_token.as_deref();
        session_token.unwrap_or_else(|| panic!("{} has no session token, so it is not temporary", self.access_key_id))
    }
}

impl fmt::Debug for AccessKeys {
    /// Without secrets: of the two, only whether they are there.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AccessKeys")
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &Secret::new(&self.secret_access_key))
            .field("session_token", &self.session_token.as_deref().map(Secret::new))
            .finish()
    }
}

impl Default for AccessKeys {
    /// The keys that every fake knows from its start: [`ACCESS_KEY_ID`], [`SECRET_ACCESS_KEY`].
    fn default() -> Self {
        Self::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    }
}
