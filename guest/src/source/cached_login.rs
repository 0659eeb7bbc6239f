//! What the AWS CLI keeps of somebody who has logged in, and what to say where it is of no use.

use crate::error::Error;
use crate::json::{self, Object};
use crate::settings::{self, NoText};
use crate::time::Timestamp;
use crate::world::{FileError, Local};

/// A login of the AWS CLI.
pub(super) struct CachedLogin {
    /// The file, as [`token_cache`](crate::token_cache) names it.
    pub(super) path: String,
    /// Whose login it is, for messages.
    pub(super) owner: String,
    /// The command that logs in again.
    pub(super) command: String,
}

impl CachedLogin {
    /// What is in the file.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where it cannot be read, and where it is no JSON object. Nothing of it is repeated: it holds tokens.
    pub(super) fn read(&self, local: &impl Local) -> Result<Object, Error> {
        let text = settings::read_text(local, &self.path).map_err(|error| self.unreadable(&error))?;
        json::object(text.as_bytes()).ok_or_else(|| self.unusable("it is not a JSON object"))
    }

    /// A time in the file; `None` where it has none.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where it is not RFC 3339.
    pub(super) fn time(&self, object: &Object, name: &str) -> Result<Option<Timestamp>, Error> {
        let Some(value) = json::member(object, name) else { return Ok(None) };
        let time = value.as_str().and_then(Timestamp::parse_rfc3339);
        time.map(Some).ok_or_else(|| self.unusable(&format!("its {name} is not a time as in 2026-01-31T12:00:00Z")))
    }

    /// The error for a file that cannot be used as it is.
    pub(super) fn unusable(&self, reason: &str) -> Error {
        self.invalid(reason, &self.advice())
    }

    /// The error for a login that is over.
    pub(super) fn expired(&self) -> Error {
        Error::Denied(format!("the login of {} has expired: {}", self.owner, self.advice()))
    }

    /// The error for a login that is over, and whose renewal failed. Where that was the service's fault, it may still succeed.
    pub(super) fn not_renewed(&self, error: Error) -> Error {
        let text = format!("the login of {} has expired, and was not renewed ({error}): {}", self.owner, self.advice());
        match error {
            Error::Throttled(_) => Error::Throttled(text),
            Error::Unavailable(_) => Error::Unavailable(text),
            _ => Error::Denied(text),
        }
    }

    fn unreadable(&self, error: &NoText) -> Error {
        let reason = error.to_string();
        match error {
            NoText::NoHome => self.invalid(&reason, "set it"),
            NoText::File(FileError::NotGranted) => self.invalid(&reason, "let lookups read this file"),
            NoText::File(FileError::NotFound | FileError::Unreadable(_)) => self.unusable(&reason),
        }
    }

    fn invalid(&self, reason: &str, advice: &str) -> Error {
        Error::Invalid(format!("the login of {} is unusable: {}: {reason}: {advice}", self.owner, self.path))
    }

    fn advice(&self) -> String {
        format!("run '{}'", self.command)
    }
}
