//! Names → addresses, without threads.
//!
//! The C library's resolver blocks a thread that nobody can cancel. This one asks the name servers of /etc/resolv.conf and
//! looks into /etc/hosts itself, so that dropping a lookup drops its questions too. What stays, with the resolver, is its end of the
//! conversation with each name server: two tasks.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_resolver::config::ResolveHosts;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::{Hosts, TokioResolver};
use tokio::runtime::{self, Handle};

/// Resolves names for connections.
pub(crate) struct NameResolver {
    connect_to: BTreeMap<String, SocketAddr>,
    /// Made for the first name, and again on another runtime: its questions are tasks of the runtime that asks.
    system: Mutex<Option<MadeOn>>,
}

/// What was made on a runtime.
struct MadeOn {
    runtime: runtime::Id,
    system: Arc<System>,
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
        Self { connect_to, system: Mutex::default() }
    }

    /// The addresses of a host. Where its port is 0, it is that of the request.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, NameError> {
        if let Some(address) = self.connect_to.get(host) {
            return Ok(vec![*address]);
        }
        let addresses = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => self.system()?.addresses(host).await?,
        };
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, 0)).collect())
    }

    fn system(&self) -> Result<Arc<System>, NameError> {
        let runtime = Handle::current().id();
        // Nothing panics while it holds the lock.
        let mut made = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some(made) if made.runtime == runtime => Ok(made.system.clone()),
            _ => {
                let system = Arc::new(System::read()?);
                *made = Some(MadeOn { runtime, system: system.clone() });
                Ok(system)
            }
        }
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::UdpSocket;

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;

    use super::*;

    /// A system whose one name server takes questions and answers none.
    fn system(hosts: &str) -> (System, UdpSocket) {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap();
        let mut connection = ConnectionConfig::new(ProtocolConfig::Udp);
        connection.port = address.port();
        let server = NameServerConfig::new(address.ip(), true, vec![connection]);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let mut known = Hosts::default();
        known.read_hosts_conf(hosts.as_bytes()).unwrap();
        (System { hosts: known, name_servers: builder.build().unwrap() }, silent)
    }

    /// hickory would ask the name servers for the address family that the file does not have.
    #[tokio::test]
    async fn a_name_in_the_hosts_file_is_asked_of_nobody() {
        let (system, silent) = system("127.0.0.3 api.ecr.example\n::1 six.example\n");
        assert_eq!(system.addresses("api.ecr.example").await.unwrap(), ["127.0.0.3".parse::<IpAddr>().unwrap()]);
        assert_eq!(system.addresses("SIX.example").await.unwrap(), ["::1".parse::<IpAddr>().unwrap()]);
        silent.set_nonblocking(true).unwrap();
        let asked = silent.recv(&mut [0; 512]);
        assert_eq!(asked.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[tokio::test]
    async fn a_question_that_nobody_answers_is_dropped_with_the_lookup_that_asks_it() {
        let (system, silent) = system("");
        silent.set_nonblocking(true).unwrap();
        let silent = tokio::net::UdpSocket::from_std(silent).unwrap();
        let mut question = [0; 512];
        tokio::select! {
            answer = system.addresses("api.ecr.example") => panic!("{answer:?}"),
            asked = silent.recv(&mut question) => assert!(asked.unwrap() > 12),
        }
        drop(system);
        while Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
