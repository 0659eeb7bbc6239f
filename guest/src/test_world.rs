//! A world of tables, for the unit tests.

use std::cell::RefCell;
use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::time::Timestamp;
use crate::world::{FileError, HttpError, Request, Response, World};

/// Answers from tables, and remembers what it was asked.
#[derive(Default)]
pub(crate) struct TestWorld {
    environment: BTreeMap<String, String>,
    files: BTreeMap<String, Result<Vec<u8>, FileError>>,
    answers: RefCell<Vec<Result<Response, HttpError>>>,
    pub(crate) requests: RefCell<Vec<Request>>,
}

impl TestWorld {
    pub(crate) fn with_environment(variables: &[(&str, &str)]) -> Self {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { environment, ..Self::default() }
    }

    pub(crate) fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.to_owned(), Ok(content.as_ref().to_owned()));
        self
    }

    pub(crate) fn no_file(mut self, path: &str, error: FileError) -> Self {
        self.files.insert(path.to_owned(), Err(error));
        self
    }

    pub(crate) fn answer(self, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = Zeroizing::new(body.as_bytes().to_vec());
        self.answers.borrow_mut().push(Ok(Response { status, headers, body }));
        self
    }

    pub(crate) fn no_answer(self, error: HttpError) -> Self {
        self.answers.borrow_mut().push(Err(error));
        self
    }
}

impl World for TestWorld {
    fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<Zeroizing<Vec<u8>>, FileError> {
        self.files.get(path).cloned().unwrap_or(Err(FileError::NotFound)).map(Zeroizing::new)
    }

    fn now(&self) -> Timestamp {
        Timestamp { seconds: 1_440_938_160 }
    }

    fn http(&self, request: &Request) -> Result<Response, HttpError> {
        self.requests.borrow_mut().push(request.clone());
        let mut answers = self.answers.borrow_mut();
        if answers.is_empty() { Err(HttpError::Refused) } else { answers.remove(0) }
    }
}
