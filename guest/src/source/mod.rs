//! The sources of AWS credentials, one file each: settings and one function.

pub mod environment;
pub mod profile;

use crate::credentials::Credentials;

/// What a source has to say where it did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The source has credentials.
    Credentials(Credentials),
    /// The source is not configured, for the reason given: the next one is asked.
    NotConfigured(String),
}

/// A source is configured and has no credentials to give: the chain ends with this reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);
