//! ECR with a clock that a test sets. All of it is played, so that hours pass at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use keyward::replay::{Failure, Replay};
use keyward::{Config, Resolver};
use tokio::runtime::Handle;

/// 2015-08-30T12:36:00Z
const BEGIN: u64 = 1_440_938_160;

/// One hour, in seconds.
pub(super) const HOUR: u64 = 3600;

/// Gives out tokens of twelve hours, whose passwords count the requests: "0" to "9".
pub(super) struct Ecr {
    /// The error that it answers with instead, by its place in [`ERRORS`]; or none.
    error: AtomicUsize,
    now: AtomicU64,
    requests: AtomicUsize,
}

/// What ECR may say instead of a token: the status, and the error's name.
pub(super) const ERRORS: [(u16, &str); 3] =
    [(400, "AccessDeniedException"), (400, "ThrottlingException"), (500, "ServerException")];

/// "AWS:0" to "AWS:9" in base64 differ in this letter.
const DIGITS: [char; 10] = ['A', 'E', 'I', 'M', 'Q', 'U', 'Y', 'c', 'g', 'k'];

impl Ecr {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            error: AtomicUsize::new(ERRORS.len()),
            now: AtomicU64::new(BEGIN),
            requests: AtomicUsize::new(0),
        })
    }

    /// A configuration with keys, with which nothing is tried twice.
    pub(super) fn config(self: &Arc<Self>) -> Config {
        self.config_without_keys().with_variable("AWS_ACCESS_KEY_ID", "id").with_variable("AWS_SECRET_ACCESS_KEY", "s")
    }

    pub(super) fn config_without_keys(self: &Arc<Self>) -> Config {
        Config::new()
            .with_variable("AWS_EC2_METADATA_DISABLED", "true")
            .with_variable("AWS_MAX_ATTEMPTS", "1")
            .with_replay(self.clone())
    }

    pub(super) fn resolver(self: &Arc<Self>) -> Resolver {
        Resolver::new(&self.config()).unwrap()
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// From now on it answers with this one of [`ERRORS`].
    pub(super) fn fail(&self, error: usize) {
        self.error.store(error, Ordering::SeqCst);
    }

    /// From now on it gives out tokens.
    pub(super) fn recover(&self) {
        self.fail(ERRORS.len());
    }

    /// Time passes by both clocks.
    pub(super) async fn pass(&self, seconds: u64) {
        self.set_clock(|now| now + seconds);
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    /// Somebody sets the clock on the wall; or the machine sleeps, while the other clock stands still.
    pub(super) fn set_clock(&self, change: impl Fn(u64) -> u64) {
        self.now.store(change(self.now.load(Ordering::SeqCst)), Ordering::SeqCst);
    }
}

/// Waits until nothing is done in the background any more.
pub(super) async fn at_rest() {
    for _ in 0..100_000 {
        if Handle::current().metrics().num_alive_tasks() == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("something in the background does not end");
}

impl Replay for Ecr {
    fn file(&self, _path: &str) -> Option<Result<Vec<u8>, io::ErrorKind>> {
        None
    }

    fn now(&self) -> Duration {
        Duration::from_secs(self.now.load(Ordering::SeqCst))
    }

    fn send(&self, _request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
        let place = self.requests.fetch_add(1, Ordering::SeqCst);
        let (status, body) = match ERRORS.get(self.error.load(Ordering::SeqCst)) {
            Some((status, name)) => (*status, format!(r#"{{"__type":"{name}","message":"as told"}}"#)),
            None => {
                let (digit, expires_at) = (DIGITS[place], self.now().as_secs() + 12 * HOUR);
                let token = format!(r#"{{"authorizationToken":"QVdTOj{digit}=","expiresAt":{expires_at}}}"#);
                (200, format!(r#"{{"authorizationData":[{token}]}}"#))
            }
        };
        Ok(Response::builder().status(status).body(body.into()).unwrap())
    }
}
