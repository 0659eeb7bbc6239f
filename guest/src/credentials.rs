//! AWS credentials, as the sources find them and the signer uses them.

use crate::secret::Secret;

/// The keys of one AWS identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The name of the key pair. Not a secret, but not printed either.
    pub access_key_id: String,
    /// The key that signs.
    pub secret_access_key: Secret,
    /// The token that goes with temporary keys.
    pub session_token: Option<Secret>,
}
