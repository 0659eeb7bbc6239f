//! How a lookup's requests get out: a policy, a pool, a meter.
//!
//! A request lives inside its lookup. Dropping the lookup drops the request wherever it is (resolving, connecting, in the
//! handshake, waiting, reading), and its connection is closed, since nobody could know what still comes on it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::budget::Deadline;
use crate::capability::connect::Connector;
use crate::capability::connection::{AnswerBody, Pool};
use crate::capability::destination::Destination;
use crate::capability::egress::EgressPolicy;
use crate::capability::explain::explain;
use crate::capability::meter::{Fault, Meter};
use crate::capability::tls::TrustRoots;
use crate::config::Config;
use crate::error::Step;

/// What all lookups of a resolver share.
pub(crate) struct Transport {
    connector: Connector,
    policy: EgressPolicy,
    pool: Arc<Pool>,
}

impl Transport {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            connector: Connector::new(config.connect_to.clone(), TrustRoots::new(config)),
            policy: EgressPolicy::new(config),
            pool: Arc::default(),
        }
    }
}

/// The hooks of one lookup.
#[derive(Clone)]
pub(crate) struct Hooks {
    pub(crate) transport: Arc<Transport>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) deadline: Deadline,
    pub(crate) response_bytes: u64,
}

/// The second future of a response is for errors of sending the request; ours come with the response. A guest that goes on
/// sending its body after the answer's headers have come is served while it reads the answer.
type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        // The guest's timeouts are not looked at: the deadline of the lookup holds, and it is never longer.
        _options: Option<RequestOptions>,
        _response_error: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let hooks = self.clone();
        Box::new(async move {
            let response = hooks.send(request).await?;
            Ok((response, Box::new(async { Ok(()) }) as Box<dyn Future<Output = _> + Send>))
        })
    }
}

impl Hooks {
    async fn send(self, request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
        let Some(destination) = Destination::of(request.uri()) else { return Err(Error::HttpRequestUriInvalid) };
        if !self.transport.policy.allows(&destination) {
            tracing::debug!(%destination, "request refused");
            self.meter.set_fault(Fault::Refused { destination: destination.to_string() });
            return Err(Error::HttpRequestDenied);
        }
        tracing::debug!(%destination, "request");
        self.meter.begin(&destination);
        let over = EndOfRequest(self.meter.clone());
        let answer = self.exchange(request, &destination).await?;
        tracing::debug!(status = answer.status().as_u16(), "answer");
        Ok(answer.map(|body| self.metered(body, destination, over)))
    }

    /// Sends a request over an idle connection or a new one, and waits for the headers of its answer.
    async fn exchange(
        &self,
        mut request: Request<WasiBody>,
        destination: &Destination,
    ) -> Result<Response<AnswerBody>, Error> {
        let Transport { connector, policy: _, pool } = &*self.transport;
        let uri = request.uri().clone();
        // On a connection, the request line has the path alone; the host is in its header.
        *request.uri_mut() =
            uri.path_and_query().map_or("/", |path| path.as_str()).parse().map_err(|error| explain(&error))?;
        loop {
            let idle = pool.take(destination).await;
            let is_fresh = idle.is_none();
            let mut connection = match idle {
                Some(connection) => connection,
                None => {
                    self.meter.step(Step::Connection);
                    connector.connect(&uri, destination, &self.meter, self.deadline).await?
                }
            };
            self.meter.step(Step::Answer);
            match connection.send(request).await {
                Ok(answer) => {
                    self.meter.step(Step::Body);
                    let (destination, pool) = (destination.clone(), pool.clone());
                    return Ok(answer.map(|body| AnswerBody::new(body, connection, destination, pool)));
                }
                Err(error) => match error.unsent {
                    // The server closed an idle connection before anything was sent on it: not a failure of the request.
                    Some(unsent) if !is_fresh => request = unsent,
                    _ => return Err(explain(&error.cause)),
                },
            }
        }
    }

    /// The body of an answer, counted, and cut off with an error where it has more bytes than it may.
    fn metered(self, body: AnswerBody, destination: Destination, over: EndOfRequest) -> WasiBody {
        let counter = self.meter.clone();
        let counted = body.map_frame(move |frame| {
            counter.received(frame.data_ref().map_or(0, |data| data.len() as u64));
            frame
        });
        let limit = self.response_bytes;
        let limited = Limited::new(counted, usize::try_from(limit).unwrap_or(usize::MAX)).map_err(move |error| {
            if !error.is::<LengthLimitError>() {
                return explain(&*error);
            }
            // wasmtime 48 has no way to give the guest the case of an error inside a body.
            self.meter.set_fault(Fault::TooLarge { destination: destination.to_string(), limit });
            Error::HttpResponseBodySize(Some(limit))
        });
        WithEnd { body: limited, _over: over }.boxed_unsync()
    }
}

/// Dropped, it ends its request, however that came out.
struct EndOfRequest(Arc<Meter>);

impl Drop for EndOfRequest {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A body that lives as long as its request is under way.
struct WithEnd<B> {
    body: B,
    _over: EndOfRequest,
}

impl<B: Body + Unpin> Body for WithEnd<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::Empty;

    use super::*;

    #[tokio::test]
    async fn a_request_to_a_destination_that_was_not_granted_is_refused_before_anything_is_resolved() {
        let meter = Arc::new(Meter::default());
        let hooks = Hooks {
            transport: Arc::new(Transport::new(&Config::new())),
            meter: meter.clone(),
            deadline: Deadline::after(Duration::from_secs(5)),
            response_bytes: 0,
        };
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::post("https://keys.example.com/collect").body(body).unwrap();
        let refused = hooks.send(request).await;
        assert!(matches!(refused, Err(Error::HttpRequestDenied)));
        assert_eq!(meter.fault(), Some(Fault::Refused { destination: "https://keys.example.com".to_owned() }));
        assert_eq!(meter.requests(), 0);
    }
}
