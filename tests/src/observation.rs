//! What a test can see of what happened at a fake.

use std::fmt;

use crate::parameters::Parameters;
use crate::signature::CredentialScope;

/// A request that a fake received in full.
#[derive(Clone)]
#[non_exhaustive]
pub struct SeenRequest {
    /// The HTTP method.
    pub method: String,
    /// The path, with the query if there is one.
    pub path: String,
    /// The `Host` header; of several, the first.
    pub host: String,
    /// Every header that was received, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The server name that the client asked for in the TLS handshake (SNI); clients that connect
    /// by address send none.
    pub server_name: Option<String>,
    /// The access key id that the request says it is signed with.
    pub access_key_id: Option<String>,
    /// The credential scope that the request says it is signed for.
    pub scope: Option<CredentialScope>,
    /// Whether the signature is right: keys that the fake knows, the session token that goes with
    /// them, and the signature that AWS's own signer makes of what was received.
    pub signature_is_right: bool,
    /// Why [`Answer::Token`](crate::Answer::Token) refuses this request, as `code: message`, and
    /// `None` if it does not. It is set whatever the request was answered.
    pub refusal: Option<String>,
    /// The `x-amzn-requestid` of the answer.
    pub request_id: String,
}

impl SeenRequest {
    /// The value of a header, of several with this name the first. `name` is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter of the query or, if the path has none, of a form in the body.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let text = match self.path.split_once('?') {
            Some((_, query)) => query,
            None => std::str::from_utf8(&self.body).ok()?,
        };
        Parameters::parse(text)?.get(name).map(str::to_owned)
    }

    /// One line without secrets, for the message of a failed test.
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} {}{} {}, refusal: {:?}",
            self.method,
            self.host,
            self.path,
            self.header("x-amz-target").unwrap_or("(no target)"),
            self.refusal,
        )
    }
}

impl fmt::Debug for SeenRequest {
    /// Without secrets: of headers, only the names, and of the body, only its length.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header_names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("SeenRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("host", &self.host)
            .field("header_names", &header_names)
            .field("body_length", &self.body.len())
            .field("server_name", &self.server_name)
            .field("access_key_id", &self.access_key_id)
            .field("scope", &self.scope)
            .field("signature_is_right", &self.signature_is_right)
            .field("refusal", &self.refusal)
            .field("request_id", &self.request_id)
            .finish()
    }
}

/// A fake's counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Connections accepted so far.
    pub connections_accepted: usize,
    /// Connections open now.
    pub connections_open: usize,
    /// TLS handshakes that failed so far, for example since the client does not trust the authority.
    pub handshakes_failed: usize,
    /// Requests received in full so far.
    pub requests: usize,
    /// Tokens for registries given out so far.
    pub tokens: usize,
    /// Access keys given out so far, by whichever service.
    pub credentials: usize,
}
