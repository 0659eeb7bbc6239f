//! Name → addresses → TCP → proxy → TLS: everything before the first byte of a request.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::Error;

use crate::capability::connection::{Connection, MAX_HEADER_BYTES, Stream};
use crate::capability::destination::Destination;
use crate::capability::dial::dial;
use crate::capability::dns::NameResolver;
use crate::capability::egress::{Grant, SETTING};
use crate::capability::explain::{exhausted, explain, is_of_unknown_authority, untrusted};
use crate::capability::meter::Meter;
use crate::capability::proxy::Proxies;
use crate::capability::tls::TrustRoots;
use crate::config::Config;
use crate::error::{self, Step};

/// Opens connections.
pub(crate) struct Connector {
    names: NameResolver,
    proxies: Proxies,
    roots: TrustRoots,
}

/// How requests to a destination get there.
pub(crate) enum Route {
    /// Over a connection to it.
    Direct,
    /// Over a connection to a proxy that forwards each request, which has the whole address of its destination.
    Forwarded(Intercept),
    /// Over a connection to it, inside of one to a proxy.
    Tunnelled(Intercept),
}

impl Connector {
    pub(crate) fn new(config: &Config) -> Self {
        Self { names: NameResolver::new(config), proxies: Proxies::new(config), roots: TrustRoots::new(config) }
    }

    /// The way to a destination. Wherever a metadata service is, it is asked directly: a proxy would see its token, and the keys. With
    /// TLS, a proxy sees nothing, and may be the only way.
    pub(crate) fn route(&self, uri: &Uri, destination: &Destination, grant: Grant) -> Result<Route, error::Error> {
        let is_direct = grant == Grant::Metadata && !destination.is_https;
        let proxy = if is_direct { None } else { self.proxies.of(uri, destination)? };
        Ok(match proxy {
            None => Route::Direct,
            Some(proxy) if destination.is_https => Route::Tunnelled(proxy),
            Some(proxy) => Route::Forwarded(proxy),
        })
    }

    /// Opens a connection to a destination, or to the proxy on the way to it. A failure whose cause the guest cannot be told is in
    /// the meter.
    ///
    /// Most systems have every certificate in one file, and some have others beside it. Those are looked for when a server is met whose
    /// authority is not in the file; where there are any, it is connected to a second time.
    pub(crate) async fn connect(
        &self,
        destination: &Destination,
        grant: Grant,
        route: &Route,
        meter: &Meter,
    ) -> Result<Connection, Error> {
        let mut stream = self.stream(destination, grant, route, meter).await;
        if let Err(Failed::Unknown { trusting, .. }) = &stream
            && self.roots.is_widened(trusting, meter).await
        {
            stream = self.stream(destination, grant, route, meter).await;
        }
        let stream = stream.map_err(|failed| failed.told(meter))?;
        Connection::open(stream).await.map_err(|error| explain(&error))
    }

    async fn stream(
        &self,
        destination: &Destination,
        grant: Grant,
        route: &Route,
        meter: &Meter,
    ) -> Result<Box<dyn Stream>, Failed> {
        // Certificates come first, so that no socket waits for a disk.
        let tls = if destination.is_https { Some(self.tls(meter).await?) } else { None };
        let stream = match route {
            Route::Direct => self.dial(destination, grant, meter).await?,
            Route::Forwarded(proxy) => self.dial_proxy(proxy, meter).await?,
            Route::Tunnelled(proxy) => {
                let stream = self.dial_proxy(proxy, meter).await?;
                meter.step(Step::Proxy);
                tunnel(stream, proxy, destination, meter).await?
            }
        };
        match tls {
            None => Ok(stream),
            Some(tls) => {
                meter.step(Step::Handshake);
                handshake(tls, destination, stream, meter).await
            }
        }
    }

    /// A TCP connection to an address of the destination that its grant allows.
    async fn dial(&self, destination: &Destination, grant: Grant, meter: &Meter) -> Result<Box<dyn Stream>, Error> {
        meter.step(Step::Resolution);
        let resolved =
            self.names.resolve(destination, grant == Grant::Service).await.map_err(|error| explain(&error))?;
        let (allowed, refused): (Vec<SocketAddr>, Vec<SocketAddr>) =
            resolved.addresses.iter().partition(|address| grant.allows(address.ip(), resolved.is_of_this_machine));
        if let (true, Some(refused)) = (allowed.is_empty(), refused.first()) {
            tracing::debug!(%destination, address = %refused.ip(), "address refused");
            meter.set_fault(error::Error::Refused {
                destination: destination.to_string(),
                address: Some(refused.ip()),
                setting: SETTING,
            });
            return Err(Error::DestinationIpProhibited);
        }
        meter.step(Step::Connection);
        let stream = dial(&allowed, meter).await.map_err(|error| {
            if let Some(reason) = exhausted(&error) {
                let text = format!("no connection to {destination} was opened: {reason}");
                meter.set_fault(error::Error::Unavailable(text));
            }
            explain(&error)
        })?;
        Ok(Box::new(TokioIo::new(stream)))
    }

