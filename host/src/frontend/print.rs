//! A credential for scripts and for people.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use keyward::{Credential, Error};
use serde_json::json;

use crate::frontend::docker;

/// How a credential is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// what docker's credential helpers print: ServerURL, Username, Secret
    #[default]
    Docker,
    /// an object with registry, username, password and expiresAt (seconds since 1970, or null)
    Json,
    /// the password alone, for 'docker login --password-stdin'
    Password,
    /// the header 'Authorization: Basic …' for a request to the registry
    Header,
}

/// The credential in a format, with the end of its line.
pub(crate) fn credential(format: Format, registry: &str, credential: &Credential) -> String {
    let Credential { username, secret, expires_at, .. } = credential;
    match format {
        Format::Docker => docker::credential_json(registry.as_bytes(), credential),
        Format::Json => {
            let object = json!({
                "registry": registry,
                "username": username,
                "password": secret.expose(),
                "expiresAt": expires_at,
            });
            format!("{object}\n")
        }
        Format::Password => format!("{}\n", secret.expose()),
        Format::Header => {
            format!("Authorization: Basic {}\n", STANDARD.encode(format!("{username}:{}", secret.expose())))
        }
    }
}

/// The exit status where the command was told to end.
pub(crate) const CANCELLED: u8 = 10;

/// The exit status of `keyward get` for an outcome. The README has the table; numbers are never reused.
pub(crate) fn exit_status(error: &Error) -> u8 {
    match error {
        Error::NotOurRegistry => 3,
        Error::NoCredentials(_) => 4,
        Error::Denied(_) => 5,
        Error::Throttled(_) => 6,
        Error::Unavailable(_) => 7,
        Error::Invalid(_) => 8,
        Error::Timeout { .. } => 9,
        Error::Cancelled { .. } => CANCELLED,
        Error::OutOfFuel { .. } | Error::OutOfMemory { .. } | Error::OverLimit { .. } => 11,
        Error::Refused { .. } => 12,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontend::docker::tests::credential as a_credential;

    #[test]
    fn every_outcome_has_the_exit_status_that_the_readme_gives_it() {
        let text = String::new;
        for (error, status) in [
            (Error::Internal(text()), 1),
            (Error::Other(text()), 1),
            (Error::Trap { reason: text(), said: text() }, 1),
            (Error::NotOurRegistry, 3),
            (Error::NoCredentials(text()), 4),
            (Error::Denied(text()), 5),
            (Error::Throttled(text()), 6),
            (Error::Unavailable(text()), 7),
            (Error::Invalid(text()), 8),
            (Error::Timeout { deadline: std::time::Duration::ZERO, waiting_for: None }, 9),
            (Error::Cancelled { waiting_for: None }, 10),
            (Error::OutOfFuel { limit: 0 }, 11),
            (Error::OutOfMemory { limit: 0, wanted: 0 }, 11),
            (Error::OverLimit { what: keyward::Limit::Requests, limit: 0 }, 11),
            (Error::Refused { destination: text(), address: None, setting: "" }, 12),
        ] {
            assert_eq!(exit_status(&error), status, "{error:?}");
        }
    }

    #[test]
    fn every_format_says_the_same_credential() {
        let printed = |format| credential(format, "r.example", &a_credential("AWS", "p:w"));
        assert_eq!(printed(Format::Docker), "{\"ServerURL\":\"r.example\",\"Username\":\"AWS\",\"Secret\":\"p:w\"}\n");
        assert_eq!(
            printed(Format::Json),
            "{\"expiresAt\":null,\"password\":\"p:w\",\"registry\":\"r.example\",\"username\":\"AWS\"}\n"
        );
        assert_eq!(printed(Format::Password), "p:w\n");
        assert_eq!(printed(Format::Header), "Authorization: Basic QVdTOnA6dw==\n");
    }
}
