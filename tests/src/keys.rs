//! The access keys that the fake knows.

/// The id of [`AccessKeys::default`].
pub const ACCESS_KEY_ID: &str = "AKIDKEYWARDTEST0001";

/// The secret of [`AccessKeys::default`]. It occurs nowhere else, so a test can look for it in
/// everything that must not hold a secret.
pub const SECRET_ACCESS_KEY: &str = "keyward+testbed/secret/access/key/not/real";

/// A pair of access keys, and the session token that goes with them if they are temporary.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl Default for AccessKeys {
    /// The keys that every fake knows from its start: [`ACCESS_KEY_ID`], [`SECRET_ACCESS_KEY`].
    fn default() -> Self {
        Self::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    }
}
