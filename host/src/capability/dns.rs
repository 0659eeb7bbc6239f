//! Names → addresses, without threads.
//!
//! The C library's resolver blocks a thread that nobody can cancel. This one asks the name servers of /etc/resolv.conf and
//! looks into /etc/hosts itself, so that dropping a lookup drops its questions too. Lookups that ask for the same name at about
//! the same time share one question, which is dropped with the last of them; no question waits for another one. What stays, with
//! the resolver, is its end of the conversation with each name server: two tasks.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, Shared, WeakShared, select};
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::parse_resolv_conf;
use hickory_resolver::{Hosts, TokioResolver};
use tokio::runtime::{self, Handle};
use tokio::time::Instant;

use crate::capability::destination::Destination;
use crate::capability::files;
use crate::config::Config;
use crate::lock::lock;

/// How long the addresses of one family wait for those of the other (RFC 8305, section 3). Some name servers never answer
/// questions about IPv6.
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// How old a question may be that a lookup joins. An older one may have been lost, or be about to fail: whoever comes then asks
/// anew.
const MAX_QUESTION_AGE: Duration = Duration::from_millis(500);

/// How long the name servers have for an answer, and how often they are asked at least.
const MAX_TRY: Duration = Duration::from_secs(1);
const MIN_TRIES: usize = 5;

/// The most bytes that the system's two files may have.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Resolves names for connections.
pub(crate) struct NameResolver {
    connect_to: BTreeMap<String, SocketAddr>,
    sources: Sources,
    /// Made for the first name; and again when the files have changed, or on another runtime, since its questions are tasks
    /// of the runtime that asks.
    system: Mutex<Option<Made>>,
}

/// Where the system says what it knows.
struct Sources {
    hosts: PathBuf,
    /// Instead of those that the settings name.
    name_servers: Vec<SocketAddr>,
    settings: PathBuf,
}

/// What was made of the files, and when.
struct Made {
    runtime: runtime::Id,
    versions: [Option<Version>; 2],
    system: Arc<System>,
}

/// What tells one content of a file from another without reading it.
type Version = (std::time::SystemTime, u64, i128);

/// The addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) addresses: Vec<SocketAddr>,
    /// Whether it is this machine's own files or settings that say so, and not a name server: nobody can change it between two
    /// questions.
    pub(crate) is_of_this_machine: bool,
}

/// A name has no address.
#[derive(Clone, Debug, thiserror::Error)]
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
    pub(crate) fn new(config: &Config) -> Self {
        let sources = Sources {
            hosts: "/etc/hosts".into(),
            name_servers: config.name_servers.clone(),
            settings: "/etc/resolv.conf".into(),
        };
        Self { connect_to: config.connect_to.clone(), sources, system: Mutex::default() }
    }

    /// The addresses of a destination. The name of one that is absolute is not looked for in the domains of the search list.
    pub(crate) async fn resolve(&self, destination: &Destination, is_absolute: bool) -> Result<Resolved, NameError> {
        let Destination { is_https: _, host, port } = destination;
        if let Some(address) = self.connect_to.get(host) {
            return Ok(Resolved { addresses: vec![*address], is_of_this_machine: true });
        }
        let (addresses, is_of_this_machine) = match host.parse() {
            Ok(address) => (vec![address], true),
            Err(_) => {
                let system = self.system();
                match system.in_hosts(host) {
                    known if known.is_empty() => (system.ask(host, is_absolute).await?, false),
                    known => (known, true),
                }
            }
        };
        let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, *port)).collect();
        Ok(Resolved { addresses, is_of_this_machine })
    }

    fn system(&self) -> Arc<System> {
        let runtime = Handle::current().id();
        // Two looks at the root file system, which every program of this machine needs: no thread for them.
        let versions = [version(&self.sources.hosts), version(&self.sources.settings)];
        let mut made = lock(&self.system);
        match &*made {
            Some(made) if made.runtime == runtime && made.versions == versions => made.system.clone(),
            _ => {
                let (system, is_whole) = System::read(&self.sources);
                let system = Arc::new(system);
                // What could not be read now, for want of descriptors perhaps, is read again the next time.
                *made = is_whole.then(|| Made { runtime, versions, system: system.clone() });
                system
            }
        }
    }
}

/// What this machine knows of names.
struct System {
    hosts: Hosts,
    /// Unusable settings are no reason not to know the names in the hosts file.
    name_servers: Result<TokioResolver, NameError>,
    /// The latest question about each name, and when it was asked.
    questions: Mutex<HashMap<String, (Instant, WeakShared<Question>)>>,
}

type Question = BoxFuture<'static, Result<Vec<IpAddr>, NameError>>;

