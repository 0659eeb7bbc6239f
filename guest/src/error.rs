//! Why a lookup has no credential to give, named by what the caller does next.

use crate::registry::{NotOurRegistry, RegionMismatch};

/// The outcome of a lookup without a credential. Each text says what happened, to what, and what to do next; none
/// holds a secret. The cases are those of `wit/world.wit`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The service refused. Retrying is of no use: change the permissions or the keys.
    #[error("{0}")]
    Denied(String),
    /// A setting, a file or an answer makes no sense. Retrying is of no use: correct it.
    #[error("{0}")]
    Invalid(String),
    /// No source of credentials is configured.
    #[error("{0}")]
    NoCredentials(String),
    /// The address belongs to somebody else.
    #[error(transparent)]
    NotOurRegistry(#[from] NotOurRegistry),
    /// The service asks for fewer calls. Retry later.
    #[error("{0}")]
    Throttled(String),
    /// The service could not be reached or failed. Retry later.
    #[error("{0}")]
    Unavailable(String),
}

impl From<RegionMismatch> for Error {
    fn from(mismatch: RegionMismatch) -> Self {
        Self::Invalid(mismatch.to_string())
    }
}
