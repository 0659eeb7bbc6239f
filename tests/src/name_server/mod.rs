//! A DNS server on loopback.

mod answer;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::runtime::Runtime;

use crate::connections::{self, LONG_BACKLOG};
use crate::name_server::answer::{State, Transport, Zone};
use crate::server_thread::ServerThread;
use crate::wait;

/// A message over UDP is not longer than clients say they take, which is less than this.
const DATAGRAM: usize = 4096;

/// How many ports to try until one is free for both UDP and TCP.
const PORTS_TRIED: usize = 16;

/// A DNS server on one port of loopback, over UDP and over TCP, which runs until it is dropped.
///
/// ```
/// use keyward_testbed::NameServer;
///
/// // The name is found at another address the second time.
/// let names = NameServer::start(|name, number| match (name, number) {
///     ("registry.test", 0) => vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
///     ("registry.test", _) => vec!["127.0.0.2".parse().unwrap()],
///     _ => Vec::new(),
/// });
/// assert!(names.address().ip().is_loopback());
/// ```
pub struct NameServer {
    address: SocketAddr,
    state: Arc<State>,
    _thread: ServerThread,
}

impl NameServer {
    /// Starts a server that answers what `zone` says: the IPv4 addresses of it to a question for A
    /// records, the IPv6 addresses to one for AAAA records. Where there are none, and to any other
    /// question, the answer is that the name has no such records. The records may not be kept.
    ///
    /// `zone` is given the name, in lower case and without a dot at its end, and how many questions
    /// of the same type there were for that name before: clients ask for both types at once, so
    /// that both questions of a client's first attempt have the number 0. It must not use the server.
    #[must_use]
    #[track_caller]
    pub fn start(zone: impl Fn(&str, usize) -> Vec<IpAddr> + Send + 'static) -> Self {
        Self::start_at(loopback(), zone)
    }

    /// [`NameServer::start`] at a given address, such as port 53 of one of the many addresses that
    /// loopback has.
    #[must_use]
    #[track_caller]
    pub fn start_at(address: SocketAddr, zone: impl Fn(&str, usize) -> Vec<IpAddr> + Send + 'static) -> Self {
        Self::serve_at(address, State::new(Some(Zone::new(zone))))
    }

    /// Starts a server that answers as that of [`NameServer::start`], except that it never answers a
    /// question for AAAA records, as some that are found in the wild do not.
    #[must_use]
    #[track_caller]
    pub fn without_answers_for_ipv6(zone: impl Fn(&str, usize) -> Vec<IpAddr> + Send + 'static) -> Self {
        Self::serve_at(loopback(), State::new(Some(Zone::new(zone).without_answers_for_ipv6())))
    }

    /// Starts a server that takes questions and answers none. It only counts them.
    #[must_use]
    #[track_caller]
    pub fn silent() -> Self {
        Self::silent_at(loopback())
    }

    /// [`NameServer::silent`] at a given address.
    #[must_use]
    #[track_caller]
    pub fn silent_at(address: SocketAddr) -> Self {
        Self::serve_at(address, State::new(None))
    }

    #[track_caller]
    fn serve_at(address: SocketAddr, state: State) -> Self {
        let runtime = ServerThread::runtime();
        let (udp, tcp) = bind(&runtime, address)
            .unwrap_or_else(|error| panic!("the name server has to listen at {address}: {error}"));
        let address = tcp.local_addr().expect("a bound listener has an address");
        let state = Arc::new(state);
        let serve = {
            let state = state.clone();
            async move {
                tokio::join!(serve_udp(udp, &state), serve_tcp(tcp, &state));
            }
        };
        Self { address, state, _thread: ServerThread::start("name-server", runtime, serve) }
    }

    /// Where the server listens, over UDP and over TCP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The questions received so far, in the order of arrival: each a name as `zone` is given it, and
    /// a type such as `AAAA`. A question is listed before it is answered. A silent server lists none.
    #[must_use]
    pub fn questions(&self) -> Vec<(String, String)> {
        self.state.questions()
    }

    /// How many questions were received so far, whether or not they are answered.
    #[must_use]
    pub fn question_count(&self) -> usize {
        self.state.question_count()
    }

    /// Blocks until `condition` holds; see [`FaultServer::wait_until`](crate::FaultServer::wait_until).
    #[track_caller]
    pub fn wait_until(&self, awaited: &str, condition: impl FnMut(&Self) -> bool) {
        wait::until(self, awaited, condition);
    }

    /// [`NameServer::wait_until`] for a test that is a task, on a tokio runtime with its timer enabled.
    pub async fn wait_until_async(&self, awaited: &str, condition: impl FnMut(&Self) -> bool) {
        wait::until_async(self, awaited, condition).await;
    }
}

impl fmt::Debug for NameServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NameServer")
            .field("address", &self.address)
            .field("question_count", &self.question_count())
            .field("questions", &self.questions())
            .finish_non_exhaustive()
    }
}

/// Any port of 127.0.0.1.
fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// Binds an address for both protocols.
fn bind(runtime: &Runtime, address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tried = 1;
    loop {
        let tcp = connections::listen(runtime, address, LONG_BACKLOG)?;
        let _entered = runtime.enter();
        match std::net::UdpSocket::bind(tcp.local_addr()?) {
            Ok(udp) => {
                udp.set_nonblocking(true)?;
                return Ok((UdpSocket::from_std(udp)?, tcp));
            }
            // The system has chosen a port that is free for TCP only.
            Err(_) if address.port() == 0 && tried < PORTS_TRIED => tried += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn serve_udp(socket: UdpSocket, state: &State) {
    let mut message = [0; DATAGRAM];
    loop {
        // An error is that of an earlier answer, which nobody was there to take.
        let Ok((length, client)) = socket.recv_from(&mut message).await else {
            continue;
        };
        if let Some(answer) = state.answer(&message[..length], Transport::Udp) {
            let _ = socket.send_to(&answer, client).await;
        }
    }
}

async fn serve_tcp(listener: TcpListener, state: &Arc<State>) {
    loop {
        let stream = connections::accept(&listener).await;
        let state = state.clone();
        tokio::spawn(async move {
            // That the client goes away is not an error here.
            let _ = serve_connection(stream, &state).await;
        });
    }
}

/// Each message has its length before it.
async fn serve_connection(mut stream: TcpStream, state: &State) -> io::Result<()> {
    loop {
        let mut message = vec![0; stream.read_u16().await?.into()];
        stream.read_exact(&mut message).await?;
        if let Some(answer) = state.answer(&message, Transport::Tcp) {
            let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
            stream.write_all(&[&length.to_be_bytes()[..], &answer].concat()).await?;
        }
    }
}
