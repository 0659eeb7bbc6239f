//! How a lookup's requests get out: a policy, a pool, a meter.
//!
//! A request lives inside its lookup. Dropping the lookup drops the request wherever it is (resolving, connecting, in the
//! handshake, waiting, reading), and its connection is closed, since nobody could know what still comes on it.

use std::error::Error as StdError;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::PROXY_AUTHORIZATION;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use tracing::Instrument;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};
use zeroize::Zeroizing;

use crate::capability::connect::{Connector, Route, refusal_code};
use crate::capability::connection::{AnswerBody, Pool};
use crate::capability::destination::Destination;
use crate::capability::egress::{EgressPolicy, Grant, SETTING};
use crate::capability::explain::{explain, failure};
use crate::capability::meter::{Meter, Ticket};
use crate::capability::observed::{EndOfRequest, WithEnd, operation};
use crate::capability::profiles::OfLookup;
use crate::capability::under_way::UnderWay;
use crate::config::Config;
use crate::error::{self, Limit, SetupError, Step};
use crate::record::RequestFailure;
use crate::replay::{Failure, Replay};

/// What all lookups of a resolver share.
pub(crate) struct Transport {
    connector: Connector,
    policy: EgressPolicy,
    pool: Arc<Pool>,
    replay: Option<Arc<dyn Replay>>,
}

impl Transport {
    pub(crate) fn new(config: &Config) -> Result<Self, SetupError> {
        Ok(Self {
            connector: Connector::new(config),
            policy: EgressPolicy::new(config)?,
            pool: Arc::new(Pool::new(config.max_live_lookups)),
            replay: config.replay.clone(),
        })
    }
}

/// The hooks of one lookup.
#[derive(Clone)]
pub(crate) struct Hooks {
    pub(crate) transport: Arc<Transport>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) profiles: Arc<OfLookup>,
    /// What the lookup's own request names.
    pub(crate) endpoint: Option<Destination>,
    pub(crate) requests: u32,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
    pub(crate) under_way: UnderWay<Sent>,
}

/// The second future of a response is for errors of sending the request's body; ours is sent before the answer comes.
pub(crate) type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

/// What a guest may write of a body before the host has taken it, for each request that it holds: two pieces of this size.
const BODY_CHUNK_BYTES: usize = 8 * 1024;

impl WasiHttpHooks for Hooks {
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_error: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let hooks = self.clone();
        let sent = async move {
            let response = hooks.send(request, options.unwrap_or_default()).await?;
            Ok((response, Box::new(async { Ok(()) }) as Box<dyn Future<Output = _> + Send>))
        };
        // The engine has it driven by a task of its own, and what it logs is the lookup's.
        self.under_way.add(sent.in_current_span(), || Err(Error::ConnectionTerminated))
    }
}

impl Hooks {
    async fn send(self, request: Request<WasiBody>, options: RequestOptions) -> Result<Response<WasiBody>, Error> {
        let Some(destination) = Destination::of(request.uri()) else { return Err(Error::HttpRequestUriInvalid) };
        let Some(grant) = self.grant(&destination).await else {
            tracing::debug!(%destination, "request refused");
            let fault = error::Error::Refused { destination: destination.to_string(), address: None, setting: SETTING };
            self.meter.refused(request.method(), &destination, fault, self.requests);
            return Err(Error::HttpRequestDenied);
        };
        let Some(ticket) = self.meter.begin(request.method(), &destination, self.requests) else {
            self.meter.set_over_limit(Limit::Requests, self.requests.into());
            return Err(Error::ConnectionLimitReached);
        };
        tracing::debug!(%destination, "request");
        let over = EndOfRequest::new(&self.meter, ticket);
        let answer = self.answer(request, options, &destination, grant, ticket).await;
        match answer {
            Ok(answer) => {
                over.meter.answered(ticket, answer.status().as_u16());
                Ok(answer.map(|body| self.metered(body, destination, over)))
            }
            Err(error) => {
                over.meter.failed(ticket, failure(&error));
                Err(error)
            }
        }
    }

    /// The answer to a request that may be sent.
    async fn answer(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
        destination: &Destination,
        grant: Grant,
        ticket: Ticket,
    ) -> Result<Response<Either<Full<Bytes>, AnswerBody>>, Error> {
        let (head, body) = request.into_parts();
        let body = self.whole(body).await?;
        self.meter.operation(ticket, operation(&head.headers, &body));
        if let Some(replay) = &self.transport.replay {
            let answer = replay.send(Request::from_parts(head, body)).map_err(wasi_error)?;
            return Ok(answer.map(|body| Either::Left(Full::new(body))));
        }
        let request = Request::from_parts(head, Full::new(body));
        let answer = self.exchange(request, options, destination, grant).await?;
        tracing::debug!(status = answer.status().as_u16(), "answer");
        Ok(answer.map(Either::Right))
    }