    /// A connection to a proxy, with TLS where its URL says so. The operator named it: it may be anywhere.
    async fn dial_proxy(&self, proxy: &Intercept, meter: &Meter) -> Result<Box<dyn Stream>, Failed> {
        let proxy = Destination::of(proxy.uri()).ok_or(Error::ConfigurationError)?;
        let tls = if proxy.is_https { Some(self.tls(meter).await?) } else { None };
        let stream = self.dial(&proxy, Grant::Named, meter).await?;
        match tls {
            None => Ok(stream),
            Some(tls) => {
                meter.step(Step::Handshake);
                handshake(tls, &proxy, stream, meter).await
            }
        }
    }

    async fn tls(&self, meter: &Meter) -> Result<Arc<ClientConfig>, Error> {
        self.roots.client_config(meter).await.map_err(|error| {
            meter.set_fault(error::Error::Invalid(error.to_string()));
            Error::ConfigurationError
        })
    }
}

/// Why there is no stream.
enum Failed {
    /// For what the component is told.
    Told(Error),
    /// A server's certificate is from an authority that is not among those of these settings.
    Unknown { error: io::Error, server: String, trusting: Arc<ClientConfig> },
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

impl Failed {
    fn told(self, meter: &Meter) -> Error {
        match self {
            Self::Told(error) => error,
            Self::Unknown { error, server, .. } => told_of_handshake(&error, &server, meter),
        }
    }
}

async fn handshake(
    tls: Arc<ClientConfig>,
    server: &Destination,
    stream: Box<dyn Stream>,
    meter: &Meter,
) -> Result<Box<dyn Stream>, Failed> {
    let name = ServerName::try_from(server.host.clone()).map_err(|_| Error::HttpRequestUriInvalid)?;
    match TlsConnector::from(tls.clone()).connect(name, TokioIo::new(stream)).await {
        Ok(stream) => Ok(boxed(stream)),
        Err(error) if is_of_unknown_authority(&error) => {
            Err(Failed::Unknown { error, server: server.to_string(), trusting: tls })
        }
        Err(error) => Err(told_of_handshake(&error, &server.to_string(), meter).into()),
    }
}

fn told_of_handshake(error: &io::Error, server: &str, meter: &Meter) -> Error {
    if let Some(reason) = untrusted(error) {
        meter.set_fault(error::Error::Invalid(format!("the certificate of {server} is not trusted: {reason}")));
    }
    explain(error)
}

/// Asks a proxy for a tunnel (RFC 9110, section 9.3.6). Nothing but this future moves its bytes.
async fn tunnel(
    stream: Box<dyn Stream>,
    proxy: &Intercept,
    destination: &Destination,
    meter: &Meter,
) -> Result<Box<dyn Stream>, Error> {
    let authority = destination.authority();
    let mut request = Request::builder().method(Method::CONNECT).uri(&authority).header(HOST, &authority);
    if let Some(authorization) = proxy.basic_auth() {
        request = request.header(PROXY_AUTHORIZATION, authorization);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|_| Error::HttpRequestUriInvalid)?;

    let handshake = http1::Builder::new().max_buf_size(MAX_HEADER_BYTES).handshake(stream);
    let (mut sender, connection) = handshake.await.map_err(|error| explain(&error))?;
    let mut connection = connection.with_upgrades();
    let opened = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        if status.is_success() { Ok(Ok(hyper::upgrade::on(answer).await?)) } else { Ok(Err(status)) }
    };
    let mut opened = pin!(opened);
    let mut is_driven = true;
    let opened: Result<_, hyper::Error> = poll_fn(|context| {
        if is_driven && Pin::new(&mut connection).poll(context).is_ready() {
            is_driven = false;
        }
        opened.as_mut().poll(context)
    })
    .await;
    match opened.map_err(|error| explain(&error))? {
        Ok(upgraded) => Ok(Box::new(upgraded)),
        Err(status) => {
            meter.set_fault(refused(proxy, &format!("a tunnel to {authority}"), status));
            Err(refusal_code(status))
        }
    }
}

/// What a component is told: that it may try again, where the proxy did not reach the server; and else that a setting is wrong, since a
/// password that is refused again and again locks its owner out.
pub(crate) fn refusal_code(status: StatusCode) -> Error {
    if status.is_server_error() { Error::ConnectionRefused } else { Error::ConfigurationError }
}

/// A proxy answered in its own name.
fn refused(proxy: &Intercept, what: &str, status: StatusCode) -> error::Error {
    let proxy = Destination::of(proxy.uri()).map(|proxy| proxy.to_string()).unwrap_or_default();
    let advice = match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            "put its user name and password into the setting that names it (HTTPS_PROXY, HTTP_PROXY)"
        }
        _ => "ask who runs it, or name the host in NO_PROXY",
    };
    error::Error::Unavailable(format!("the proxy {proxy} refused {what} (HTTP status {}): {advice}", status.as_u16()))
}

fn boxed(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Box<dyn Stream> {
    Box::new(TokioIo::new(stream))
}

impl Route {
    /// The header that a proxy that forwards a request wants.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        match self {
            Self::Forwarded(proxy) => proxy.basic_auth(),
            Self::Direct | Self::Tunnelled(_) => None,
        }
    }

    /// Why an answer is that of the proxy that was to forward the request, if it is. All its other answers may be the server's.
    pub(crate) fn refusal(&self, status: StatusCode, destination: &Destination) -> Option<error::Error> {
        match self {
            Self::Forwarded(proxy) if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                Some(refused(proxy, &format!("a request to {destination}"), status))
            }
            _ => None,
        }
    }
}
