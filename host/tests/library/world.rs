//! A small world that is played to lookups: files, a clock, whoever answers, and a memory of what was asked.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use keyward::replay::{Failure, Replay};
use keyward::{Config, Credential, Error, Resolver};
use keyward_ecr::time::Timestamp;
use keyward_testbed::vectors::chain;

/// What comes of a request.
pub(crate) type Answer = Result<Response<Bytes>, Failure>;

/// Whoever answers a request; the number says how many there were before it.
type Answering = dyn Fn(&Request<Bytes>, usize) -> Answer + Send + Sync;

/// Answers as it is told to, and remembers what it was asked.
pub(crate) struct World {
    answer: Box<Answering>,
    asked_files: Mutex<Vec<String>>,
    clock: Mutex<VecDeque<Duration>>,
    files: Mutex<BTreeMap<String, Result<Vec<u8>, io::ErrorKind>>>,
    requests: Mutex<Vec<Request<Bytes>>>,
}

impl World {
    /// A world without files in which it is 2021-12-25T13:30:00Z.
    pub(crate) fn new(answer: impl Fn(&Request<Bytes>, usize) -> Answer + Send + Sync + 'static) -> Self {
        let world = Self {
            answer: Box::new(answer),
            asked_files: Mutex::default(),
            clock: Mutex::default(),
            files: Mutex::default(),
            requests: Mutex::default(),
        };
        world.with_clock([time("2021-12-25T13:30:00Z")])
    }

    /// Adds a file.
    pub(crate) fn with_file(self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.lock().unwrap().insert(path.to_owned(), Ok(content.into()));
        self
    }

    /// Adds a file that cannot be read.
    pub(crate) fn with_unreadable_file(self, path: &str, kind: io::ErrorKind) -> Self {
        self.files.lock().unwrap().insert(path.to_owned(), Err(kind));
        self
    }

    /// What the clock shows, one time after the other, whenever it is looked at. The last one stays.
    pub(crate) fn with_clock(self, times: impl IntoIterator<Item = Duration>) -> Self {
        *self.clock.lock().unwrap() = times.into_iter().collect();
        self
    }

    /// Looks something up in this world, with these settings.
    pub(crate) async fn look_up(
        self: &Arc<Self>,
        config: Config,
        request: impl Into<keyward::Request>,
    ) -> Result<Credential, Error> {
        Resolver::new(&config.with_replay(self.clone()).without_cache()).unwrap().resolve(request).await
    }

    /// The content of a file, which a lookup may have replaced.
    pub(crate) fn content(&self, path: &str) -> Vec<u8> {
        self.files.lock().unwrap()[path].clone().unwrap()
    }

    /// The paths of the files that were asked for, each once, in order.
    pub(crate) fn asked_files(&self) -> Vec<String> {
        self.asked_files.lock().unwrap().clone()
    }

    /// The requests so far, in order.
    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        self.requests.lock().unwrap().clone()
    }

    /// How many times are left that the clock has not shown.
    pub(crate) fn times_left(&self) -> usize {
        self.clock.lock().unwrap().len() - 1
    }
}

impl Replay for World {
    fn file(&self, path: &str) -> Option<Result<Vec<u8>, io::ErrorKind>> {
        let mut asked = self.asked_files.lock().unwrap();
        // The host reads the shared files too, where it has to know what they name.
        if !asked.iter().any(|known| known == path) {
            asked.push(path.to_owned());
        }
        self.files.lock().unwrap().get(path).cloned()
    }

    fn write_file(&self, path: &str, content: &[u8]) -> io::Result<()> {
        match self.files.lock().unwrap().get_mut(path) {
            Some(file) => {
                *file = Ok(content.to_vec());
                Ok(())
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn now(&self) -> Duration {
        let mut clock = self.clock.lock().unwrap();
        if clock.len() > 1 { clock.pop_front().unwrap() } else { clock[0] }
    }

    fn send(&self, request: Request<Bytes>) -> Answer {
        let mut requests = self.requests.lock().unwrap();
        let answer = (self.answer)(&request, requests.len());
        requests.push(request);
        answer
    }
}

/// A time of RFC 3339, as the world's clock shows it.
pub(crate) fn time(text: &str) -> Duration {
    let time = Timestamp::parse_rfc3339(text).unwrap_or_else(|| panic!("not a time: {text}"));
    Duration::from_secs(time.seconds)
}

/// The home folder of a world, and no instance metadata: a lookup that has found nothing would ask for it.
pub(crate) fn settings() -> Config {
    settings_with_metadata().with_variable("AWS_EC2_METADATA_DISABLED", "true")
}

/// The same where instance metadata is what the test is about.
pub(crate) fn settings_with_metadata() -> Config {
    Config::new().with_variable("HOME", "/h")
}

/// A request in the form that signatures are checked in.
pub(crate) fn plain(request: &Request<Bytes>) -> chain::Request {
    let headers = request.headers().iter();
    chain::Request {
        method: request.method().to_string(),
        uri: request.uri().to_string(),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect(),
        body: request.body().to_vec(),
    }
}
