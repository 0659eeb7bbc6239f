//! Everything that a lookup can reach: four capabilities, each granted by the host.
//!
//! The component implements [`World`] with WASI; tests implement it with tables.

use zeroize::Zeroizing;

use crate::time::Timestamp;

/// The most that is read of one answer. ECR's are below 4 KiB.
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// The four capabilities of a lookup.
pub trait World {
    /// The value of an environment variable, if it is set and UTF-8.
    fn environment(&self, name: &str) -> Option<String>;

    /// The content of a file.
    ///
    /// # Errors
    ///
    /// [`FileError`] says what kept the file from being read.
    fn file(&self, path: &str) -> Result<Zeroizing<Vec<u8>>, FileError>;

    /// The time now.
    fn now(&self) -> Timestamp;

    /// Sends a request and waits for the whole answer. Redirects are not followed.
    ///
    /// # Errors
    ///
    /// [`HttpError`] when there is no whole answer of at most [`MAX_RESPONSE_BYTES`].
    fn http(&self, request: &Request) -> Result<Response, HttpError>;
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
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
}

impl Method {
    /// The method's name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
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
    pub body: Zeroizing<Vec<u8>>,
}

impl Response {
    /// The first value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The file does not exist, or was not granted.
    #[error("no such file")]
    NotFound,
    /// The file exists and cannot be read, for the reason given.
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
    /// The server did not answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The server could not prove that it is who it should be.
    #[error("no trusted TLS connection: {0}")]
    Tls(String),
    /// The answer has more than [`MAX_RESPONSE_BYTES`].
    #[error("the answer is larger than {MAX_RESPONSE_BYTES} bytes")]
    TooLarge,
}
