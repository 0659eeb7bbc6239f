//! The proxy itself, which the tests and the bench run too.

mod bearer;
mod client;
mod headers;
mod metrics;
mod names;
mod patience;
mod pull;
mod refusal;
mod relay;
mod route;
mod server;
mod upstream;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Request, Response};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use keyward::{Config, Resolver, SetupError};
use tokio::net::TcpListener;

use client::Client;
use metrics::Metrics;
use relay::Relay;
use route::Route;
use upstream::Door;

pub(crate) use upstream::Upstream;

/// What a client gets: text of the proxy's own, or what an upstream sends.
type Body = Either<Full<Bytes>, Relay>;

/// A proxy for some upstreams. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Proxy(Arc<Inner>);

struct Inner {
    client: Client,
    /// By the host that names it.
    doors: BTreeMap<String, Door>,
    limits: Limits,
    metrics: Metrics,
    resolver: Resolver,
}

/// How much of what others can make it hold or wait for.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Clients that are connected. Further ones wait in the system's queue.
    pub(crate) connections: usize,
    /// Requests to one upstream that are under way. Less than the connections, or one that is stuck would have them all.
    pub(crate) requests_of_one_upstream: usize,
    /// How long a client may take for the head of its next request, or be connected without one.
    pub(crate) client_head: Duration,
    /// How long a client may read nothing of an answer that waits for it.
    pub(crate) client_stall: Duration,
    /// How long it may take to connect to an upstream, each time.
    pub(crate) connect: Duration,
    /// How long an upstream may take for the head of an answer, connecting included; and for all of an answer with a token.
    pub(crate) upstream_head: Duration,
    /// How long an upstream may send nothing of an answer's body.
    pub(crate) upstream_stall: Duration,
    /// How long a connection to an upstream is kept for the next request.
    pub(crate) idle: Duration,
    /// How long requests that are under way have, once the proxy is told to stop.
    pub(crate) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 300,
            requests_of_one_upstream: 200,
            client_head: Duration::from_secs(60),
            client_stall: Duration::from_secs(60),
            connect: Duration::from_secs(5),
            upstream_head: Duration::from_secs(30),
            upstream_stall: Duration::from_secs(60),
            idle: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}

/// The proxy could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("the certificates of this system cannot be read: {0}")]
    Certificates(#[source] std::io::Error),
    #[error("the name servers of this system are not known: {0}")]
    Names(#[from] names::NamesError),
    #[error(transparent)]
    Resolver(#[from] SetupError),
}

impl Proxy {
    /// A proxy for these upstreams, whose credentials are looked up as `config` says.
    pub(crate) fn new(
        config: &Config,
        upstreams: impl IntoIterator<Item = Upstream>,
        limits: Limits,
    ) -> Result<Self, ProxyError> {
        let metrics = Metrics::default();
        let doors = upstreams.into_iter().map(|upstream| {
            let door = Door::new(upstream, limits.requests_of_one_upstream);
            (door.upstream.host().to_owned(), door)
        });
        Ok(Self(Arc::new(Inner {
            client: Client::new(&limits)?,
            doors: doors.collect(),
            resolver: config.clone().with_observer(metrics.observer()).build()?,
            metrics,
            limits,
        })))
    }

    /// Serves until `stop` is over, and then until the requests that are under way are answered, or their time is over.
    pub(crate) async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        server::serve(self, listener, stop).await;
    }

    /// What it looks credentials up with.
    #[allow(dead_code, reason = "for the tests, which count what is left of lookups")]
    pub(crate) fn resolver(&self) -> &Resolver {
        &self.0.resolver
    }

    /// Answers one request. Dropping the future ends all that it has begun.
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let Inner { metrics, resolver, .. } = &*self.0;
        match Route::of(request.method(), request.uri()) {
            Ok(Route::Health) => text("text/plain", "ok\n".to_owned()),
            Ok(Route::Metrics) => text(metrics::CONTENT_TYPE, metrics.encode(resolver.live())),
            Ok(Route::Version) => version(),
            Ok(Route::Pull(target)) => pull::pull(&self.0, &request, &target).await,
            Err(refusal) => {
                metrics.refused(refusal.status());
                refusal.into_response()
            }
        }
    }
}

/// That this is a registry, by a body for new clients and a header for old ones.
fn version() -> Response<Body> {
    let mut response = text("application/json", "{}".to_owned());
    let name = HeaderName::from_static("docker-distribution-api-version");
    response.headers_mut().insert(name, HeaderValue::from_static("registry/2.0"));
    response
}

fn text(content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
