//! The face that all fakes have in common: script them, look at them, stop them.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::answer::Answer;
use crate::connections::{self, LONG_BACKLOG};
use crate::observation::{Counters, SeenRequest};
use crate::server::{self, Transport};
use crate::server_thread::ServerThread;
use crate::service::Service;
use crate::state::State;
use crate::wait;

/// A fake on loopback, which runs until it is dropped: [`FakeAws`](crate::FakeAws) or
/// [`FakeMetadata`](crate::FakeMetadata).
///
/// Dropping it closes every connection, whatever answer it is in the middle of, and joins the
/// thread: nothing of it is left once `drop` returns.
pub struct Fake<Kind> {
    /// What only this kind of fake has.
    pub(crate) kind: Arc<Kind>,
    description: Description,
    address: SocketAddr,
    state: Arc<State>,
    _thread: ServerThread,
}

/// What a kind of fake is called.
pub(crate) struct Description {
    /// The name of its type.
    pub(crate) type_name: &'static str,
    /// The name of its thread.
    pub(crate) thread: &'static str,
    /// The scheme of its URL.
    pub(crate) scheme: &'static str,
}

impl<Kind> Fake<Kind> {
    #[track_caller]
    pub(crate) fn listen(kind: Kind, description: Description, address: SocketAddr, transport: Transport) -> Self
    where
        Kind: Service + 'static,
    {
        let runtime = ServerThread::runtime();
        let listener = connections::listen(&runtime, address, LONG_BACKLOG)
            .unwrap_or_else(|error| panic!("{} has to listen at {address}: {error}", description.type_name));
        let address = listener.local_addr().expect("a bound listener has an address");
        let kind = Arc::new(kind);
        let state = Arc::new(State::new(kind.clone()));
        let serve = server::serve(listener, transport, state.clone());
        let thread = ServerThread::start(description.thread, runtime, serve);

        Self { kind, description, address, state, _thread: thread }
    }

    /// Where the fake listens: a port of 127.0.0.1, unless it was started at another address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The fake's endpoint URL, such as `https://127.0.0.1:<port>`, without a slash at its end.
    /// [`FakeAws`](crate::FakeAws) is reached by `https` unless it was started without TLS,
    /// [`FakeMetadata`](crate::FakeMetadata) by `http`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.description.scheme, self.address)
    }

    /// Queues an answer: each is used once, for requests in the order in which they arrive. Queued
    /// answers come before those of [`Fake::answer_where`] and [`Fake::answer_always`].
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
    /// [`Fake::wait_until_async`], or that code cannot go on.
    #[track_caller]
    pub fn wait_until(&self, awaited: &str, condition: impl FnMut(&Self) -> bool) {
        wait::until(self, awaited, condition);
    }

    /// [`Fake::wait_until`] for a test that is a task, on a tokio runtime with its timer enabled.
    pub async fn wait_until_async(&self, awaited: &str, condition: impl FnMut(&Self) -> bool) {
        wait::until_async(self, awaited, condition).await;
    }
}

impl<Kind> fmt::Debug for Fake<Kind> {
    /// Without secrets: of a request, only its summary.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct(self.description.type_name)
            .field("address", &self.address)
            .field("counters", &self.counters())
            .field("requests", &self.requests().iter().map(SeenRequest::summary).collect::<Vec<_>>())
            .finish()
    }
}
