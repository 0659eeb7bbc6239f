//! A world of tables, for the vectors that need more than a pure function: variables, files, a clock, and answers in their order.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use keyward_ecr::aws::client::Client;
use keyward_ecr::context::Context;
use keyward_ecr::settings::{Settings, SharedFiles};
use keyward_ecr::source::Lookup;
use keyward_ecr::time::Timestamp;
use keyward_ecr::wiped::Wiped;
use keyward_ecr::world::{FileError, HttpError, Local, Request, Response, World};

/// Answers from tables, and remembers what it was asked.
pub(crate) struct TableWorld {
    environment: BTreeMap<String, String>,
    files: RefCell<BTreeMap<String, Vec<u8>>>,
    begin: Timestamp,
    elapsed: Cell<Duration>,
    answers: RefCell<VecDeque<Response>>,
    requests: RefCell<Vec<Request>>,
}

impl TableWorld {
    /// A world with these variables, at a time of RFC 3339.
    ///
    /// # Errors
    ///
    /// A text, where it is no such time.
    pub(crate) fn new(variables: &[(&str, &str)], now: &str) -> Result<Self, String> {
        Ok(Self {
            environment: variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            files: RefCell::default(),
            begin: Timestamp::parse_rfc3339(now).ok_or_else(|| format!("not a time: {now}"))?,
            elapsed: Cell::default(),
            answers: RefCell::default(),
            requests: RefCell::default(),
        })
    }

    /// Adds a file, which may be replaced.
    pub(crate) fn with_file(self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.borrow_mut().insert(path.to_owned(), content.into());
        self
    }

    /// Adds the answer to the next request. After the last one, requests are refused.
    pub(crate) fn with_answer(self, status: u16, body: &str) -> Self {
        self.with_answer_and_headers(status, &[], body)
    }

    /// The same with headers.
    pub(crate) fn with_answer_and_headers(self, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = Wiped::new(body.as_bytes().to_vec());
        self.answers.borrow_mut().push_back(Response { status, headers, body });
        self
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.borrow().clone()
    }

    /// How many answers nobody has asked for.
    pub(crate) fn answers_left(&self) -> usize {
        self.answers.borrow().len()
    }

    /// Asks something of a lookup in this world, for a registry in this region.
    ///
    /// # Errors
    ///
    /// A text, where the settings make no sense.
    pub(crate) fn in_lookup<T>(
        &self,
        context: &Context,
        registry_region: &str,
        ask: impl FnOnce(&Lookup<'_, Self>) -> T,
    ) -> Result<T, String> {
        let files = SharedFiles::read(self);
        let settings = &Settings::new(self, context, &files);
        let client = &Client::new(self, settings).map_err(|error| error.to_string())?;
        Ok(ask(&Lookup { client, registry_region, settings }))
    }
}

impl Local for TableWorld {
    fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        self.files.borrow().get(path).cloned().map(Wiped::new).ok_or(FileError::NotFound)
    }
}

impl World for TableWorld {
    fn now(&self) -> Timestamp {
        Timestamp { seconds: self.begin.seconds + self.elapsed.get().as_secs() }
    }

    fn elapsed(&self) -> Duration {
        self.elapsed.get()
    }

    /// No time passes but here.
    fn sleep(&self, duration: Duration) {
        self.elapsed.set(self.elapsed.get() + duration);
    }

    fn random(&self) -> u64 {
        u64::MAX
    }

    fn http(&self, request: &Request) -> Result<Response, HttpError> {
        self.requests.borrow_mut().push(request.clone());
        self.answers.borrow_mut().pop_front().ok_or(HttpError::Refused)
    }

    fn replace_file(&self, path: &str, content: &[u8]) -> Result<(), FileError> {
        let mut files = self.files.borrow_mut();
        let file = files.get_mut(path).ok_or(FileError::NotGranted)?;
        *file = content.to_owned();
        Ok(())
    }
}
