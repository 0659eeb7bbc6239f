//! A fake AWS: a request → an answer, from which its reader can tell who has given it, and for what.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use crate::case::{Container, Imds, Portal, REGISTRY_REGION, Services, Sts};
use crate::outcome::Asked;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body.
    pub body: String,
}

impl Answer {
    fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }
}

/// When all credentials end that do not have ended before.
const END: &str = "2026-01-01T06:00:00Z";

/// The same in milliseconds.
const END_MILLISECONDS: u64 = 1_767_247_200_000;

/// A minute before all cases.
const ENDED: &str = "2025-12-31T23:59:00Z";

/// The answer to a request; none where nobody is there.
pub fn answer(services: Services, asked: &Asked) -> Option<Answer> {
    let path = asked.path();
    if let Some(begin) = path.find("/latest/") {
        return imds(services.imds, asked, &path[begin..]);
    }
    if asked.parameter("Action").is_some() {
        return Some(sts(services.sts, asked));
    }
    Some(match path {
        "/federation/credentials" => portal(services.sso, asked),
        "/token" => renewal(services.sso),
        _ => return container(services.container, asked),
    })
}

/// Whatever the instance metadata service is like, it knows the region before anybody asks for credentials.
pub fn region() -> Answer {
    Answer::new(200, REGISTRY_REGION)
}

fn imds(imds: Imds, asked: &Asked, path: &str) -> Option<Answer> {
    const LIST: &str = "/latest/meta-data/iam/security-credentials/";
    if imds == Imds::Absent {
        return None;
    }
    if path == "/latest/api/token" {
        return Some(match imds {
            Imds::Forbidden => Answer::new(403, ""),
            _ => token(),
        });
    }
    if asked.header("x-aws-ec2-metadata-token") != Some(TOKEN) {
        return Some(Answer::new(401, ""));
    }
    Some(match (path, imds) {
        (_, Imds::Broken) => Answer::new(500, ""),
        (LIST, Imds::NoRole) => Answer::new(404, ""),
        (LIST, _) => Answer::new(200, "instance-role"),
        (_, Imds::Untrusted) if path.starts_with(LIST) => {
            Answer::new(200, r#"{"Code": "AssumeRoleUnauthorizedAccess", "Message": "no"}"#)
        }
        (_, imds) if path.starts_with(LIST) => {
            let end = if imds == Imds::Ended { ENDED } else { END };
            Answer::new(200, credentials("IMDS", path, end))
        }
        _ => Answer::new(404, ""),
    })
}

const TOKEN: &str = "metadata-token";

/// The instance metadata service's token.
pub fn token() -> Answer {
    Answer { headers: vec![("x-aws-ec2-metadata-token-ttl-seconds", "21600")], ..Answer::new(200, TOKEN) }
}

fn container(container: Container, asked: &Asked) -> Option<Answer> {
    Some(match container {
        Container::Works => {
            Answer::new(200, credentials("CONTAINER", (asked.path(), asked.header("authorization")), END))
        }
        Container::Absent => return None,
        Container::Broken => Answer::new(500, ""),
        Container::NotFound => Answer::new(404, "not here"),
        Container::NotCredentials => Answer::new(200, "<html>"),
        Container::Refuses => Answer::new(200, r#"{"code": "Refused", "message": "no"}"#),
    })
}

/// The form that containers and instances have in common.
fn credentials(source: &str, what: impl Hash, end: &str) -> String {
    let id = id(source, what);
    format!(
        r#"{{"Code": "Success", "AccessKeyId": "{id}", "SecretAccessKey": "secret-{id}", "Token": "token-{id}", "Expiration": "{end}"}}"#
    )
}

fn sts(sts: Sts, asked: &Asked) -> Answer {
    if sts == Sts::Refuses {
        return Answer::new(
            403,
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
        );
    }
    let action = asked.parameter("Action").unwrap_or_default();
    let what = ["RoleArn", "ExternalId", "WebIdentityToken"].map(|name| asked.parameter(name));
    let id = id(if action == "AssumeRole" { "ROLE" } else { "WEB" }, what);
    let body = format!(
        "<{action}Response><{action}Result><Credentials><AccessKeyId>{id}</AccessKeyId>\
         <SecretAccessKey>secret-{id}</SecretAccessKey><SessionToken>token-{id}</SessionToken>\
         <Expiration>{END}</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>i</AssumedRoleId>\
         <Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn></AssumedRoleUser></{action}Result></{action}Response>"
    );
    Answer { headers: vec![("content-type", "text/xml")], ..Answer::new(200, body) }
}

fn portal(portal: Portal, asked: &Asked) -> Answer {
    if portal == Portal::Refuses {
        return Answer::new(401, r#"{"__type": "UnauthorizedException", "message": "no"}"#);
    }
    let what = ["role_name", "account_id"].map(|name| asked.parameter(name));
    let id = id("SSO", (what, asked.header("x-amz-sso_bearer_token")));
    Answer::new(
        200,
        format!(
            r#"{{"roleCredentials": {{"accessKeyId": "{id}", "secretAccessKey": "secret-{id}", "sessionToken": "token-{id}", "expiration": {END_MILLISECONDS}}}}}"#
        ),
    )
}

fn renewal(portal: Portal) -> Answer {
    match portal {
        Portal::NoRenewal => Answer::new(400, r#"{"error": "invalid_grant"}"#),
        _ => Answer::new(
            200,
            r#"{"accessToken": "renewed", "expiresIn": 28800, "refreshToken": "next", "tokenType": "Bearer"}"#,
        ),
    }
}

/// An access key id that is another one for everything else.
fn id(source: &str, what: impl Hash) -> String {
    // Without arguments, its keys are always the same.
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    format!("{source}.{:016X}", hasher.finish())
}
