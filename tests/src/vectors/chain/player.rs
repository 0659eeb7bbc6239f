//! Answers from a recording, by order and not by content: what was asked is compared afterwards, when it can be told apart
//! from what came of it.

use std::sync::{Mutex, PoisonError};

use super::case::ChainCase;
use super::check;
use super::recording::{Request, Response};

/// The addresses of EC2's metadata service, as hosts.
const INSTANCE_METADATA: [&str; 2] = ["169.254.169.254", "[fd00:ec2::254]"];

/// Plays a case to one lookup.
#[derive(Debug)]
pub struct Player {
    case: ChainCase,
    asked: Mutex<Vec<Request>>,
}

impl Player {
    /// A player of a case, at its begin.
    #[must_use]
    pub fn new(case: ChainCase) -> Self {
        Self { case, asked: Mutex::default() }
    }

    /// The case.
    #[must_use]
    pub fn case(&self) -> &ChainCase {
        &self.case
    }

    /// The content of a file.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.case.files.get(path).cloned()
    }

    /// The recorded answer to the request that is as many in the recording as this one is here.
    ///
    /// Where a recording has nothing of instance metadata, there is no such service, and asking for it does not count:
    /// a lookup may look there for its region.
    ///
    /// # Errors
    ///
    /// Why there is no answer: there is no connection for one request more than was recorded.
    pub fn send(&self, request: Request) -> Result<Response, String> {
        if self.is_beside_the_recording(&request) {
            return Err("there is no instance metadata in this recording".to_owned());
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let index = asked.len();
        asked.push(request);
        let exchange = self.case.exchanges.get(index);
        exchange.map_or_else(|| Err("nothing more was recorded".to_owned()), |exchange| exchange.answer.clone())
    }

    /// What was asked, in order, without what does not count.
    #[must_use]
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Compares what was asked with the recording: every request of it, no other one, and of each request everything that
    /// makes a difference.
    ///
    /// # Errors
    ///
    /// The first difference.
    pub fn check(&self) -> Result<(), String> {
        check::check(&self.case, &self.asked())
    }

    fn is_beside_the_recording(&self, request: &Request) -> bool {
        let is_metadata = |request: &Request| INSTANCE_METADATA.contains(&request.host().trim_end_matches(":80"));
        is_metadata(request) && !self.case.exchanges.iter().any(|exchange| is_metadata(&exchange.request))
    }
}
