//! A world whose files and answers come out of a fuzzer's input, and a lookup in it.

#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use keyward_ecr::context::Context;
use keyward_ecr::time::Timestamp;
use keyward_ecr::wiped::Wiped;
use keyward_ecr::world::{FileError, HttpError, Local, Request, Response, World};

/// What separates the parts of an input that stands for several files or answers.
const SEPARATOR: u8 = 0;

/// The statuses that the first byte of an answer chooses from.
const STATUSES: [u16; 8] = [200, 200, 400, 401, 403, 404, 429, 500];

/// 2026-01-01T00:00:00Z.
const NOW: u64 = 1_767_225_600;

/// A world of tables.
#[derive(Default)]
pub struct FuzzWorld {
    environment: BTreeMap<&'static str, String>,
    files: BTreeMap<String, Vec<u8>>,
    answers: Vec<Response>,
    asked: Cell<usize>,
    elapsed: Cell<Duration>,
    replaced: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl FuzzWorld {
    /// Nothing but a home folder.
    pub fn new() -> Self {
        Self::default().variable("HOME", "/h")
    }

    /// With a variable.
    #[must_use]
    pub fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.environment.insert(name, value.to_owned());
        self
    }

    /// With a file.
    #[must_use]
    pub fn file(mut self, path: &str, content: &[u8]) -> Self {
        self.files.insert(path.to_owned(), content.to_owned());
        self
    }

    /// With answers to one request after the other, and the last one to all that come behind.
    #[must_use]
    pub fn answers(mut self, input: &[u8]) -> Self {
        self.answers.extend(parts(input).map(|part| {
            let (status, body) = part.split_first().unwrap_or((&0, &[]));
            Response {
                status: STATUSES[usize::from(*status) % STATUSES.len()],
                headers: vec![("x-aws-ec2-metadata-token-ttl-seconds".to_owned(), "21600".to_owned())],
                body: Wiped::new(body.to_owned()),
            }
        }));
        self
    }

    /// Looks up the credential of a registry. Whatever comes of it, a message must not steer the terminal that it ends up on.
    pub fn look_up(&self, context: &Context) {
        if let Err(error) = keyward_ecr::get(self, "123456789012.dkr.ecr.us-east-1.amazonaws.com", context) {
            // The host takes control characters out of what is told about settings. What services say comes without.
            let is_of_service = self.asked.get() > 0;
            assert!(!is_of_service || !error.to_string().contains(char::is_control), "{error:?}");
        }
    }
}

/// The parts of an input: one at least.
pub fn parts(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.split(|byte| *byte == SEPARATOR)
}

impl Local for FuzzWorld {
    fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        let replaced = self.replaced.borrow();
        replaced.get(path).or_else(|| self.files.get(path)).cloned().map(Wiped::new).ok_or(FileError::NotFound)
    }
}

impl World for FuzzWorld {
    fn now(&self) -> Timestamp {
        Timestamp { seconds: NOW }
    }

    fn elapsed(&self) -> Duration {
        self.elapsed.get()
    }

    fn sleep(&self, duration: Duration) {
        self.elapsed.set(self.elapsed.get() + duration);
    }

    fn random(&self) -> u64 {
        u64::MAX
    }

    fn http(&self, _: &Request) -> Result<Response, HttpError> {
        let index = self.asked.replace(self.asked.get() + 1);
        self.answers.get(index).or(self.answers.last()).cloned().ok_or(HttpError::Refused)
    }

    fn replace_file(&self, path: &str, content: &[u8]) -> Result<(), FileError> {
        self.replaced.borrow_mut().insert(path.to_owned(), content.to_owned());
        Ok(())
    }
}
