//! A proxy on loopback that leads to one server, whatever it is asked for.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::StatusCode;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::connections::{self, Connections, CountedConnection, LONG_BACKLOG};
use crate::request::{RequestHead, RequestReader};
use crate::server_thread::ServerThread;
use crate::wait;

/// An HTTP proxy on loopback, which runs until it is dropped. It understands `CONNECT`, and requests
/// for absolute `http://` URLs.
///
/// A proxy that never answers is a [`FaultServer`](crate::FaultServer) with
/// [`Fault::TlsSilence`](crate::Fault::TlsSilence).
pub struct TestProxy {
    address: SocketAddr,
    state: Arc<State>,
    _thread: ServerThread,
}

impl TestProxy {
    /// Starts a proxy that forwards everything to this address, whatever host the client names.
    #[must_use]
    #[track_caller]
    pub fn start(to: SocketAddr) -> Self {
        Self::start_as(Behaviour::Forward(to))
    }

    /// Starts a proxy that answers everything with this status and an empty body, and then closes
    /// the connection.
    #[must_use]
    #[track_caller]
    pub fn refusing(status: u16) -> Self {
        Self::start_as(Behaviour::Refuse(StatusCode::from_u16(status).expect("it has to be an HTTP status")))
    }

    #[track_caller]
    fn start_as(behaviour: Behaviour) -> Self {
        let runtime = ServerThread::runtime();
        let listener = connections::listen(&runtime, (Ipv4Addr::LOCALHOST, 0).into(), LONG_BACKLOG)
            .expect("the proxy has to listen on a port of 127.0.0.1");
        let address = listener.local_addr().expect("a bound listener has an address");
        let state = Arc::new(State { behaviour, connections: Arc::default(), seen: Mutex::default() });
        let thread = ServerThread::start("test-proxy", runtime, serve(listener, state.clone()));
        Self { address, state, _thread: thread }
    }

    /// Where the proxy listens: a port of 127.0.0.1.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The proxy's URL, `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the `CONNECT` requests named so far, as `host:port`, in the order of arrival.
    #[must_use]
    pub fn targets(&self) -> Vec<String> {
        self.state.seen().targets.clone()
    }

    /// The absolute URLs that were requested so far, in the order of arrival.
    #[must_use]
    pub fn absolute_requests(&self) -> Vec<String> {
        self.state.seen().absolute_requests.clone()
    }

    /// The `Proxy-Authorization` of every request so far, of either kind, in the order of arrival.
    #[must_use]
    pub fn authorizations(&self) -> Vec<Option<String>> {
        self.state.seen().authorizations.clone()
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn connections_accepted(&self) -> usize {
        self.state.connections.accepted()
    }

    /// How many connections of clients are open now: those whose task, and with it the sockets to
    /// the client and to the server, is not gone.
    #[must_use]
    pub fn connections_open(&self) -> usize {
        self.state.connections.open()
    }

    /// Blocks until `condition` holds; see [`FaultServer::wait_until`](crate::FaultServer::wait_until).
    #[track_caller]
    pub fn wait_until(&self, awaited: &str, condition: impl FnMut(&Self) -> bool) {
        wait::until(self, awaited, condition);
    }

    /// [`TestProxy::wait_until`] for a test that is a task, on a tokio runtime with its timer enabled.
    pub async fn wait_until_async(&self, awaited: &str, condition: impl FnMut(&Self) -> bool) {
        wait::until_async(self, awaited, condition).await;
    }
}

impl fmt::Debug for TestProxy {
    /// Without what clients authorize themselves with.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TestProxy")
            .field("address", &self.address)
            .field("behaviour", &self.state.behaviour)
            .field("connections", &self.state.connections)
            .field("targets", &self.targets())
            .field("absolute_requests", &self.absolute_requests())
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug)]
enum Behaviour {
    Forward(SocketAddr),
    Refuse(StatusCode),
}

/// What the proxy's thread and the test's threads share.
struct State {
    behaviour: Behaviour,
    connections: Arc<Connections>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    targets: Vec<String>,
    absolute_requests: Vec<String>,
    authorizations: Vec<Option<String>>,
}

impl State {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a request that the proxy understands; of others, the error is what they are answered.
    fn record(&self, head: &RequestHead) -> Result<(), StatusCode> {
        let mut seen = self.seen();
        let target = head.target().to_owned();
        if head.method() == "CONNECT" {
            seen.targets.push(target);
        } else if target.starts_with("http://") {
            seen.absolute_requests.push(target);
        } else {
            return Err(StatusCode::BAD_REQUEST);
        }
        seen.authorizations.push(head.header("proxy-authorization").map(str::to_owned));
        Ok(())
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    loop {
        let stream = connections::accept(&listener).await;
        let counted = CountedConnection::new(state.connections.clone());
        let state = state.clone();
        tokio::spawn(async move {
            // Clients and servers go away in the middle of things: not an error here.
            let _ = serve_connection(stream, &state).await;
            // After the connection, so that what is counted as closed is closed.
            drop(counted);
        });
    }
}

async fn serve_connection(mut client: TcpStream, state: &State) -> io::Result<()> {
    let mut requests = RequestReader::default();
    let head = requests.head(&mut client).await?;
    match state.record(&head).map_or_else(Behaviour::Refuse, |()| state.behaviour) {
        Behaviour::Refuse(status) => refuse(&mut client, status).await,
        Behaviour::Forward(to) => forward(&mut client, state, requests, &head, to).await,
    }
}

async fn refuse(client: &mut TcpStream, status: StatusCode) -> io::Result<()> {
    // Written with its reason, such as `407 Proxy Authentication Required`.
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}

/// Connects the client with the server, until one of them closes its connection.
async fn forward(
    client: &mut TcpStream,
    state: &State,
    mut requests: RequestReader,
    head: &RequestHead,
    to: SocketAddr,
) -> io::Result<()> {
    let connected = tokio::select! {
        connected = TcpStream::connect(to) => connected,
        () = requests.read_until_closed(client) => return Ok(()),
    };
    let Ok(mut server) = connected else {
        return refuse(client, StatusCode::BAD_GATEWAY).await;
    };
    let _ = server.set_nodelay(true);
    let is_tunnel = head.method() == "CONNECT";
    if is_tunnel {
        client.write_all(b"HTTP/1.1 200 Connection Established\r\n\r\n").await?;
    }

    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let upwards = async {
        if is_tunnel {
            to_server.write_all(&requests.into_rest()).await?;
            tokio::io::copy(&mut from_client, &mut to_server).await.map(drop)
        } else {
            forward_requests(&mut from_client, &mut to_server, state, requests, head).await
        }
    };
    let downwards = async {
        tokio::io::copy(&mut from_server, &mut to_client).await?;
        to_client.shutdown().await
    };
    tokio::select! {
        ended = upwards => ended,
        ended = downwards => ended,
    }
}

/// Sends the client's requests to the server unchanged, the one that was read already first.
async fn forward_requests(
    client: &mut ReadHalf<'_>,
    server: &mut WriteHalf<'_>,
    state: &State,
    mut requests: RequestReader,
    first: &RequestHead,
) -> io::Result<()> {
    server.write_all(first.bytes()).await?;
    requests.pass_body(client, first.content_length(), server).await?;
    loop {
        let head = requests.head(client).await?;
        // What it is does not matter now: the server will say what it thinks of it.
        let _ = state.record(&head);
        server.write_all(head.bytes()).await?;
        requests.pass_body(client, head.content_length(), server).await?;
    }
}
