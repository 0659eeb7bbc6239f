//! How a lookup's requests get out: one pooled client for a resolver, and for each lookup a meter and a policy.
//!
//! A request lives inside its lookup. Dropping the lookup drops the request wherever it is (resolving, connecting, in the
//! handshake, waiting), and its connection is closed, since nobody could know what still comes on it.

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use http::{Request, Response, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::capability::dns::{NameError, NameResolver};
use crate::capability::egress::EgressPolicy;
use crate::capability::tls::{TrustError, TrustRoots};
use crate::config::Config;
use crate::error::Waiting;

/// Connections that wait for their next request: how many for one host, and for how long.
const IDLE_CONNECTIONS_PER_HOST: usize = 16;
const IDLE_TIME: Duration = Duration::from_secs(30);

type Client = legacy::Client<HttpsConnector<HttpConnector<NameResolver>>, WasiBody>;

/// What all lookups of a resolver share.
pub(crate) struct Transport {
    names: NameResolver,
    policy: EgressPolicy,
    roots: TrustRoots,
    /// Made for the first request: reading the trusted certificates costs more than the rest of a lookup.
    client: OnceLock<Result<Client, TrustError>>,
}

impl Transport {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            names: NameResolver::new(config.connect_to.clone()),
            policy: EgressPolicy::new(config),
            roots: TrustRoots::new(config),
            client: OnceLock::new(),
        }
    }

    fn client(&self) -> Result<&Client, &TrustError> {
        self.client.get_or_init(|| self.connect_client()).as_ref()
    }

    fn connect_client(&self) -> Result<Client, TrustError> {
        let mut tcp = HttpConnector::new_with_resolver(self.names.clone());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(self.roots.client_config()?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST)
            .build(connector))
    }
}

/// What one lookup did with its requests, and what it is waiting for.
#[derive(Debug, Default)]
pub(crate) struct Meter(Mutex<Reading>);

#[derive(Debug, Default)]
struct Reading {
    requests: u32,
    bytes_received: u64,
    fault: Option<Fault>,
    under_way: Option<UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    destination: String,
    answer_begun: bool,
    begin: Instant,
}

/// A failure whose cause lies with the host's settings, which the guest cannot know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Refused { destination: String },
    TooLarge { destination: String, limit: u64 },
    Trust(TrustError),
}

impl Meter {
    pub(crate) fn requests(&self) -> u32 {
        self.reading().requests
    }

    pub(crate) fn bytes_received(&self) -> u64 {
        self.reading().bytes_received
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        self.reading().fault.clone()
    }

    pub(crate) fn waiting_for(&self) -> Option<Waiting> {
        let reading = self.reading();
        let UnderWay { destination, answer_begun, begin } = reading.under_way.as_ref()?;
        Some(Waiting { destination: destination.clone(), answer_begun: *answer_begun, elapsed: begin.elapsed() })
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        // Nothing panics while it holds the lock, and a reading is good at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hooks of one lookup.
pub(crate) struct Hooks {
    pub(crate) transport: Arc<Transport>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) response_bytes: u64,
}

/// The second future of a response reports errors of sending the request; hyper reports them with the response.
type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        // The guest's timeouts are not looked at: the deadline of the lookup holds, and it is never longer.
        _options: Option<RequestOptions>,
        _response_error: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (transport, meter, limit) = (self.transport.clone(), self.meter.clone(), self.response_bytes);
        Box::new(async move {
            let response = send(&transport, &meter, request, limit).await?;
            Ok((response, Box::new(async { Ok(()) }) as Box<dyn Future<Output = _> + Send>))
        })
    }
}

