//! What a test can have a fake answer.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::json;
use tokio::sync::watch;

/// What a fake does with a request. Every answer that has headers carries an `x-amzn-requestid`, and
/// a content type: unless it has another, that of AWS's JSON protocol from [`FakeAws`](crate::FakeAws),
/// `text/plain` from [`FakeMetadata`](crate::FakeMetadata).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// What AWS would say: a token, or whatever else was asked for, if the request is right in every
    /// way that the fake checks, and otherwise the error that AWS has for it.
    Token,
    /// Exactly this response. The request is not checked, so it is given to a wrongly signed one
    /// too; [`SeenRequest::refusal`](crate::SeenRequest::refusal) tells all the same.
    ///
    /// A `content-length` that is longer than the body is sent as it is, and the connection closed
    /// after the body: a response that is cut off.
    Raw {
        /// The HTTP status.
        status: u16,
        /// Headers, as names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Another answer, once a test has opened the gate.
    Held(Gate, Box<Answer>),
    /// Another answer, after some time.
    Delayed(Duration, Box<Answer>),
    /// No answer at all: the request is taken, and the connection stays open until the client or
    /// the fake ends it.
    Silence,
    /// The head of a response that promises a body, of which no byte ever comes.
    HeadersThenSilence,
    /// A response whose body goes on for as long as the client reads it.
    EndlessBody,
    /// A response whose body is this many spaces, which its head does not tell.
    LongBody(u64),
    /// The connection is closed where the answer would begin.
    DropConnection,
}

impl Answer {
    /// An error as AWS's JSON protocol has them: a code such as `ThrottlingException`, and a message.
    #[must_use]
    pub fn aws_error(status: u16, code: &str, message: &str) -> Self {
        Self::Raw {
            status,
            headers: Vec::new(),
            body: json!({ "__type": code, "message": message }).to_string().into_bytes(),
        }
    }

    /// Panics if the answer cannot be sent, in the test that scripts it and not where it is used.
    #[track_caller]
    pub(crate) fn assert_well_formed(&self) {
        match self {
            Self::Raw { status, headers, .. } => {
                // A status below 200 is interim: a client goes on waiting for the answer.
                assert!(
                    *status >= 200 && StatusCode::from_u16(*status).is_ok(),
                    "{status} is not the HTTP status of an answer"
                );
                for (name, value) in headers {
                    let valid = HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok();
                    assert!(valid, "not an HTTP header: {name:?}: {value:?}");
                }
            }
            Self::Held(_, then) | Self::Delayed(_, then) => then.assert_well_formed(),
            Self::Token
            | Self::Silence
            | Self::HeadersThenSilence
            | Self::EndlessBody
            | Self::LongBody(_)
            | Self::DropConnection => {}
        }
    }
}

/// Holds answers back until a test says so, which makes 'several requests are under way' a state
/// that can be waited for. Clones are one gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the gate for good: for answers that are held back now, and for later ones.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn opened(&self) {
        self.0.subscribe().wait_for(|open| *open).await.expect("the sender outlives this borrow of it");
    }
}
