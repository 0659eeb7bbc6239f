//! A world that is played to lookups instead of the real one, for tests: files, clock and HTTP.
//!
//! What a lookup may do stays as it is. Only files that the settings grant are asked for, only requests that the egress
//! policy lets out by their name are sent, and requests, bytes and time are counted against the same budget. What is left
//! out is the world itself: no file is opened, no name is resolved, nothing is connected.
//!
//! Sleeping is tokio's, so a test whose runtime has a paused clock does not wait for it: a sleep of the component ends, or
//! the deadline passes, at once, whichever comes first. While the component computes, a paused clock stands still: the
//! runtime moves it on only when it has nothing to do, and nothing of a replayed lookup is done on other threads.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

/// A world that is played to lookups. See [`Config::with_replay`](crate::Config::with_replay).
///
/// It is asked inside of the lookup, so it must not block.
pub trait Replay: Send + Sync {
    /// The content of a file, by its absolute path, or why it cannot be read; `None` where there is no such file.
    fn file(&self, path: &str) -> Option<Result<Vec<u8>, io::ErrorKind>>;

    /// Puts a content into the place of a file.
    ///
    /// # Errors
    ///
    /// Whatever a file system could answer. Unless implemented, nothing can be written.
    fn write_file(&self, path: &str, content: &[u8]) -> io::Result<()> {
        let _ = (path, content);
        Err(io::ErrorKind::PermissionDenied.into())
    }

    /// What the wall clock shows, as the time since 1970 (UTC).
    fn now(&self) -> Duration;

    /// Answers a request. It is as the component made it: with its whole URI, and its whole body.
    ///
    /// # Errors
    ///
    /// [`Failure`], where there is no answer.
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Failure>;
}

/// So that settings that have one can be printed.
impl fmt::Debug for dyn Replay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Replay")
    }
}

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The server took the request and did not answer in time.
    AnswerTimeout,
    /// The server closed the connection before it answered.
    ConnectionClosed,
    /// Nobody listens there.
    ConnectionRefused,
    /// Nobody took the connection in time.
    ConnectionTimeout,
    /// The name does not exist.
    NameUnknown,
}
