//! What a test can see of what happened at the fake.

use crate::signature::CredentialScope;

/// A request that the fake received in full.
#[derive(Clone, Debug)]
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

/// The fake's counters at one moment.
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