impl System {
    /// What the files say, and whether all of them could be read. A machine without them knows no names of its own, and no name
    /// servers.
    fn read(sources: &Sources) -> (Self, bool) {
        let read = |file: &Path| match files::read(file, MAX_FILE_BYTES) {
            Ok(content) => Some(String::from_utf8_lossy(&content).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(String::new()),
            Err(_) => None,
        };
        let (known, settings) = (read(&sources.hosts), read(&sources.settings));
        let is_whole = known.is_some() && settings.is_some();
        let mut hosts = Hosts::default();
        let _ = hosts.read_hosts_conf(known.unwrap_or_default().as_bytes());
        let name_servers = name_servers(&sources.name_servers, &settings.unwrap_or_default());
        (Self { hosts, name_servers, questions: Mutex::default() }, is_whole)
    }

    /// Asks the name servers, or waits for the answer to the same question of another lookup.
    async fn ask(&self, name: &str, is_absolute: bool) -> Result<Vec<IpAddr>, NameError> {
        let name_servers = self.name_servers.clone()?;
        let answer: Shared<Question> = {
            let mut questions = lock(&self.questions);
            questions.retain(|_, (asked, question)| asked.elapsed() < MAX_QUESTION_AGE && question.upgrade().is_some());
            match questions.get(name).and_then(|(_, question)| question.upgrade()) {
                Some(question) => question,
                None => {
                    let question = ask(name_servers, name.to_owned(), is_absolute).boxed().shared();
                    if let Some(asked) = question.downgrade() {
                        questions.insert(name.to_owned(), (Instant::now(), asked));
                    }
                    question
                }
            }
        };
        answer.await
    }

    /// What /etc/hosts has for a name, in both families. A name that is in it in one of them is not asked for in the
    /// other, as the C library does it: hickory's own use of the file would ask the name servers for the missing one.
    fn in_hosts(&self, name: &str) -> Vec<IpAddr> {
        let Ok(name) = Name::from_str_relaxed(name) else { return Vec::new() };
        [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(|family| self.hosts.lookup_static_host(&Query::query(name.clone(), family)))
            .flat_map(|found| found.answers().iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>())
            .collect()
    }
}

fn name_servers(instead: &[SocketAddr], settings: &str) -> Result<TokioResolver, NameError> {
    let (config, mut options) = if instead.is_empty() {
        parse_resolv_conf(settings).map_err(NameError::Settings)?
    } else {
        let servers = instead.iter().map(|address| {
            let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp].map(|protocol| {
                let mut connection = ConnectionConfig::new(protocol);
                connection.port = address.port();
                connection
            });
            NameServerConfig::new(address.ip(), true, connections.into())
        });
        (ResolverConfig::from_parts(None, Vec::new(), servers.collect()), ResolverOpts::default())
    };
    options.use_hosts_file = ResolveHosts::Never;
    // Lookups end long before the five seconds that are usual. So all servers are asked at once, since some may be dead; and
    // again after a second, since a question may be lost.
    options.num_concurrent_reqs = config.name_servers().len();
    options.timeout = options.timeout.min(MAX_TRY);
    options.attempts = options.attempts.max(MIN_TRIES);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    builder.build().map_err(NameError::Settings)
}

/// Both families are asked for at once. The one that has addresses first waits a little for the other.
async fn ask(name_servers: TokioResolver, name: String, is_absolute: bool) -> Result<Vec<IpAddr>, NameError> {
    let mut name = Name::from_str_relaxed(&name).map_err(|_| NameError::DoesNotExist)?;
    name.set_fqdn(is_absolute || name.is_fqdn());
    let six = pin!(ask_for(&name_servers, &name, RecordType::AAAA));
    let four = pin!(ask_for(&name_servers, &name, RecordType::A));
    let (first, other) = match select(six, four).await {
        Either::Left((first, other)) => (first, other),
        Either::Right((first, other)) => (first, other),
    };
    match first {
        Ok(mut addresses) => {
            if let Ok(Ok(more)) = tokio::time::timeout(RESOLUTION_DELAY, other).await {
                addresses.extend(more);
            }
            Ok(addresses)
        }
        // That there is none in one family says little; that a question failed says more.
        Err(NameError::DoesNotExist) => other.await,
        Err(failure) => other.await.map_err(|_| failure),
    }
}

async fn ask_for(name_servers: &TokioResolver, name: &Name, family: RecordType) -> Result<Vec<IpAddr>, NameError> {
    let found = name_servers.lookup(name.clone(), family).await.map_err(NameError::from)?;
    let addresses: Vec<IpAddr> = found.answers().iter().filter_map(|record| record.data.ip_addr()).collect();
    if addresses.is_empty() { Err(NameError::DoesNotExist) } else { Ok(addresses) }
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

/// `None` for a file that is not there.
fn version(file: &Path) -> Option<Version> {
    let metadata = fs::metadata(file).ok()?;
    // Of the same size and in the same moment of the clock, a file may still be another one.
    #[cfg(unix)]
    let identity = {
        use std::os::unix::fs::MetadataExt;
        (i128::from(metadata.ino()) << 64) ^ (i128::from(metadata.ctime()) << 30) ^ i128::from(metadata.ctime_nsec())
    };
    #[cfg(not(unix))]
    let identity = 0;
    Some((metadata.modified().ok()?, metadata.len(), identity))
}

#[cfg(test)]
mod tests;
