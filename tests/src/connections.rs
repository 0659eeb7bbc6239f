//! Listening, accepting, and counting the connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;

/// How many connections may wait to be accepted: as many as a test that opens thousands at once
/// may bring. Linux takes what its own limit allows of it.
pub(crate) const LONG_BACKLOG: u32 = 4096;

/// How much the system keeps of what a client does not read, in bytes. By default it is megabytes,
/// and a test may have thousands of such clients.
const SEND_BUFFER: u32 = 64 * 1024;

/// How long to wait before accepting again, after the process had no file descriptor left for it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);

/// Listens on an address, for a server that is to run on `runtime`.
pub(crate) fn listen(runtime: &Runtime, address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let _entered = runtime.enter();
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As the standard library does: connections of the last server at this address may linger.
    socket.set_reuseaddr(true)?;
    // What is accepted inherits it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

/// The next connection.
pub(crate) async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without it answers in two writes would wait for the client's acknowledgement of
                // the first.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// How many connections there were, and are.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    accepted: AtomicUsize,
    open: AtomicUsize,
}

impl Connections {
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

/// Counts a connection for as long as it is alive.
pub(crate) struct CountedConnection(Arc<Connections>);

impl CountedConnection {
    pub(crate) fn new(connections: Arc<Connections>) -> Self {
        connections.open.fetch_add(1, Ordering::SeqCst);
        connections.accepted.fetch_add(1, Ordering::SeqCst);
        Self(connections)
    }
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}
