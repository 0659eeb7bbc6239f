//! A world for one request.

use std::cell::RefCell;
use std::time::Duration;

use keyward_ecr::time::Timestamp;
use keyward_ecr::wiped::Wiped;
use keyward_ecr::world::{FileError, HttpError, Local, Request, Response, World};

/// A world that lets one request out, remembers it and does not answer.
#[derive(Default)]
pub(crate) struct Recorder {
    /// The request that was sent last.
    pub(crate) sent: RefCell<Option<Request>>,
}

impl Local for Recorder {
    fn environment(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, _path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        Err(FileError::NotFound)
    }
}

impl World for Recorder {
    fn now(&self) -> Timestamp {
        Timestamp { seconds: 1_440_938_160 }
    }

    fn http(&self, request: &Request) -> Result<Response, HttpError> {
        self.sent.replace(Some(request.clone()));
        // Nothing that would be tried again.
        Err(HttpError::Refused)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _duration: Duration) {}

    fn random(&self) -> u64 {
        0
    }

    fn replace_file(&self, _path: &str, _content: &[u8]) -> Result<(), FileError> {
        Err(FileError::NotGranted)
    }
}
