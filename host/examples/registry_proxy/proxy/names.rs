//! Names of upstreams → addresses, without threads.
//!
//! What hyper's client has by default asks the C library, on a thread that nobody can cancel: a dead name server would have all threads
//! that there are, and with them the upstreams that are well.

use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::vec;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::NetError;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// Asks the name servers of this system, and looks into its file of hosts.
#[derive(Clone)]
pub(super) struct Names(TokioResolver);

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct NamesError(#[from] NetError);

impl Names {
    /// Reads the system's settings.
    pub(super) fn new() -> Result<Self, NamesError> {
        let mut builder = TokioResolver::builder_tokio()?;
        // So that a name in the file of hosts, which has one address, is asked of nobody.
        builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
        Ok(Self(builder.build()?))
    }
}

impl Service<Name> for Names {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = NamesError;
    type Future = BoxFuture<'static, Result<Self::Response, NamesError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NamesError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let names = self.0.clone();
        async move {
            let found = names.lookup_ip(name.as_str()).await?;
            // The port is the connector's to say.
            Ok(found.iter().map(|address| SocketAddr::new(address, 0)).collect::<Vec<_>>().into_iter())
        }
        .boxed()
    }
}
