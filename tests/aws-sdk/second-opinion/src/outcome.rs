//! What a chain came to: an identity, or none, and whom it has asked on the way.

use std::fmt;

use keyward_ecr::world::{HttpError, Method, Request, Scheme};
use percent_encoding::percent_decode_str;

use crate::case::NOW;

/// What a chain came to.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Whom it has asked, in order.
    pub calls: Vec<Call>,
    /// What an error said. Two errors are the same, whatever they say.
    pub message: Message,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:?}", self.verdict)?;
        if !self.message.0.is_empty() {
            writeln!(formatter, "  {}", self.message.0)?;
        }
        self.calls.iter().try_for_each(|call| writeln!(formatter, "  {call:?}"))
    }
}

/// Whose credentials there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// These.
    Credentials {
        /// The access key id, which tells sources apart.
        access_key_id: String,
        /// The secret access key.
        secret_access_key: String,
        /// The session token.
        session_token: Option<String>,
        /// The account.
        account_id: Option<String>,
        /// When they end, in seconds since 1970.
        expires_at: Option<u64>,
    },
    /// Some source is configured, and has none to give.
    Error,
    /// No source is configured.
    None,
}

impl Outcome {
    /// How often a call was sent again is left out: the SDK has one budget for the retries of a whole process, and so many cases use it
    /// up. The end of credentials that have ended is left out too: the SDK puts it off, by a number of minutes that it dices.
    pub fn new(mut verdict: Verdict, mut calls: Vec<Call>, message: String) -> Self {
        const LONGEST_DELAY: u64 = 15 * 60;
        calls.dedup();
        if let Verdict::Credentials { expires_at: Some(end), .. } = &mut verdict
            && *end <= NOW + LONGEST_DELAY
        {
            *end = NOW;
        }
        Self { verdict, calls, message: Message(message) }
    }
}

/// What an error said.
#[derive(Clone, Debug, Default)]
pub struct Message(pub String);

impl PartialEq for Message {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Message {}

/// A request as it is sent.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl From<&Request> for Asked {
    fn from(request: &Request) -> Self {
        let scheme = match request.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        Self {
            method: Method::as_str(request.method).to_owned(),
            url: format!("{scheme}://{}{}", request.authority, request.path),
            headers: request.headers.clone(),
            body: request.body.clone(),
        }
    }
}

impl Asked {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        let url = self.url.split('?').next().unwrap_or_default();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.find('/').map_or("/", |slash| &rest[slash..])
    }

    /// A parameter of the query or of a form.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        let form = std::str::from_utf8(&self.body).unwrap_or_default();
        let pairs = query.split('&').chain(form.split('&'));
        let (_, value) = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
        percent_decode_str(&value.replace('+', " ")).decode_utf8().ok().map(String::from)
    }
}

/// A request, as far as both chains have to send the same one.
#[derive(Clone, PartialEq, Eq)]
pub struct Call(String);

/// Form parameters that have to be the same.
const PARAMETERS: [&str; 5] = ["Action", "RoleArn", "ExternalId", "DurationSeconds", "WebIdentityToken"];

/// Headers that have to be the same. The value of a metadata token is one that the fake has given.
const HEADERS: [&str; 4] =
    ["accept", "x-aws-ec2-metadata-token", "x-aws-ec2-metadata-token-ttl-seconds", "x-amz-sso_bearer_token"];

impl From<&Asked> for Call {
    fn from(asked: &Asked) -> Self {
        // The SDK has to be given the address, since it has nobody here to ask for it.
        let url = asked.url.replace("//localhost:", "//127.0.0.1:");
        let (url, query) = url.split_once('?').unwrap_or((&url, ""));
        let mut query: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
        query.sort_unstable();
        let mut text = format!("{} {}", asked.method, url.trim_end_matches('/'));
        if !query.is_empty() {
            text.push_str(&format!("?{}", query.join("&")));
        }
        for name in PARAMETERS {
            if let Some(value) = asked.parameter(name) {
                text.push_str(&format!(" {name}={value}"));
            }
        }
        // Whoever is not told a session's name makes up one of his own.
        if let Some(name) = asked.parameter("RoleSessionName").filter(|name| name.starts_with("session-")) {
            text.push_str(&format!(" RoleSessionName={name}"));
        }
        for name in HEADERS {
            // The services of AWS do not care about it.
            if let Some(value) = asked.header(name).filter(|_| name != "accept" || url.starts_with("http://")) {
                text.push_str(&format!(" {name}: {value}"));
            }
        }
        if let Some(signer) = signer(asked) {
            text.push_str(&format!(" by {signer}"));
        }
        Self(text)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Who has signed a request, for which region and service; or else the whole of its authorization.
fn signer(asked: &Asked) -> Option<String> {
    let authorization = asked.header("authorization")?;
    let Some((_, signed)) = authorization.split_once("Credential=") else { return Some(authorization.to_owned()) };
    let scope: Vec<&str> = signed.split(',').next()?.rsplitn(5, '/').collect();
    let [_, service, region, _, access_key_id] = scope.try_into().ok()?;
    Some(format!("{access_key_id} for {service} in {region}"))
}

/// What there is in the place of an answer where nobody is there.
pub fn nobody() -> HttpError {
    HttpError::Connection("connection refused".to_owned())
}