    /// Why a request may be sent there, if it may. The shared files are asked last, since they have to be read for it.
    async fn grant(&self, destination: &Destination) -> Option<Grant> {
        match self.transport.policy.grant(destination) {
            // Before what else it may be named as: no proxy reads the keys of a machine.
            Some(Grant::Metadata) => Some(Grant::Metadata),
            _ if self.endpoint.as_ref() == Some(destination) => {
                self.profiles.grant(destination).await.or(Some(Grant::Named))
            }
            None => self.profiles.grant(destination).await,
            grant => grant,
        }
    }

    /// The whole body of a request, before anything of the request is sent: so it is bounded, it can be sent twice, and a
    /// server never sees a request that its component has not ended.
    async fn whole(&self, body: WasiBody) -> Result<Bytes, Error> {
        let limit = self.request_bytes;
        let mut body = pin!(body);
        // It may hold a secret: what is made of it here is overwritten when it is dropped, wherever it was while it grew.
        let mut whole = Zeroizing::new(Vec::new());
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if (whole.len() + data.len()) as u64 > limit {
                self.meter.set_over_limit(Limit::RequestBytes, limit);
                return Err(Error::HttpRequestBodySize(Some(limit)));
            }
            if whole.len() + data.len() > whole.capacity() {
                let mut larger = Zeroizing::new(Vec::with_capacity((whole.len() + data.len()).next_power_of_two()));
                larger.extend_from_slice(&whole);
                whole = larger;
            }
            whole.extend_from_slice(&data);
        }
        Ok(Bytes::from_owner(whole))
    }

    /// Sends a request over an idle connection or a new one, and waits for the headers of its answer. Of the guest's timeouts, that of the
    /// connection is for everything before the request, and that of the first byte for sending it and for all of the headers.
    async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
        options: RequestOptions,
        destination: &Destination,
        grant: Grant,
    ) -> Result<Response<AnswerBody>, Error> {
        let Transport { connector, policy: _, pool, replay: _ } = &*self.transport;
        let route = connector.route(request.uri(), destination, grant).map_err(|fault| {
            self.meter.set_fault(fault);
            Error::ConfigurationError
        })?;
        match route.authorization() {
            Some(authorization) => {
                request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
            }
            None if matches!(route, Route::Forwarded(_)) => {}
            // On a connection to its server, the request line has the path alone; the host is in its header.
            None => {
                let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                *request.uri_mut() = path.parse().map_err(|error| explain(&error))?;
            }
        }
        let mut idle = pool.take(destination).await;
        loop {
            let is_reused = idle.is_some();
            let mut connection = match idle.take() {
                Some(connection) => connection,
                None => {
                    let connecting = connector.connect(destination, grant, &route, &self.meter);
                    within(options.connect_timeout, connecting).await.unwrap_or(Err(Error::ConnectionTimeout))?
                }
            };
            self.meter.step(Step::Answer);
            let answer = within(options.first_byte_timeout, connection.send(request.clone())).await;
            // What it could not tell in time is not awaited any more: the connection is closed.
            match answer.ok_or(Error::ConnectionReadTimeout)? {
                Ok(answer) => {
                    if let Some(fault) = route.refusal(answer.status(), destination) {
                        self.meter.set_fault(fault);
                        return Err(refusal_code(answer.status()));
                    }
                    self.meter.step(Step::Body);
                    let (destination, pool) = (destination.clone(), pool.clone());
                    return Ok(answer.map(|body| AnswerBody::new(body, connection, destination, pool)));
                }
                Err(error) => match explain(&error) {
                    // A server may close an idle connection at any moment, also in that of the request. Once, and on a fresh
                    // connection: none of the requests of the component that is built in does harm when it is sent twice.
                    Error::ConnectionTerminated if is_reused => {}
                    other => return Err(other),
                },
            }
        }
    }

    /// The body of an answer, counted, and cut off with an error where it has more bytes than it may.
    fn metered<B>(self, body: B, destination: Destination, over: EndOfRequest) -> WasiBody
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + Unpin + 'static,
    {
        let (counter, ticket) = (self.meter.clone(), over.ticket);
        let counted = body.map_frame(move |frame| {
            counter.received(ticket, frame.data_ref().map_or(0, |data| data.len() as u64));
            frame
        });
        let limit = self.response_bytes;
        let limited = Limited::new(counted, usize::try_from(limit).unwrap_or(usize::MAX)).map_err(move |error| {
            if !error.is::<LengthLimitError>() {
                let error = explain(&*error);
                self.meter.failed(ticket, failure(&error));
                return error;
            }
            let fault = error::Error::Invalid(format!(
                "the answer of {destination} is larger than {limit} bytes: check that nothing between here and AWS answers \
                 in its place"
            ));
            self.meter.set_fault(fault.clone());
            self.meter.failed(ticket, RequestFailure::TooLarge);
            // wasmtime 48 has no way to give the guest the case of an error inside a body: it would ask again.
            self.meter.end_with(fault);
            Error::HttpResponseBodySize(Some(limit))
        });
        WithEnd::new(limited, over).boxed_unsync()
    }
}

