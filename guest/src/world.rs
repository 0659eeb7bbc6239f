//! Everything that a lookup can reach, granted by the host piece by piece.
//!
//! The component implements [`World`] with WASI; tests implement it with tables.

use std::time::Duration;

use crate::wiped::Wiped;

use crate::time::Timestamp;

/// The most that is read of one answer. ECR's are below 4 KiB.
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// What settings are read from.
pub trait Local {
    /// The value of an environment variable, if it is set and UTF-8.
    fn environment(&self, name: &str) -> Option<String>;

    /// The content of a file.
    ///
    /// # Errors
    ///
    /// [`FileError`] says what kept the file from being read.
    fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError>;
}

/// The capabilities of a lookup.
pub trait World: Local {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// How long the lookup has lasted, by a clock that nobody sets.
    fn elapsed(&self) -> Duration;

    /// Does nothing for a while.
    fn sleep(&self, duration: Duration);

    /// A number that nobody can foresee.
    fn random(&self) -> u64;

    /// Sends a request and waits for the whole answer. Redirects are not followed.
    ///
    /// # Errors
    ///
    /// [`HttpError`] when there is no whole answer of at most [`MAX_RESPONSE_BYTES`].
    fn http(&self, request: &Request) -> Result<Response, HttpError>;

    /// Puts a file in the place of one that was granted with write access.
    ///
    /// # Errors
    ///
    /// [`FileError`]; the file is then what it was before.
    fn replace_file(&self, path: &str, content: &[u8]) -> Result<(), FileError>;

    /// Says something of the lookup to whoever watches it: a line, with its end. In most worlds, nobody does.
    fn note(&self, line: &str) {
        let _ = line;
    }
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// With or without TLS.
    pub scheme: Scheme,
    /// Host and, where it is not the scheme's own, port. It is sent as the `host` header as it stands.
    pub authority: String,
    /// The path and the query, percent-encoded.
    pub path: String,
    /// The headers apart from `host`, names in lower case. With a body, `content-length` is among them: without it
    /// the body would be sent in chunks.
    pub headers: Vec<(String, String)>,
    /// The body, empty for none.
    pub body: Vec<u8>,
    /// How long it may take. The lookup's deadline holds in any case.
    pub patience: Patience,
}

/// How long a request may wait for its server before it is given up, and may be sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// Until the connection is there.
    pub connection: Option<Duration>,
    /// From then on, until the answer begins.
    pub answer: Option<Duration>,
}

impl Patience {
    /// The same time for both.
    pub const fn of(time: Duration) -> Self {
        Self { connection: Some(time), answer: Some(time) }
    }
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
}

impl Method {
    /// The method's name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// The scheme of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, which may hold secrets.
    pub body: Wiped<Vec<u8>>,
}

impl Response {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The file does not exist.
    #[error("no such file")]
    NotFound,
    /// The sandbox does not let lookups read it, or write it.
    #[error("not granted")]
    NotGranted,
    /// The file exists and cannot be read, or written, for the reason given.
    #[error("not readable: {0}")]
    Unreadable(String),
}

/// Why there is no whole answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// No connection was made.
    #[error("no connection: {0}")]
    Connection(String),
    /// The answer's headers are more than the host takes.
    #[error("the answer's headers are larger than the sandbox allows")]
    HeadersTooLarge,
    /// The host does not let the request out.
    #[error("the sandbox does not allow this destination")]
    Refused,
    /// The name could not be resolved.
    #[error("its name could not be resolved: {0}")]
    Resolution(String),
    /// The connection ended, or made no sense, before the answer was whole.
    #[error("the answer broke off: {0}")]
    Response(String),
    /// The server took the connection and did not answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The server could not prove that it is who it should be.
    #[error("no trusted TLS connection: {0}")]
    Tls(String),
    /// The answer has more than [`MAX_RESPONSE_BYTES`].
    #[error("the answer is larger than {MAX_RESPONSE_BYTES} bytes")]
    TooLarge,
}

impl HttpError {
    /// Whether the same request may get an answer in a moment. A name that does not exist, a certificate and a policy stay what they
    /// are.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Response(_) | Self::Timeout => true,
            Self::HeadersTooLarge | Self::Refused | Self::Resolution(_) | Self::Tls(_) | Self::TooLarge => false,
        }
    }
}
