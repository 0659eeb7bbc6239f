//! What the daemon and its clients say to each other: an object a line. docs/serve.md describes it for others.

use std::time::Duration;

use keyward::{Credential, Error, Outcome};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::settings::{Identity, Role};

/// The most that a request may have, in bytes.
pub(crate) const MAX_REQUEST: usize = 64 * 1024;

/// The most that an answer may have: more than any password or error has.
pub(crate) const MAX_ANSWER: usize = 1024 * 1024;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// To forget what is remembered of a registry, for every identity.
    Erase { address: String },
    /// The credential of a registry.
    Get {
        address: String,
        /// What is left of the client's own deadline.
        deadline: Option<Duration>,
        /// Whose credentials, before what the daemon's settings say.
        identity: Identity,
    },
    /// The version of the daemon.
    Version,
}

/// The line makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    /// The text names what is wrong, with the line and the column in it.
    #[error("the request makes no sense ({0}): see docs/serve.md")]
    Malformed(String),
    #[error("the request has {0}, and its action has no place for it: leave it out")]
    Misplaced(&'static str),
    #[error("the request has no {0}: name it")]
    Missing(&'static str),
    #[error("the request has an empty {0}: leave it out, or set it")]
    Empty(&'static str),
    #[error("the request's deadline is no time that a lookup can take: set it to seconds")]
    Deadline,
}

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Done,
    Failed { text: String, outcome: String },
    Found(Credential),
}

/// A request as it is written. What is unknown is an error: who asks for something has to get it, or hear that it is not to be had.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    action: Action,
    #[serde(rename = "ServerURL", skip_serializing_if = "Option::is_none")]
    server_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Erase,
    Get,
    Version,
}

impl Request {
    pub(crate) fn parse(line: &[u8]) -> Result<Self, RequestError> {
        let written: Written =
            serde_json::from_slice(line).map_err(|error| RequestError::Malformed(error.to_string()))?;
        let texts = [
            ("ServerURL", &written.server_url),
            ("profile", &written.profile),
            ("roleArn", &written.role_arn),
            ("externalId", &written.external_id),
            ("sessionName", &written.session_name),
            ("region", &written.region),
        ];
        // With a variable of a shell that is not set, it would otherwise mean another identity.
        if let Some((name, _)) = texts.iter().find(|(_, text)| text.as_deref() == Some("")) {
            return Err(RequestError::Empty(name));
        }
        let allowed = match written.action {
            Action::Get => texts.len(),
            Action::Erase => 1,
            Action::Version => 0,
        };
        if let Some((name, _)) = texts[allowed..].iter().find(|(_, text)| text.is_some()) {
            return Err(RequestError::Misplaced(name));
        }
        if written.deadline.is_some() && !matches!(written.action, Action::Get) {
            return Err(RequestError::Misplaced("deadline"));
        }
        let address = written.server_url.ok_or(RequestError::Missing("ServerURL"));
        Ok(match written.action {
            Action::Version => Self::Version,
            Action::Erase => Self::Erase { address: address? },
            Action::Get => {
                let deadline = written.deadline.map(|seconds| match Duration::try_from_secs_f64(seconds) {
                    Ok(deadline) if !deadline.is_zero() => Ok(deadline),
                    _ => Err(RequestError::Deadline),
                });
                let role = match (written.role_arn, written.external_id) {
                    (Some(arn), external_id) => Some(Role { arn, external_id }),
                    (None, Some(_)) => return Err(RequestError::Missing("roleArn, to which its externalId belongs")),
                    (None, None) => None,
                };
                let identity = Identity::of_client(written.profile, role, written.session_name, written.region);
                Self::Get { address: address?, deadline: deadline.transpose()?, identity }
            }
        })
    }

    /// The line, with its end.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut written = Written {
            action: Action::Version,
            server_url: None,
            deadline: None,
            profile: None,
            role_arn: None,
            external_id: None,
            session_name: None,
            region: None,
        };
        match self.clone() {
            Self::Version => {}
            Self::Erase { address } => (written.action, written.server_url) = (Action::Erase, Some(address)),
            Self::Get { address, deadline, identity } => {
                (written.action, written.server_url) = (Action::Get, Some(address));
                written.deadline = deadline.map(|deadline| deadline.as_secs_f64());
                let Identity { profile, region, role, session_name, .. } = identity;
                (written.profile, written.region, written.session_name) = (profile, region, session_name);
                if let Some(role) = role {
                    (written.role_arn, written.external_id) = (Some(role.arn), role.external_id);
                }
            }
        }
        line(&written, 0).to_vec()
    }
}

