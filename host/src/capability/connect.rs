//! Name → addresses → TCP → TLS: everything before the first byte of a request.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tower_service::Service;
use wasmtime_wasi_http::Error;

use crate::budget::Deadline;
use crate::capability::connection::{Connection, Stream};
use crate::capability::destination::Destination;
use crate::capability::dns::NameResolver;
use crate::capability::explain::explain;
use crate::capability::meter::{Fault, Meter};
use crate::capability::tls::TrustRoots;
use crate::error::Step;

/// Opens connections.
pub(crate) struct Connector {
    names: NameResolver,
    roots: TrustRoots,
}

impl Connector {
    pub(crate) fn new(connect_to: BTreeMap<String, SocketAddr>, roots: TrustRoots) -> Self {
        Self { names: NameResolver::new(connect_to), roots }
    }

    /// Opens a connection before the deadline.
    pub(crate) async fn connect(
        &self,
        uri: &Uri,
        destination: &Destination,
        meter: &Meter,
        deadline: Deadline,
    ) -> Result<Connection, Error> {
        // Before the connection, so that no socket waits for a disk.
        let tls = if destination.is_https { Some(self.tls(meter).await?) } else { None };

        let addresses = self.names.addresses(&destination.host).await.map_err(|error| explain(&error))?;
        // Several addresses divide what is left of the time among them: the first must not use up what the others need.
        let limit = deadline.left().filter(|_| addresses.len() > 1);
        let mut tcp = HttpConnector::new_with_resolver(Resolved(addresses));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(limit);
        let tcp = tcp.call(uri.clone()).await.map_err(|error| explain(&error))?;

        let stream: Box<dyn Stream> = match tls {
            None => Box::new(tcp),
            Some(tls) => {
                meter.step(Step::Handshake);
                let name = ServerName::try_from(destination.host.clone()).map_err(|_| Error::HttpRequestUriInvalid)?;
                let stream = TlsConnector::from(tls).connect(name, tcp.into_inner()).await;
                Box::new(TokioIo::new(stream.map_err(|error| explain(&error))?))
            }
        };
        Connection::open(stream).await.map_err(|error| explain(&error))
    }

    async fn tls(&self, meter: &Meter) -> Result<Arc<ClientConfig>, Error> {
        self.roots.client_config().await.map_err(|error| {
            meter.set_fault(Fault::Trust(error));
            Error::ConfigurationError
        })
    }
}

/// The addresses of a name that was resolved before. A port of 0 stands for the port of the request.
#[derive(Clone)]
struct Resolved(Vec<SocketAddr>);

impl Service<Name> for Resolved {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _name: Name) -> Self::Future {
        ready(Ok(self.0.clone().into_iter()))
    }
}
