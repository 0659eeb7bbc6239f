//! HTTP/1.1 connections that belong to one lookup at a time, and to nobody but the pool between lookups.
//!
//! No task drives a connection: whoever waits for its answer does. So a lookup that is dropped takes its connection with
//! it, whatever the connection was doing, and a connection in the pool is a socket that nothing waits for.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use tokio::runtime::{self, Handle};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::capability::destination::Destination;

/// How many connections may wait for their next request, where few lookups may be under way.
const LEAST_IDLE: usize = 8;

/// How long a connection waits for its next request.
const MAX_IDLE_TIME: Duration = Duration::from_secs(30);

/// The most bytes that the headers of an answer may have.
pub(crate) const MAX_HEADER_BYTES: usize = 64 * 1024;

/// What a connection speaks over: TCP, or TLS over it.
pub(crate) trait Stream: hyper::rt::Read + hyper::rt::Write + Send + Unpin {}

impl<T: hyper::rt::Read + hyper::rt::Write + Send + Unpin> Stream for T {}

/// A connection, and what moves its bytes.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
    /// The runtime whose socket this is. On another one, nobody would tell that the socket has become ready.
    runtime: runtime::Id,
}

/// What moves the bytes of a connection; `None` when the connection has come to its end.
struct Driver(Option<http1::Connection<Box<dyn Stream>, Full<Bytes>>>);

impl Driver {
    /// Does what can be done now. What the connection fails with, its request or its body fails with too.
    fn drive(&mut self, context: &mut Context<'_>) {
        if self.0.as_mut().is_some_and(|connection| Pin::new(connection).poll(context).is_ready()) {
            self.0 = None;
        }
    }
}

impl Connection {
    pub(crate) async fn open(stream: Box<dyn Stream>) -> hyper::Result<Self> {
        let (sender, driver) = http1::Builder::new().max_buf_size(MAX_HEADER_BYTES).handshake(stream).await?;
        Ok(Self { sender, driver: Driver(Some(driver)), runtime: Handle::current().id() })
    }

    /// Sends a request and waits for the headers of its answer.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        let mut answer = pin!(self.sender.send_request(request));
        let driver = &mut self.driver;
        let answer = poll_fn(|context| {
            driver.drive(context);
            answer.as_mut().poll(context)
        });
        answer.await
    }

    /// Whether another request can be sent. A server that has closed the connection meanwhile is noticed here.
    fn poll_is_usable(&mut self, context: &mut Context<'_>) -> bool {
        self.driver.drive(context);
        self.driver.0.is_some() && matches!(self.sender.poll_ready(context), Poll::Ready(Ok(())))
    }
}

/// The body of an answer. Read to its end, it gives its connection to the pool; dropped before, it closes it.
pub(crate) struct AnswerBody {
    body: Incoming,
    connection: Option<Connection>,
    destination: Destination,
    pool: Arc<Pool>,
}

impl AnswerBody {
    pub(crate) fn new(body: Incoming, connection: Connection, destination: Destination, pool: Arc<Pool>) -> Self {
        Self { body, connection: Some(connection), destination, pool }
    }

    fn release_connection(&mut self) {
        if let Some(connection) = self.connection.take().filter(|connection| connection.driver.0.is_some()) {
            self.pool.put(&self.destination, connection);
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(connection) = &mut self.connection {
            connection.driver.drive(context);
        }
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) {
            self.release_connection();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        // Who knows the length of a body need not ask for its end.
        if self.body.is_end_stream() {
            self.release_connection();
        }
    }
}

/// Connections between two requests. They are no more than lookups may be under way: with fewer, lookups that are would close them for
/// each other, and pay for handshakes. Of one lookup alone there are some, to several hosts.
pub(crate) struct Pool {
    idle: Mutex<Idle>,
    most: usize,
}

#[derive(Default)]
struct Idle {
    connections: BTreeMap<Destination, Vec<(Instant, Connection)>>,
    /// The runtime of all these connections, and of the task.
    runtime: Option<runtime::Id>,
    /// The task that waits for the oldest connection's time to be over.
    watch: Option<AbortHandle>,
}

impl Pool {
    pub(crate) fn new(most: usize) -> Self {
        Self { idle: Mutex::default(), most: most.max(LEAST_IDLE) }
    }

    /// A connection that can take another request, if there is one.
    pub(crate) async fn take(&self, destination: &Destination) -> Option<Connection> {
        loop {
            let mut connection = self.idle(Handle::current().id()).take(destination)?;
            // The runtime looks at its sockets before it comes back here: a connection that was closed while the whole
            // runtime slept would otherwise seem to be open still.
            tokio::task::yield_now().await;
            if poll_fn(|context| Poll::Ready(connection.poll_is_usable(context))).await {
                return Some(connection);
            }
        }
    }

    fn put(self: &Arc<Self>, destination: &Destination, connection: Connection) {
        // A connection whose runtime is not this one cannot be watched here.
        let Some(handle) = Handle::try_current().ok().filter(|handle| handle.id() == connection.runtime) else {
            return;
        };
        let mut idle = self.idle(connection.runtime);
        idle.put(destination, connection, self.most);
        if idle.watch.is_none() {
            idle.watch = Some(handle.spawn(close_in_time(Arc::downgrade(self))).abort_handle());
        }
    }

    /// The connections of a runtime. Those of another one are dropped.
    fn idle(&self, runtime: runtime::Id) -> MutexGuard<'_, Idle> {
        // Nothing panics while it holds the lock.
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.runtime != Some(runtime) {
            *idle = Idle { connections: BTreeMap::new(), runtime: Some(runtime), watch: None };
        }
        idle
    }
}