/// What is answered to `get`: the object of docker's credential helpers, and when the password ends.
pub(crate) fn found(address: &str, credential: &Credential) -> Zeroizing<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found<'a> {
        #[serde(rename = "ServerURL")]
        server_url: &'a str,
        username: &'a str,
        secret: &'a str,
        expires_at: Option<u64>,
    }

    let Credential { username, secret, expires_at, .. } = credential;
    let found = Found { server_url: address, username, secret: secret.expose(), expires_at: *expires_at };
    line(&found, address.len() + username.len() + secret.expose().len())
}

/// What is answered where there is no credential.
pub(crate) fn failed(text: &str, outcome: Outcome) -> Zeroizing<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Failed<'a> {
        error: &'a str,
        outcome: &'a str,
    }

    line(&Failed { error: text, outcome: outcome.as_str() }, 0)
}

/// What is answered to `erase`.
pub(crate) fn done() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(b"{}\n".to_vec())
}

/// What is answered to `version`.
pub(crate) fn version() -> Zeroizing<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Version<'a> {
        version: &'a str,
    }

    line(&Version { version: env!("CARGO_PKG_VERSION") }, 0)
}

impl Reply {
    /// What an answer says; `None` where it is none.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            error: Option<String>,
            outcome: Option<String>,
            username: Option<String>,
            secret: Option<String>,
            expires_at: Option<u64>,
        }

        let Answer { error, outcome, username, secret, expires_at } = serde_json::from_slice(line).ok()?;
        Some(match (error, username, secret) {
            (Some(text), None, None) => Self::Failed { text, outcome: outcome? },
            (None, Some(username), Some(secret)) => Self::Found(Credential::new(&username, secret, expires_at)),
            (None, None, None) => Self::Done,
            _ => return None,
        })
    }
}

/// The error of a lookup that had this outcome, as far as its name tells; what it said is not in all of them.
pub(crate) fn error(outcome: &str, text: &str, deadline: Duration) -> Error {
    let text = text.to_owned();
    match outcome {
        "cancelled" => Error::Cancelled { waiting_for: None },
        "denied" => Error::Denied(text),
        "internal" => Error::Internal(text),
        "invalid" => Error::Invalid(text),
        "no_credentials" => Error::NoCredentials(text),
        "not_our_registry" => Error::NotOurRegistry,
        "out_of_fuel" => Error::OutOfFuel { limit: 0 },
        "out_of_memory" => Error::OutOfMemory { limit: 0, wanted: 0 },
        "over_limit" => Error::OverLimit { what: keyward::Limit::Requests, limit: 0 },
        "overloaded" => Error::Overloaded { live: 0, of_this_registry: false },
        "refused" => Error::Refused { destination: String::new(), address: None, setting: "" },
        "throttled" => Error::Throttled(text),
        "timeout" => Error::Timeout { deadline, waiting_for: None },
        "trap" => Error::Trap { reason: text, said: String::new() },
        "unavailable" => Error::Unavailable(text),
        _ => Error::Other(text),
    }
}

