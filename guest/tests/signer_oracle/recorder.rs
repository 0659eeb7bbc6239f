//! A world for one request.

use std::cell::RefCell;

use keyward_ecr::time::Timestamp;
use keyward_ecr::world::{FileError, HttpError, Request, Response, World};
use zeroize::Zeroizing;

/// A world that lets one request out, remembers it and does not answer.
#[derive(Default)]
pub(crate) struct Recorder {
    /// The request that was sent last.
    pub(crate) sent: RefCell<Option<Request>>,
}

impl World for Recorder {
    fn environment(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, _path: &str) -> Result<Zeroizing<Vec<u8>>, FileError> {
        Err(FileError::NotFound)
    }

    fn now(&self) -> Timestamp {
        Timestamp { seconds: 1_440_938_160 }
    }

    fn http(&self, request: &Request) -> Result<Response, HttpError> {
        self.sent.replace(Some(request.clone()));
        Err(HttpError::Timeout)
    }
}
