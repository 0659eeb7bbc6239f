//! The face of a server that misbehaves: start it, look at it, stop it.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crate::authority::{AnyName, Authority};
use crate::connections::{self, LONG_BACKLOG};
use crate::fault::Fault;
use crate::fault::answer::Answer;
use crate::fault::connection;
use crate::fault::state::State;
use crate::server;
use crate::server_thread::ServerThread;
use crate::wait;

/// How long a connection to a queue that is not full may take at most. On loopback it takes
/// microseconds.
const CONNECTING_TAKES: Duration = Duration::from_millis(200);

/// More connections than fit in any system's shortest queue.
const BACKLOG_BOUND: usize = 1024;

/// A server on loopback that misbehaves in exactly one way, and runs until it is dropped.
///
/// It notices when a client closes its connection, whatever it is in the middle of, and closes it
/// too. A connection that a client closes in one direction only counts as closed. It is made to hold
/// thousands of connections: what it records are counters.
///
/// Dropping it closes every connection, and joins its thread: nothing of it is left once `drop`
/// returns.
///
/// ```
/// use keyward_testbed::{Fault, FaultServer};
///
/// let server = FaultServer::start(Fault::Silence);
///
/// // Here the code under test would be pointed at `server.url()`, and would give up.
///
/// server.wait_until("every connection is closed", |server| server.connections_open() == 0);
/// assert_eq!(server.bytes_sent(), 0);
/// ```
pub struct FaultServer {
    authority: Arc<Authority>,
    address: SocketAddr,
    state: Arc<State>,
    /// The server's own connections, which fill the queue of [`Fault::FullBacklog`].
    _queued: Vec<TcpStream>,
    _thread: ServerThread,
}

impl FaultServer {
    /// Starts a server with a certificate authority of its own.
    #[must_use]
    #[track_caller]
    pub fn start(fault: Fault) -> Self {
        Self::start_with(Arc::new(Authority::new()), fault)
    }

    /// Starts a server whose certificates come from `authority`, except for those of
    /// [`Fault::UntrustedCertificate`].
    #[must_use]
    #[track_caller]
    pub fn start_with(authority: Arc<Authority>, fault: Fault) -> Self {
        Self::start_with_at(authority, fault, (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// [`FaultServer::start_with`] at a given address, such as port 443 of one of the many addresses
    /// that loopback has.
    #[must_use]
    #[track_caller]
    pub fn start_with_at(authority: Arc<Authority>, fault: Fault, address: SocketAddr) -> Self {
        let runtime = ServerThread::runtime();
        let backlog = if fault == Fault::FullBacklog { 0 } else { LONG_BACKLOG };
        let listener = connections::listen(&runtime, address, backlog)
            .unwrap_or_else(|error| panic!("FaultServer has to listen at {address}: {error}"));
        let address = listener.local_addr().expect("a bound listener has an address");

        let certificates = match fault {
            Fault::WrongCertificate => AnyName::wrong(authority.clone()),
            Fault::ExpiredCertificate => AnyName::expired(authority.clone()),
            Fault::UntrustedCertificate => AnyName::new(Arc::new(Authority::named("Keyward untrusted authority"))),
            _ => AnyName::new(authority.clone()),
        };
        let state = Arc::new(State::new(fault, Answer::of(fault, address), server::acceptor(certificates)));
        let (queued, thread) = if fault == Fault::FullBacklog {
            let thread = ServerThread::start("fault-server", runtime, async move {
                let _listener = listener;
                std::future::pending().await
            });
            (fill_backlog(address), thread)
        } else {
            let serve = connection::serve(listener, state.clone());
            (Vec::new(), ServerThread::start("fault-server", runtime, serve))
        };
        Self { authority, address, state, _queued: queued, _thread: thread }
    }

    /// The certificate authority that a client has to trust.
    #[must_use]
    pub fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// Where the server listens: a port of 127.0.0.1, unless it was started at another address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's URL, such as `https://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Sets the pause before each byte of [`Fault::HeaderDrip`] and [`Fault::BodyDrip`]; one second
    /// until this is called. A pause that has begun is not changed.
    pub fn set_drip_interval(&self, interval: Duration) {
        self.state.set_drip_interval(interval);
    }

    /// How many connections were accepted so far; of [`Fault::FullBacklog`], none ever.
    #[must_use]
    pub fn connections_accepted(&self) -> usize {
        self.state.connections.accepted()
    }

    /// How many connections are open now: those whose task, and with it the socket, is not gone.
    #[must_use]
    pub fn connections_open(&self) -> usize {
        self.state.connections.open()
    }

    /// How many heads of requests were read to the end so far.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.state.requests()
    }

    /// How many bytes of answers were sent so far, without what TLS adds to them. They are counted
    /// once the system has taken them, which may be long before a client reads them.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.state.bytes_sent()
    }

    /// Blocks until `condition` holds. Panics, with what was awaited and the server's last state, if
    /// it does not within a bound that is far above what anything here takes.
    ///
    /// It blocks the thread: on the runtime of the code under test use
    /// [`FaultServer::wait_until_async`], or that code cannot go on.
    #[track_caller]
    pub fn wait_until(&self, awaited: &str, condition: impl FnMut(&Self) -> bool) {
        wait::until(self, awaited, condition);
    }

    /// [`FaultServer::wait_until`] for a test that is a task, on a tokio runtime with its timer
    /// enabled.
    pub async fn wait_until_async(&self, awaited: &str, condition: impl FnMut(&Self) -> bool) {
        wait::until_async(self, awaited, condition).await;
    }
}

impl fmt::Debug for FaultServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FaultServer")
            .field("fault", &self.state.fault)
            .field("address", &self.address)
            .field("connections", &self.state.connections)
            .field("requests", &self.requests())
            .field("bytes_sent", &self.bytes_sent())
            .finish_non_exhaustive()
    }
}

/// Connects until a connection is not completed, since nobody accepts.
#[track_caller]
fn fill_backlog(address: SocketAddr) -> Vec<TcpStream> {
    let mut queued = Vec::new();
    loop {
        match TcpStream::connect_timeout(&address, CONNECTING_TAKES) {
            Ok(stream) => queued.push(stream),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return queued,
            Err(error) => panic!("the queue of the server has to be filled: {error}"),
        }
        assert!(queued.len() < BACKLOG_BOUND, "the queue of the server cannot be filled");
    }
}
