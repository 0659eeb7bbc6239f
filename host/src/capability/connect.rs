//! Name → addresses → TCP → TLS: everything before the first byte of a request.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tower_service::Service;
use wasmtime_wasi_http::Error;

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
    /// Made for the first connection that needs it: reading the trusted certificates costs more than the rest of a lookup.
    /// A failure is not kept: the file that is missing now may be there for the next lookup.
    tls: OnceCell<Arc<ClientConfig>>,
}

impl Connector {
    pub(crate) fn new(connect_to: BTreeMap<String, SocketAddr>, roots: TrustRoots) -> Self {
        Self { names: NameResolver::new(connect_to), roots, tls: OnceCell::new() }
    }

    /// Opens a connection within the time that is left, `None` for no limit.
    pub(crate) async fn connect(
        &self,
        uri: &Uri,
        destination: &Destination,
        meter: &Meter,
        time_left: Option<Duration>,
    ) -> Result<Connection, Error> {
        // Before the connection, so that no socket waits for a disk.
        let tls = if destination.is_https { Some(self.tls(meter).await?) } else { None };

        let mut tcp = HttpConnector::new_with_resolver(self.names.clone());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Divided among the addresses of the name: the first one must not use up what the others need.
        tcp.set_connect_timeout(time_left.map(|left| left / 4 * 3));
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
        let config = self.tls.get_or_try_init(|| self.roots.client_config()).await;
        config.cloned().map_err(|error| {
            meter.set_fault(Fault::Trust(error));
            Error::ConfigurationError
        })
    }
}
