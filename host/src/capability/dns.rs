//! Names → addresses, without threads.
//!
//! The C library's resolver blocks a thread that nobody can cancel. This one asks the name servers of /etc/resolv.conf and
//! looks into /etc/hosts itself, so that dropping a lookup drops its questions too.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::vec;

use hickory_resolver::config::ResolveHosts;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::{Hosts, TokioResolver};
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// Resolves names for the HTTP client. Clones share the name servers and their cache.
#[derive(Clone)]
pub(crate) struct NameResolver {
    connect_to: Arc<BTreeMap<String, SocketAddr>>,
    /// Made for the first name: the system's files are not read before.
    system: Arc<OnceLock<System>>,
}

/// What this machine knows of names.
struct System {
    hosts: Hosts,
    name_servers: TokioResolver,
}

/// A name has no address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NameError {
    #[error("the name does not exist")]
    DoesNotExist,
    #[error("the name server failed")]
    Failed(#[source] NetError),
    #[error("no name server answered")]
    NoAnswer,
    #[error("the system's resolver settings are unusable")]
    Settings(#[source] NetError),
}

impl NameResolver {
    pub(crate) fn new(connect_to: BTreeMap<String, SocketAddr>) -> Self {
        Self { connect_to: Arc::new(connect_to), system: Arc::default() }
    }

    async fn resolve(self, name: Name) -> Result<vec::IntoIter<SocketAddr>, NameError> {
        if let Some(address) = self.connect_to.get(&name.as_str().to_ascii_lowercase()) {
            return Ok(vec![*address].into_iter());
        }
        let addresses = self.system()?.addresses(name.as_str()).await?;
        // Port 0 stands for the port of the request.
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, 0)).collect::<Vec<_>>().into_iter())
    }

    fn system(&self) -> Result<&System, NameError> {
        if let Some(system) = self.system.get() {
            return Ok(system);
        }
        let system = System::read()?;
        Ok(self.system.get_or_init(|| system))
    }
}

impl System {
    fn read() -> Result<Self, NameError> {
        let mut builder = TokioResolver::builder_tokio().map_err(NameError::Settings)?;
        builder.options_mut().use_hosts_file = ResolveHosts::Never;
        Ok(Self {
            // A machine without the file knows no names of its own.
            hosts: Hosts::from_system().unwrap_or_default(),
            name_servers: builder.build().map_err(NameError::Settings)?,
        })
    }

    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, NameError> {
        let known = self.in_hosts(name);
        if !known.is_empty() {
            return Ok(known);
        }
        let mut question = name.to_owned();
        // A dot at the end keeps the search list of resolv.conf away from the names of AWS, which are absolute.
        if question.contains('.') && !question.ends_with('.') {
            question.push('.');
        }
        let found = self.name_servers.lookup_ip(question).await.map_err(NameError::from)?;
        Ok(found.iter().collect())
    }

    /// What /etc/hosts has for a name, in both families. A name that is in it in one of them is not asked for in the
    /// other, as the C library does it: hickory's own use of the file would ask the name servers for the missing one.
    fn in_hosts(&self, name: &str) -> Vec<IpAddr> {
        let Ok(name) = hickory_resolver::proto::rr::Name::from_str_relaxed(name) else { return Vec::new() };
        [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(|family| self.hosts.lookup_static_host(&Query::query(name.clone(), family)))
            .flat_map(|found| found.answers().iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>())
            .collect()
    }
}

impl From<NetError> for NameError {
    fn from(error: NetError) -> Self {
        match error {
            error if error.is_no_records_found() || error.is_nx_domain() => Self::DoesNotExist,
            NetError::Timeout => Self::NoAnswer,
            error => Self::Failed(error),
        }
    }
}

impl From<NameError> for io::Error {
    fn from(error: NameError) -> Self {
        io::Error::other(error)
    }
}

impl Service<Name> for NameResolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = NameError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().resolve(name))
    }
}