/// An object as a line. There is room for it from the beginning, as it has `bytes` of texts: a vector that grows leaves copies behind.
fn line(object: &impl Serialize, bytes: usize) -> Zeroizing<Vec<u8>> {
    let mut line = Zeroizing::new(Vec::with_capacity(bytes * 2 + 256));
    // Neither a map with other keys than texts is in it, nor anything else that could fail.
    let _ = serde_json::to_writer(&mut *line, object);
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Request, String> {
        Request::parse(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_request_is_what_was_written() {
        let role = Role { arn: "arn".to_owned(), external_id: Some("e".to_owned()) };
        let text = |text: &str| Some(text.to_owned());
        for identity in [Identity::default(), Identity::of_client(text("p"), Some(role), text("s"), text("r"))] {
            for deadline in [None, Some(Duration::from_millis(1500))] {
                let request = Request::Get { address: "r.example".to_owned(), deadline, identity: identity.clone() };
                assert_eq!(Request::parse(&request.write()), Ok(request));
            }
        }
        for request in [Request::Version, Request::Erase { address: "r.example".to_owned() }] {
            assert_eq!(Request::parse(&request.write()), Ok(request));
        }
        let minimal = Request::Get { address: "a".to_owned(), deadline: None, identity: Identity::default() };
        assert_eq!(parsed(r#"{"action":"get","ServerURL":"a"}"#), Ok(minimal));
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_never_taken_for_something_else() {
        for (text, reason) in [
            ("", "EOF"),
            ("get", "expected value"),
            ("[]", "invalid"),
            (r#"{"action":"list"}"#, "unknown variant `list`, expected one of `erase`, `get`, `version`"),
            (r#"{"action":"get"}"#, "has no ServerURL"),
            (r#"{"action":"get","ServerURL":""}"#, "an empty ServerURL"),
            (r#"{"action":"get","ServerURL":"a","endpoint":"https://x"}"#, "unknown field `endpoint`"),
            (r#"{"action":"get","ServerURL":"a","profile":""}"#, "an empty profile"),
            (r#"{"action":"get","ServerURL":"a","externalId":"e"}"#, "has no roleArn, to which its externalId belongs"),
            (r#"{"action":"get","ServerURL":"a","deadline":0}"#, "deadline is no time"),
            (r#"{"action":"get","ServerURL":"a","deadline":-1}"#, "deadline is no time"),
            (r#"{"action":"get","ServerURL":"a"} x"#, "trailing characters"),
            (r#"{"action":"erase","ServerURL":"a","profile":"p"}"#, "has profile, and its action has no place"),
            (r#"{"action":"version","deadline":1}"#, "has deadline, and its action has no place"),
        ] {
            let said = parsed(text).unwrap_err();
            assert!(said.contains(reason), "{text}: {said}");
        }
    }

    #[test]
    fn an_answer_is_what_was_found_or_why_nothing_was() {
        let credential = Credential::new("AWS", "p\"w\u{e9}".to_owned(), Some(7));
        let line = found("https://r.example", &credential);
        assert_eq!(
            String::from_utf8(line.to_vec()).unwrap(),
            "{\"ServerURL\":\"https://r.example\",\"Username\":\"AWS\",\"Secret\":\"p\\\"w\u{e9}\",\"ExpiresAt\":7}\n"
        );
        assert_eq!(Reply::parse(&line), Some(Reply::Found(credential)));
        let failure = Reply::Failed { text: "no".to_owned(), outcome: "denied".to_owned() };
        assert_eq!(Reply::parse(&failed("no", Outcome::Denied)), Some(failure));
        assert_eq!(Reply::parse(&done()), Some(Reply::Done));
        for text in ["", "{", "[]", r#"{"Error":"no"}"#, r#"{"Username":"u"}"#, r#"{"Error":"no","Secret":"s"}"#] {
            assert_eq!(Reply::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_name_of_an_outcome_stands_for_the_error_that_has_it() {
        let text = String::new;
        for error in [
            Error::Cancelled { waiting_for: None },
            Error::Denied(text()),
            Error::Internal(text()),
            Error::Invalid(text()),
            Error::NoCredentials(text()),
            Error::NotOurRegistry,
            Error::Other(text()),
            Error::OutOfFuel { limit: 1 },
            Error::OutOfMemory { limit: 1, wanted: 2 },
            Error::OverLimit { what: keyward::Limit::Handles, limit: 1 },
            Error::Overloaded { live: 1, of_this_registry: true },
            Error::Refused { destination: text(), address: None, setting: "" },
            Error::Throttled(text()),
            Error::Timeout { deadline: Duration::ZERO, waiting_for: None },
            Error::Trap { reason: text(), said: text() },
            Error::Unavailable(text()),
        ] {
            let outcome = Outcome::from(&error);
            assert_eq!(Outcome::from(&self::error(outcome.as_str(), "", Duration::ZERO)), outcome);
        }
        assert_eq!(error("found", "?", Duration::ZERO), Error::Other("?".to_owned()));
    }
}