/// With its task, it takes the idle connections away: those of a runtime that ends are of no use to anybody.
struct Cleared(Weak<Pool>, runtime::Id);

impl Drop for Cleared {
    fn drop(&mut self) {
        let Some(pool) = self.0.upgrade() else { return };
        let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.runtime == Some(self.1) {
            idle.watch = None;
            let connections = std::mem::take(&mut idle.connections);
            drop(idle);
            drop(connections);
        }
    }
}

/// Closes idle connections when their time is over. It is there only while there are any, and only as long as their pool.
async fn close_in_time(pool: Weak<Pool>) {
    let runtime = Handle::current().id();
    let _cleared = Cleared(pool.clone(), runtime);
    loop {
        let next = {
            let Some(pool) = pool.upgrade() else { return };
            let mut idle = pool.idle(runtime);
            idle.close_old();
            match idle.oldest() {
                Some((since, _)) => since + MAX_IDLE_TIME,
                None => {
                    // Under the lock, so that a connection that comes now is watched by another task.
                    idle.watch = None;
                    return;
                }
            }
        };
        tokio::time::sleep_until(next).await;
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
    }
}

impl Idle {
    fn take(&mut self, destination: &Destination) -> Option<Connection> {
        let connections = self.connections.get_mut(destination)?;
        // The latest: the others come to their end meanwhile.
        let (_, connection) = connections.pop()?;
        if connections.is_empty() {
            self.connections.remove(destination);
        }
        Some(connection)
    }

    fn put(&mut self, destination: &Destination, connection: Connection, most: usize) {
        self.connections.entry(destination.clone()).or_default().push((Instant::now(), connection));
        if self.connections.values().map(Vec::len).sum::<usize>() > most
            && let Some((_, destination)) = self.oldest()
        {
            // The first that its server will close.
            self.close_oldest_of(&destination);
        }
    }

    /// Since when the oldest connection waits, and whose it is.
    fn oldest(&self) -> Option<(Instant, Destination)> {
        let firsts = self.connections.iter().filter_map(|(destination, all)| Some((all.first()?.0, destination)));
        firsts.min_by_key(|(since, _)| *since).map(|(since, destination)| (since, destination.clone()))
    }

    fn close_oldest_of(&mut self, destination: &Destination) {
        if let Some(connections) = self.connections.get_mut(destination) {
            connections.remove(0);
            if connections.is_empty() {
                self.connections.remove(destination);
            }
        }
    }

    fn close_old(&mut self) {
        self.connections.retain(|_, connections| {
            connections.retain(|(since, _)| since.elapsed() < MAX_IDLE_TIME);
            !connections.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, DuplexStream};

    use super::*;

    /// An idle connection and the other end of it.
    async fn connection() -> (Connection, DuplexStream) {
        let (here, there) = tokio::io::duplex(1024);
        let stream: Box<dyn Stream> = Box::new(hyper_util::rt::TokioIo::new(here));
        let mut connection = Connection::open(stream).await.unwrap();
        assert!(poll_fn(|context| Poll::Ready(connection.poll_is_usable(context))).await);
        (connection, there)
    }

    fn destination(host: &str) -> Destination {
        Destination { is_https: true, host: host.to_owned(), port: 443 }
    }

    async fn is_closed(end: &mut DuplexStream) -> bool {
        matches!(tokio::time::timeout(Duration::from_millis(1), end.read(&mut [0])).await, Ok(Ok(0)))
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_closed_when_its_time_is_over_and_so_is_the_task_that_waits_for_that() {
        let pool = Arc::new(Pool::new(2));
        let (connection, mut end) = connection().await;
        pool.put(&destination("one.example"), connection);
        tokio::time::sleep(MAX_IDLE_TIME / 2).await;
        assert!(!is_closed(&mut end).await);
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 1);
        tokio::time::sleep(MAX_IDLE_TIME).await;
        assert!(is_closed(&mut end).await);
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
        assert!(pool.take(&destination("one.example")).await.is_none());
    }

    #[tokio::test]
    async fn a_pool_that_is_dropped_leaves_neither_a_connection_nor_a_task() {
        let pool = Arc::new(Pool::new(2));
        let (connection, mut end) = connection().await;
        pool.put(&destination("one.example"), connection);
        drop(pool);
        assert!(is_closed(&mut end).await);
        // The runtime takes an aborted task away when it comes to it.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    }

    #[tokio::test]
    async fn idle_connections_are_bounded_whomever_they_are_for_and_the_oldest_goes_first() {
        let pool = Arc::new(Pool::new(1));
        let mut ends = Vec::new();
        for index in 0..LEAST_IDLE + 2 {
            let (connection, end) = connection().await;
            pool.put(&destination(if index % 2 == 0 { "one.example" } else { "other.example" }), connection);
            ends.push(end);
        }
        let mut closed = Vec::new();
        for end in &mut ends {
            closed.push(is_closed(end).await);
        }
        assert_eq!(closed, [vec![true; 2], vec![false; LEAST_IDLE]].concat());
        let open = pool.idle(Handle::current().id()).connections.values().map(Vec::len).sum::<usize>();
        assert_eq!(open, LEAST_IDLE);
    }

    #[tokio::test]
    async fn a_connection_that_its_server_has_closed_is_not_taken() {
        let pool = Arc::new(Pool::new(2));
        for is_open in [true, false] {
            let (connection, end) = connection().await;
            let _open = is_open.then_some(end);
            pool.put(&destination("one.example"), connection);
            assert_eq!(pool.take(&destination("one.example")).await.is_some(), is_open);
        }
    }
}
