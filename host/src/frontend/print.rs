//! Credentials for scripts and for people.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use keyward::{Credential, Error};
use serde_json::json;

use crate::frontend::docker;
use crate::lookup::Answer;

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
    /// variables for a shell's 'eval': REGISTRY, REGISTRY_USERNAME, REGISTRY_PASSWORD and, in seconds since 1970,
    /// REGISTRY_PASSWORD_EXPIRES_AT; of one registry alone
    Env,
    /// user name and password with a colon between them, as for curl's --user
    #[value(name = "user:pass")]
    UserPass,
}

/// What is printed of an answer, with the end of its line. Of a registry that was asked for `alone`, that is nothing where there is no
/// credential. Of one among several, a line stands for it even so, lest a script takes the next one's credential for its: an object with
/// registry, error and the exit status that it would have alone; in formats that have no place for an error, an empty line.
pub(crate) fn answer(format: Format, registry: &str, answer: &Answer, alone: bool) -> String {
    match (answer, format) {
        (Ok(credential), _) => self::credential(format, registry, credential),
        (Err(_), _) if alone => String::new(),
        (Err(failure), Format::Json) => {
            let status = exit_status(&failure.error);
            format!("{}\n", json!({ "registry": registry, "error": failure.to_string(), "status": status }))
        }
        (Err(_), _) => "\n".to_owned(),
    }
}

/// The credential in a format.
fn credential(format: Format, registry: &str, credential: &Credential) -> String {
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
        Format::Env => {
            let expires_at = expires_at.map(|time| time.to_string()).unwrap_or_default();
            [
                ("REGISTRY", registry),
                ("REGISTRY_USERNAME", username),
                ("REGISTRY_PASSWORD", secret.expose()),
                ("REGISTRY_PASSWORD_EXPIRES_AT", &expires_at),
            ]
            .map(|(name, value)| format!("{name}={}\n", quoted(value)))
            .concat()
        }
        Format::UserPass => format!("{username}:{}\n", secret.expose()),
    }
}

/// A word that a shell takes as it is, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The exit status where some of several registries have a credential, and some have none.
const PARTLY: u8 = 13;

/// The exit status for all of the answers: where they agree, the one that each would have alone.
pub(crate) fn exit_status_of_all(answers: &[Answer]) -> u8 {
    let status = |answer: &Answer| answer.as_ref().err().map_or(0, |failure| exit_status(&failure.error));
    let mut statuses = answers.iter().map(status);
    let first = statuses.next().unwrap_or_default();
    if statuses.all(|status| status == first) { first } else { PARTLY }
}

/// Says that a setting makes no sense, and returns the exit status.
pub(crate) fn wrong_setting(text: &str) -> u8 {
    // Without a reader of it, the reason is worth nothing: a closed stream is no failure of the command.
    let _ = writeln!(io::stderr(), "error: {text}");
    exit_status(&Error::Invalid(String::new()))
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
        assert_eq!(printed(Format::UserPass), "AWS:p:w\n");
        assert_eq!(
            printed(Format::Env),
            "REGISTRY='r.example'\nREGISTRY_USERNAME='AWS'\nREGISTRY_PASSWORD='p:w'\nREGISTRY_PASSWORD_EXPIRES_AT=''\n"
        );
    }

    #[test]
    fn a_shell_takes_a_value_for_one_word_whatever_is_in_it() {
        assert_eq!(quoted("a'; rm -rf $HOME `id`\n"), "'a'\\''; rm -rf $HOME `id`\n'");
    }

    #[test]
    fn of_several_registries_each_has_its_line_and_of_one_without_a_credential_there_is_none() {
        let (found, failed) = (Ok(a_credential("AWS", "p")), Err(Error::Denied("no".to_owned()).into()));
        for (format, expected) in [
            (Format::Password, "p\n\n"),
            (Format::UserPass, "AWS:p\n\n"),
            (
                Format::Json,
                concat!(
                    "{\"expiresAt\":null,\"password\":\"p\",\"registry\":\"one\",\"username\":\"AWS\"}\n",
                    "{\"error\":\"no\",\"registry\":\"two\",\"status\":5}\n"
                ),
            ),
        ] {
            let printed = [answer(format, "one", &found, false), answer(format, "two", &failed, false)].concat();
            assert_eq!(printed, expected);
            assert_eq!(answer(format, "two", &failed, true), "");
        }
    }

    #[test]
    fn several_answers_have_one_exit_status() {
        let found = || Ok(a_credential("AWS", "p"));
        let failed = |error: Error| Err(error.into());
        assert_eq!(exit_status_of_all(&[found(), found()]), 0);
        assert_eq!(exit_status_of_all(&[failed(Error::NotOurRegistry), failed(Error::NotOurRegistry)]), 3);
        assert_eq!(exit_status_of_all(&[found(), failed(Error::NotOurRegistry)]), 13);
        assert_eq!(exit_status_of_all(&[failed(Error::Denied(String::new())), failed(Error::NotOurRegistry)]), 13);
    }
}
