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
    files: BTreeMap<String, String>,
    answers: RefCell<Vec<Result<Response, HttpError>>>,
    pub(crate) requests: RefCell<Vec<Request>>,
}

impl TestWorld {
    pub(crate) fn with_environment(variables: &[(&str, &str)]) -> Self {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { environment, ..Self::default() }
    }

    pub(crate) fn file(mut self, path: &str, content: &str) -> Self {
        self.files.insert(path.to_owned(), content.to_owned());
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
        let content = self.files.get(path).ok_or(FileError::NotFound)?;
        Ok(Zeroizing::new(content.as_bytes().to_vec()))
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
