//! A world of tables, for the unit tests.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use crate::wiped::Wiped;

use crate::aws::client::Client;
use crate::context::Context;
use crate::settings::{Settings, SharedFiles};
use crate::source::Lookup;
use crate::time::Timestamp;
use crate::world::{FileError, HttpError, Local, Request, Response, World};

/// Answers from tables, and remembers what it was asked.
#[derive(Default)]
pub(crate) struct TestWorld {
    environment: BTreeMap<String, String>,
    files: RefCell<BTreeMap<String, Result<Vec<u8>, FileError>>>,
    answers: RefCell<Vec<Result<Response, HttpError>>>,
    elapsed: Cell<Duration>,
    /// Why no file can be replaced, where none can.
    read_only: Option<FileError>,
    pub(crate) notes: RefCell<Vec<String>>,
    pub(crate) requests: RefCell<Vec<Request>>,
    /// How long it was told to sleep. No time passes over it, but for the clock that is asked how long the lookup has lasted.
    pub(crate) sleeps: RefCell<Vec<Duration>>,
}

impl TestWorld {
    pub(crate) fn with_environment(variables: &[(&str, &str)]) -> Self {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { environment, ..Self::default() }
    }

    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.borrow_mut().insert(path.to_owned(), Ok(content.as_ref().to_owned()));
        self
    }

    pub(crate) fn no_file(self, path: &str, error: FileError) -> Self {
        self.files.borrow_mut().insert(path.to_owned(), Err(error));
        self
    }

    pub(crate) fn read_only(self, error: FileError) -> Self {
        Self { read_only: Some(error), ..self }
    }

    pub(crate) fn answer(self, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = Wiped::new(body.as_bytes().to_vec());
        self.answers.borrow_mut().push(Ok(Response { status, headers, body }));
        self
    }

    pub(crate) fn no_answer(self, error: HttpError) -> Self {
        self.answers.borrow_mut().push(Err(error));
        self
    }
}

impl Local for TestWorld {
    fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        self.files.borrow().get(path).cloned().unwrap_or(Err(FileError::NotFound)).map(Wiped::new)
    }
}

impl World for TestWorld {
    fn now(&self) -> Timestamp {
        Timestamp { seconds: 1_440_938_160 }
    }

    fn elapsed(&self) -> Duration {
        self.elapsed.get()
    }

    fn sleep(&self, duration: Duration) {
        self.sleeps.borrow_mut().push(duration);
        self.elapsed.set(self.elapsed.get() + duration);
    }

    fn random(&self) -> u64 {
        u64::MAX
    }

    fn http(&self, request: &Request) -> Result<Response, HttpError> {
        self.requests.borrow_mut().push(request.clone());
        let mut answers = self.answers.borrow_mut();
        if answers.is_empty() { Err(HttpError::Refused) } else { answers.remove(0) }
    }

    fn note(&self, line: &str) {
        self.notes.borrow_mut().push(line.to_owned());
    }

    /// A file that is there may be replaced, unless the world is read only.
    fn replace_file(&self, path: &str, content: &[u8]) -> Result<(), FileError> {
        if let Some(error) = &self.read_only {
            return Err(error.clone());
        }
        match self.files.borrow_mut().get_mut(path) {
            Some(file) => {
                *file = Ok(content.to_owned());
                Ok(())
            }
            None => Err(FileError::NotGranted),
        }
    }
}

/// What a lookup in a world has for its sources, for a registry in us-east-1.
pub(crate) fn in_lookup<T>(world: &TestWorld, context: &Context, ask: impl FnOnce(&Lookup<'_, TestWorld>) -> T) -> T {
    let files = SharedFiles::read(world);
    let settings = &Settings::new(world, context, &files);
    let client = &Client::new(world, settings).unwrap();
    ask(&Lookup { client, registry_region: "us-east-1", settings })
}
