//! AWS credentials, as the sources find them and the signer uses them.

use std::fmt;

use crate::secret::Secret;

/// The keys of one AWS identity. Its `Debug` form shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name of the key pair. Not a secret, but not printed either.
    pub access_key_id: String,
    /// The key that signs.
    pub secret_access_key: Secret,
    /// The token that goes with temporary keys.
    pub session_token: Option<Secret>,
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
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("hunter2".to_owned()),
            session_token: None,
        };
        assert_eq!(format!("{credentials:?}"), "Credentials { .. }");
    }
}