/// The case of `wasi:http` for a failure that is played.
fn wasi_error(failure: Failure) -> Error {
    match failure {
        Failure::AnswerTimeout => Error::ConnectionReadTimeout,
        Failure::ConnectionClosed => Error::ConnectionTerminated,
        Failure::ConnectionRefused => Error::ConnectionRefused,
        Failure::ConnectionTimeout => Error::ConnectionTimeout,
        Failure::NameUnknown => Error::DnsError { rcode: None, info_code: None },
    }
}

/// What a step comes to, if it does so in time; else it is dropped, with all that it holds. A guest that names no time has that of its
/// lookup, which ends all of this anyway.
async fn within<T>(time: Option<Duration>, step: impl Future<Output = T>) -> Option<T> {
    match time {
        Some(time) => tokio::time::timeout(time, step).await.ok(),
        None => Some(step.await),
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Empty;

    use super::*;
    use crate::capability::profiles::tests::of_lookup;

    fn hooks(config: &Config, requests: u32) -> Hooks {
        let transport = Arc::new(Transport::new(config).unwrap());
        Hooks {
            transport,
            meter: Arc::default(),
            profiles: Arc::new(of_lookup(config)),
            endpoint: None,
            requests,
            request_bytes: 10,
            response_bytes: 0,
            under_way: UnderWay::default(),
        }
    }

    fn request(uri: &str, body: &'static str) -> Request<WasiBody> {
        Request::post(uri).body(Full::from(body).map_err(|never| match never {}).boxed_unsync()).unwrap()
    }

    #[tokio::test]
    async fn a_request_to_a_destination_that_was_not_granted_is_refused_before_anything_is_resolved() {
        let hooks = hooks(&Config::new(), 64);
        let meter = hooks.meter.clone();
        let refused = hooks.send(request("https://keys.example.com/collect", ""), RequestOptions::default()).await;
        assert!(matches!(refused, Err(Error::HttpRequestDenied)));
        let destination = "https://keys.example.com".to_owned();
        let fault = error::Error::Refused { destination, address: None, setting: SETTING };
        assert_eq!(meter.fault(), Some(fault.clone()));
        assert_eq!(meter.requests(), 0);
        // Whoever watches sees it all the same.
        let failures: Vec<_> = meter.traced().into_iter().map(|request| request.failure).collect();
        assert_eq!(failures, [Some(RequestFailure::Fault(fault))]);
    }

    #[tokio::test]
    async fn a_destination_that_a_profile_names_is_one_that_the_operator_has_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[default]\nendpoint_url = http://localhost:4566\n").unwrap();
        let hooks = hooks(&Config::new().with_variable("AWS_CONFIG_FILE", file.path().to_str().unwrap()), 64);
        for (uri, grant) in [("http://localhost:4566/x", Some(Grant::Named)), ("http://localhost:4567/", None)] {
            let destination = Destination::of(&uri.parse().unwrap()).unwrap();
            assert_eq!(hooks.grant(&destination).await, grant);
        }
    }

    #[tokio::test]
    async fn the_endpoint_of_a_request_is_named_by_it_alone_and_a_metadata_service_stays_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[default]\nec2_metadata_service_endpoint = http://profile.example\n").unwrap();
        let config = Config::new().with_variable("AWS_CONFIG_FILE", file.path().to_str().unwrap());
        for (uri, without, with) in [
            ("https://ecr.example:8443/x", None, Grant::Named),
            // As a service's, its name could not lead to this machine.
            ("https://api.ecr.us-east-1.amazonaws.com/", Some(Grant::Service), Grant::Named),
            ("http://169.254.169.254/", Some(Grant::Metadata), Grant::Metadata),
            ("http://profile.example/", Some(Grant::Metadata), Grant::Metadata),
        ] {
            let destination = Destination::of(&uri.parse().unwrap()).unwrap();
            let named = Hooks { endpoint: Some(destination.clone()), ..hooks(&config, 64) };
            assert_eq!(hooks(&config, 64).grant(&destination).await, without, "{uri}");
            assert_eq!(named.grant(&destination).await, Some(with), "{uri}");
            let other = Destination { port: 1, ..destination };
            assert_eq!(named.grant(&other).await, None, "{uri}");
        }
    }

    /// They once went through it like everything else, with the token and the keys of a role in clear.
    #[tokio::test]
    async fn a_metadata_service_that_a_setting_or_a_profile_names_is_not_asked_through_a_proxy() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "[default]\nendpoint_url = http://named.example\n\
                    [profile other]\nec2_metadata_service_endpoint = http://profile.example\n";
        std::fs::write(file.path(), text).unwrap();
        let config = Config::new()
            .with_variable("AWS_CONFIG_FILE", file.path().to_str().unwrap())
            .with_variable("ALL_PROXY", "http://proxy.example")
            .with_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://10.0.0.5:1338")
            // It may be something else besides.
            .with_allowed("http://10.0.0.5:1338");
        let route = async |config: &Config, uri: &str| {
            let (hooks, uri) = (hooks(config, 64), uri.parse().unwrap());
            let destination = Destination::of(&uri).unwrap();
            let grant = hooks.grant(&destination).await.unwrap();
            hooks.transport.connector.route(&uri, &destination, grant).unwrap()
        };
        for metadata in ["http://10.0.0.5:1338/latest", "http://profile.example/latest"] {
            assert!(matches!(route(&config, metadata).await, Route::Direct), "{metadata}");
        }
        assert!(matches!(route(&config, "http://named.example/").await, Route::Forwarded(_)));
        for (uri, is_direct) in [("http://agent.example/keys", true), ("https://agent.example/keys", false)] {
            let config = config.clone().with_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri);
            assert_eq!(matches!(route(&config, uri).await, Route::Direct), is_direct, "{uri}");
        }
    }

    #[tokio::test]
    async fn a_body_and_a_number_of_requests_that_are_over_their_limits_are_errors_that_the_host_remembers() {
        let config = Config::new().with_allowed("http://127.0.0.1:9");
        let meter = |hooks: &Hooks| hooks.meter.clone();
        let one = hooks(&config, 1);
        let seen = meter(&one);
        let again = one.clone();
        let refused = one.send(request("http://127.0.0.1:9/", "eleven byte"), RequestOptions::default()).await;
        assert!(matches!(refused, Err(Error::HttpRequestBodySize(Some(10)))));
        assert_eq!(seen.ended_with(), Some(error::Error::OverLimit { what: Limit::RequestBytes, limit: 10 }));
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let refused =
            again.send(Request::get("http://127.0.0.1:9/").body(body).unwrap(), RequestOptions::default()).await;
        assert!(matches!(refused, Err(Error::ConnectionLimitReached)));
        let first = seen.ended_with();
        assert_eq!(first, Some(error::Error::OverLimit { what: Limit::RequestBytes, limit: 10 }), "the first is told");
        assert_eq!(seen.requests(), 1);
    }

    /// Answers every request, and nothing else.
    struct Answering;

    impl Replay for Answering {
        fn file(&self, _path: &str) -> Option<Result<Vec<u8>, std::io::ErrorKind>> {
            None
        }

        fn now(&self) -> std::time::Duration {
            std::time::Duration::ZERO
        }

        fn send(&self, _request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
            Ok(Response::new(Bytes::new()))
        }
    }

    #[tokio::test]
    async fn a_world_that_is_played_is_asked_only_where_the_policy_lets_the_request_out() {
        let hooks = hooks(&Config::new().with_replay(Arc::new(Answering)), 64);
        let meter = hooks.meter.clone();
        let refused =
            hooks.clone().send(request("https://keys.example.com/collect", ""), RequestOptions::default()).await;
        assert!(matches!(refused, Err(Error::HttpRequestDenied)));
        assert_eq!(meter.requests(), 0);
        hooks.send(request("https://sts.eu-west-1.amazonaws.com/", ""), RequestOptions::default()).await.unwrap();
        assert_eq!(meter.requests(), 1);
    }
}