async fn send(
    transport: &Transport,
    meter: &Arc<Meter>,
    request: Request<WasiBody>,
    limit: u64,
) -> Result<Response<WasiBody>, Error> {
    let destination = destination(request.uri());
    if !transport.policy.allows(request.uri()) {
        tracing::debug!(destination, "request refused");
        meter.reading().fault = Some(Fault::Refused { destination });
        return Err(Error::HttpRequestDenied);
    }
    let client = transport.client().map_err(|error| {
        meter.reading().fault = Some(Fault::Trust(error.clone()));
        Error::ConfigurationError
    })?;

    tracing::debug!(destination, "request");
    {
        let mut reading = meter.reading();
        reading.requests += 1;
        reading.fault = None;
        reading.under_way =
            Some(UnderWay { destination: destination.clone(), answer_begun: false, begin: Instant::now() });
    }
    let response = client.request(request).await;
    {
        let mut reading = meter.reading();
        match (&response, &mut reading.under_way) {
            (Ok(_), Some(under_way)) => under_way.answer_begun = true,
            (_, under_way) => *under_way = None,
        }
    }
    let response = response.map_err(|error| explain(&error))?;
    tracing::debug!(status = response.status().as_u16(), "answer");
    Ok(response.map(|body| metered(body, meter.clone(), destination, limit)))
}

/// The body of an answer, counted, and cut off with an error where it has more bytes than it may.
fn metered(body: hyper::body::Incoming, meter: Arc<Meter>, destination: String, limit: u64) -> WasiBody {
    let counter = meter.clone();
    let counted = body.map_frame(move |frame| {
        counter.reading().bytes_received += frame.data_ref().map_or(0, |data| data.len() as u64);
        frame
    });
    let judge = meter.clone();
    let limited = Limited::new(counted, usize::try_from(limit).unwrap_or(usize::MAX)).map_err(move |error| {
        if !error.is::<LengthLimitError>() {
            return explain(&*error);
        }
        // wasmtime 48 has no way to give the guest the case of an error inside a body.
        judge.reading().fault = Some(Fault::TooLarge { destination: destination.clone(), limit });
        Error::HttpResponseBodySize(Some(limit))
    });
    WhileBodyLives { body: limited, meter }.boxed_unsync()
}

/// A body whose end is the end of its request, whether it was read or dropped.
struct WhileBodyLives<B> {
    body: B,
    meter: Arc<Meter>,
}

impl<B> Drop for WhileBodyLives<B> {
    fn drop(&mut self) {
        self.meter.reading().under_way = None;
    }
}

impl<B: http_body::Body + Unpin> http_body::Body for WhileBodyLives<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<B::Data>, B::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// Scheme, host and port of a request: what of it may be shown.
fn destination(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    match uri.port_u16() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

/// The case of `wasi:http` for what went wrong, found by the types of an error and its causes.
fn explain(error: &(dyn StdError + 'static)) -> Error {
    let mut cause = Some(error);
    let mut explanation = Error::HttpProtocolError;
    while let Some(error) = cause {
        if let Some(found) = explain_one(error) {
            return found;
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // An error inside an io::Error is not among its sources, but in its place.
            if let Some(inner) = error.get_ref() {
                match explain(inner) {
                    Error::HttpProtocolError => {}
                    found => return found,
                }
            }
            explanation = explain_io(error);
        }
        cause = error.source();
    }
    explanation
}

fn explain_one(error: &(dyn StdError + 'static)) -> Option<Error> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(match error {
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => Error::TlsCertificateError,
            rustls::Error::AlertReceived(alert) => {
                Error::TlsAlertReceived { alert_id: Some(u8::from(*alert)), alert_message: Some(format!("{alert:?}")) }
            }
            _ => Error::TlsProtocolError,
        });
    }
    if let Some(error) = error.downcast_ref::<NameError>() {
        return Some(match error {
            NameError::NoAnswer => Error::DnsTimeout,
            other => Error::DnsError { rcode: Some(other.to_string()), info_code: None },
        });
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            return Some(Error::ConnectionTerminated);
        }
        if error.is_parse_too_large() {
            return Some(Error::HttpResponseHeaderSectionSize(None));
        }
    }
    None
}

fn explain_io(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Error::DestinationIpUnroutable,
        io::ErrorKind::AddrNotAvailable => Error::DestinationUnavailable,
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::UnexpectedEof => Error::ConnectionTerminated,
        _ => Error::HttpProtocolError,
    }
}
