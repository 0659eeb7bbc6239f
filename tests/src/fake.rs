//! The face of the fake: start it, script it, look at it, stop it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime;
use tokio::sync::oneshot;

use crate::answer::Answer;
use crate::authority::Authority;
use crate::keys::AccessKeys;
use crate::observation::{Counters, SeenRequest};
use crate::server;
use crate::state::State;

/// How long [`FakeAws::wait_until`] polls. What it waits for takes milliseconds: the bound only has
/// to turn a test that would hang into one that fails.
const WAIT_BOUND: Duration = Duration::from_secs(20);

/// How long [`FakeAws::wait_until`] pauses between two looks.
const WAIT_PAUSE: Duration = Duration::from_millis(2);

/// A fake AWS on loopback, which runs until it is dropped.
///
/// Dropping it closes every connection, whatever answer it is in the middle of, and joins the
/// thread: nothing of it is left once `drop` returns.
pub struct FakeAws {
    authority: Arc<Authority>,
    address: SocketAddr,
    state: Arc<State>,
    /// Dropping the sender is what tells the server to stop.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeAws {
    /// Starts a fake with a certificate authority of its own. It knows [`AccessKeys::default`] and
    /// answers [`Answer::Token`] to everything.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Arc::new(Authority::new()))
    }

    /// Starts a fake whose certificates come from `authority`, so that a client that trusts this
    /// one authority can talk to several fakes, or to a fake and a real server.
    #[must_use]
    pub fn start_with(authority: Arc<Authority>) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the fake AWS has to listen on a port of 127.0.0.1");
        let address = listener.local_addr().expect("a bound listener has an address");
        listener.set_nonblocking(true).expect("tokio needs the listener to be non-blocking");
        // The runtime is made here rather than on the thread, so that a failure panics in the test.
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().expect("the fake AWS needs a tokio runtime");

        let state = Arc::new(State::new());
        let acceptor = server::acceptor(&authority);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("fake-aws".to_owned())
            .spawn({
                let state = state.clone();
                // The end of the closure drops the runtime, and with it every connection.
                move || runtime.block_on(server::serve(listener, acceptor, state, stopped))
            })
            .expect("the fake AWS needs a thread");

        Self { authority, address, state, stop: Some(stop), thread: Some(thread) }
    }

    /// The certificate authority that a client has to trust.
    #[must_use]
    pub fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// Where the fake listens: a port of 127.0.0.1.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The fake's endpoint URL, `https://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Makes access keys known. They replace known ones that have the same id.
    pub fn add_keys(&self, keys: AccessKeys) {
        self.state.add_keys(keys);
    }

    /// Sets how long the tokens of [`Answer::Token`] live, from when they are given out; 12 hours,
    /// as AWS has it, until this is called.
    pub fn set_token_lifetime(&self, lifetime: Duration) {
        self.state.set_token_lifetime(lifetime);
    }

    /// Queues an answer: each is used once, for requests in the order in which they arrive. Queued
    /// answers come before those of [`FakeAws::answer_where`] and [`FakeAws::answer_always`].
    #[track_caller]
    pub fn answer_next(&self, answer: Answer) {
        answer.assert_well_formed();
        self.state.script().push_next(answer);
    }

    /// Gives this answer to every request that `condition` holds for, and for which none is queued.
    /// Where the conditions of several calls hold, the latest call counts. `condition` must not use
    /// the fake.
    #[track_caller]
    pub fn answer_where(&self, condition: impl Fn(&SeenRequest) -> bool + Send + 'static, answer: Answer) {
        answer.assert_well_formed();
        self.state.script().push_rule(Box::new(condition), answer);
    }

    /// Gives this answer to every request that nothing else is scripted for, from now on.
    #[track_caller]
    pub fn answer_always(&self, answer: Answer) {
        answer.assert_well_formed();
        self.state.script().set_always(answer);
    }

    /// Every request received in full so far, in the order of arrival. A request is listed before
    /// it is answered.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.state.requests()
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn connections_accepted(&self) -> usize {
        self.counters().connections_accepted
    }

    /// Closes every connection that is open now, as servers do with idle ones.
    pub fn close_connections(&self) {
        self.state.closing.notify_waiters();
    }

    /// How many connections are open now: those whose task, and with it the socket, is not gone.
    #[must_use]
    pub fn connections_open(&self) -> usize {
        self.counters().connections_open
    }

    /// All counters at once.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.state.counters()
    }

    /// Blocks until `condition` holds. Panics, with what was awaited and the fake's last state, if
    /// it does not within a bound that is far above what anything here takes.
    ///
    /// It blocks the thread: on the runtime of the code under test use
    /// [`FakeAws::wait_until_async`], or that code cannot go on.
    #[track_caller]
    pub fn wait_until(&self, awaited: &str, mut condition: impl FnMut(&Self) -> bool) {
        let started = Instant::now();
        while !condition(self) {
            self.assert_within_bound(started, awaited);
            thread::sleep(WAIT_PAUSE);
        }
    }

    /// [`FakeAws::wait_until`] for a test that is a task, on a tokio runtime with its timer enabled.
    pub async fn wait_until_async(&self, awaited: &str, mut condition: impl FnMut(&Self) -> bool) {
        // The bound is measured with the system's clock, since a test may have paused tokio's.
        let started = Instant::now();
        while !condition(self) {
            self.assert_within_bound(started, awaited);
            tokio::time::sleep(WAIT_PAUSE).await;
        }
    }

    #[track_caller]
    fn assert_within_bound(&self, started: Instant, awaited: &str) {
        assert!(
            started.elapsed() < WAIT_BOUND,
            "waited {WAIT_BOUND:?} in vain until {awaited}; last state of the fake AWS: {:?}, requests: {:#?}",
            self.counters(),
            self.requests().iter().map(SeenRequest::summary).collect::<Vec<_>>(),
        );
    }
}

impl Drop for FakeAws {
    fn drop(&mut self) {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else {
            return;
        };
        // A second panic while the first unwinds would abort the test and hide its message.
        if thread.join().is_err() && !thread::panicking() {
            panic!("the fake AWS's thread panicked; its message is above");
        }
    }
}
