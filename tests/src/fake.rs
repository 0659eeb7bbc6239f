//! The face of the fake: start it, script it, look at it, stop it.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::answer::Answer;
use crate::authority::{AnyName, Authority};
use crate::connections::{self, LONG_BACKLOG};
use crate::keys::AccessKeys;
use crate::observation::{Counters, SeenRequest};
use crate::server;
use crate::server_thread::ServerThread;
use crate::state::State;
use crate::wait;

/// A fake AWS on loopback, which runs until it is dropped.
///
/// Dropping it closes every connection, whatever answer it is in the middle of, and joins the
/// thread: nothing of it is left once `drop` returns.
pub struct FakeAws {
    authority: Arc<Authority>,
    address: SocketAddr,
    state: Arc<State>,
    _thread: ServerThread,
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
        Self::listen(authority, (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// [`FakeAws::start`] at a given address, such as port 443 of one of the many addresses that
    /// loopback has.
    #[must_use]
    #[track_caller]
    pub fn start_at(address: SocketAddr) -> Self {
        Self::listen(Arc::new(Authority::new()), address)
    }

    #[track_caller]
    fn listen(authority: Arc<Authority>, address: SocketAddr) -> Self {
        let runtime = ServerThread::runtime();
        let listener = connections::listen(&runtime, address, LONG_BACKLOG)
            .unwrap_or_else(|error| panic!("the fake AWS has to listen at {address}: {error}"));
        let address = listener.local_addr().expect("a bound listener has an address");
        let state = Arc::new(State::new());
        let acceptor = server::acceptor(AnyName::new(authority.clone()));
        let thread = ServerThread::start("fake-aws", runtime, server::serve(listener, acceptor, state.clone()));

        Self { authority, address, state, _thread: thread }
    }

    /// The certificate authority that a client has to trust.
    #[must_use]
    pub fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// Where the fake listens: a port of 127.0.0.1, unless it was started at another address.
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
    pub fn wait_until(&self, awaited: &str, condition: impl FnMut(&Self) -> bool) {
        wait::until(self, awaited, condition);
    }

    /// [`FakeAws::wait_until`] for a test that is a task, on a tokio runtime with its timer enabled.
    pub async fn wait_until_async(&self, awaited: &str, condition: impl FnMut(&Self) -> bool) {
        wait::until_async(self, awaited, condition).await;
    }
}

impl fmt::Debug for FakeAws {
    /// Without secrets: of a request, only its summary.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FakeAws")
            .field("address", &self.address)
            .field("counters", &self.counters())
            .field("requests", &self.requests().iter().map(SeenRequest::summary).collect::<Vec<_>>())
            .finish()
    }
}
