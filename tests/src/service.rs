//! What tells one fake from another: what it answers by itself.

use hyper::Request;
use hyper::body::Bytes;

use crate::keys::AccessKeys;
use crate::refusal::Refusal;

/// What a fake answers where a test has scripted nothing else.
pub(crate) trait Service: Send + Sync {
    /// The content type of answers that name none.
    fn content_type(&self) -> &'static str;

    /// The reply to a request, or why it is refused. Nothing is given out yet: whether the reply is
    /// sent is up to the script.
    fn examine(&self, request: &Request<Bytes>, request_id: &str) -> Result<Reply, Refusal>;

    /// Whether a request has a signature, and the right one.
    fn is_rightly_signed(&self, request: &Request<Bytes>) -> bool;

    /// Told before a reply is sent that gives something out.
    fn giving(&self, gift: &Gift);
}

/// The reply to a request that is right. Its status is 200.
pub(crate) struct Reply {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) gift: Gift,
}

impl Reply {
    /// A reply of the default content type.
    pub(crate) fn new(body: Vec<u8>, gift: Gift) -> Self {
        Self { headers: Vec::new(), body, gift }
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What a reply gives out.
pub(crate) enum Gift {
    /// A registry's password.
    RegistryToken,
    /// Temporary access keys.
    Credentials(AccessKeys),
    /// An access token of IAM Identity Center, and a refresh token in the place of this one.
    AccessToken { replaced_refresh_token: Option<String> },
    /// Nothing that is counted.
    Nothing,
}
