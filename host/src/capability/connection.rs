//! HTTP/1.1 connections that belong to one lookup at a time, and to nobody but the pool between lookups.
//!
//! No task drives a connection: whoever waits for its answer does. So a lookup that is dropped takes its connection with
//! it, whatever the connection was doing, and a connection in the pool is a socket that nothing waits for.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use tokio::runtime::{self, Handle};
use wasmtime_wasi_http::WasiBody;

use crate::capability::destination::Destination;

/// How many connections wait for their next request: for one destination, and for how long.
const MAX_IDLE: usize = 16;
const MAX_IDLE_TIME: Duration = Duration::from_secs(30);

/// What a connection speaks over: TCP, or TLS over it.
pub(crate) trait Stream: hyper::rt::Read + hyper::rt::Write + Send + Unpin {}

impl<T: hyper::rt::Read + hyper::rt::Write + Send + Unpin> Stream for T {}

/// A connection, and what moves its bytes.
pub(crate) struct Connection {
    sender: SendRequest<WasiBody>,
    driver: Driver,
    /// The runtime whose socket this is. On another one, nobody would tell that the socket has become ready.
    runtime: runtime::Id,
}

/// What moves the bytes of a connection; `None` when the connection has come to its end.
struct Driver(Option<http1::Connection<Box<dyn Stream>, WasiBody>>);

impl Driver {
    /// Does what can be done now. What the connection fails with, its request or its body fails with too.
    fn drive(&mut self, context: &mut Context<'_>) {
        if self.0.as_mut().is_some_and(|connection| Pin::new(connection).poll(context).is_ready()) {
            self.0 = None;
        }
    }
}

/// A request was not answered.
pub(crate) struct SendError {
    /// Why not.
    pub(crate) cause: hyper::Error,
    /// The request, where nothing of it was sent: it may be sent again.
    pub(crate) unsent: Option<Request<WasiBody>>,
}

impl Connection {
    pub(crate) async fn open(stream: Box<dyn Stream>) -> hyper::Result<Self> {
        let (sender, driver) = http1::handshake(stream).await?;
        Ok(Self { sender, driver: Driver(Some(driver)), runtime: Handle::current().id() })
    }

    /// Sends a request and waits for the headers of its answer.
    pub(crate) async fn send(&mut self, request: Request<WasiBody>) -> Result<Response<Incoming>, SendError> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        let answer = poll_fn(|context| {
            driver.drive(context);
            answer.as_mut().poll(context)
        });
        answer.await.map_err(|mut error| SendError { unsent: error.take_message(), cause: error.into_error() })
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

/// Connections between two requests.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    /// The runtime of all these connections.
    runtime: Option<runtime::Id>,
    connections: BTreeMap<Destination, Vec<(Instant, Connection)>>,
}

impl Pool {
    /// A connection that can take another request, if there is one.
    pub(crate) async fn take(&self, destination: &Destination) -> Option<Connection> {
        loop {
            let (_, mut connection) = self.idle(Handle::current().id()).connections.get_mut(destination)?.pop()?;
            // The runtime looks at its sockets before it comes back here: a connection that was closed while the whole
            // runtime slept would otherwise seem to be open still.
            tokio::task::yield_now().await;
            if poll_fn(|context| Poll::Ready(connection.poll_is_usable(context))).await {
                return Some(connection);
            }
        }
    }

    fn put(&self, destination: &Destination, connection: Connection) {
        let mut idle = self.idle(connection.runtime);
        let connections = idle.connections.entry(destination.clone()).or_default();
        if connections.len() == MAX_IDLE {
            // The oldest is the first that its server will close.
            connections.remove(0);
        }
        connections.push((Instant::now(), connection));
    }

    /// The connections of a runtime. Those of another one are dropped, and those that have waited for too long.
    fn idle(&self, runtime: runtime::Id) -> MutexGuard<'_, Idle> {
        // Nothing panics while it holds the lock.
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.runtime != Some(runtime) {
            *idle = Idle { runtime: Some(runtime), connections: BTreeMap::new() };
        }
        idle.connections.retain(|_, connections| {
            connections.retain(|(since, _)| since.elapsed() < MAX_IDLE_TIME);
            !connections.is_empty()
        });
        idle
    }
}
