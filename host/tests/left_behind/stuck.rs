//! Ways to get stuck: a registry behind whose endpoint something is wrong, beside a healthy one.

use std::sync::Arc;
use std::time::Duration;

use keyward::{Config, Resolver, Step};
use keyward_testbed::{ACCESS_KEY_ID, Authority, FakeAws, Fault, FaultServer, NameServer, SECRET_ACCESS_KEY};

/// A registry whose endpoint works.
pub(crate) const HEALTHY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const HEALTHY_API: &str = "api.ecr.us-east-1.amazonaws.com";

/// Regions whose endpoints do not work, one for each way to get stuck.
const REGIONS: [&str; 11] = [
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "eu-south-1",
    "eu-central-1",
    "ap-south-1",
    "ap-east-1",
    "sa-east-1",
    "ca-central-1",
    "me-south-1",
];

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The name server answers no question.
    DeadNames,
    /// The endpoint has a fault.
    Fault(Fault),
    /// The proxy takes connections and answers nothing.
    SilentProxy,
}

impl Trouble {
    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Fault::ALL.into_iter().map(Self::Fault).chain([Self::DeadNames, Self::SilentProxy])
    }

    /// Those in which a lookup without a deadline would wait for ever.
    pub(crate) fn hangs(self) -> bool {
        match self {
            Self::DeadNames | Self::SilentProxy => true,
            Self::Fault(fault) => fault.hangs(),
        }
    }

    /// What a lookup waits for in it.
    pub(crate) fn step(self) -> Step {
        match self {
            Self::DeadNames => Step::Resolution,
            Self::SilentProxy => Step::Proxy,
            Self::Fault(Fault::FullBacklog) => Step::Connection,
            Self::Fault(Fault::TlsSilence) => Step::Handshake,
            Self::Fault(Fault::HeadersThenSilence | Fault::BodyDrip) => Step::Body,
            Self::Fault(_) => Step::Answer,
        }
    }
}

/// A resolver, what is wrong with one of its registries, and a healthy one.
pub(crate) struct Bed {
    pub(crate) resolver: Resolver,
    pub(crate) healthy: FakeAws,
    /// The servers in trouble, and the registries behind them.
    pub(crate) troubles: Vec<(Trouble, String, Server)>,
}

/// What takes the connections or questions of stuck lookups.
pub(crate) enum Server {
    Faulty(FaultServer),
    Names(NameServer),
}

impl Bed {
    /// One registry for each trouble, all of one resolver. With a proxy, every registry but the healthy one is behind it.
    pub(crate) async fn new(troubles: impl IntoIterator<Item = Trouble>) -> Self {
        let authority = Arc::new(Authority::new());
        let healthy = FakeAws::start_with(authority.clone());
        let mut config = Config::new()
            .without_cache()
            .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .with_variable("SSL_CERT_FILE", authority.ca_file().to_str().unwrap())
            .with_variable("NO_PROXY", HEALTHY_API)
            .with_max_live_lookups_of_one_registry(1_000)
            .with_connect_to(HEALTHY_API, healthy.address());
        let mut beds = Vec::new();
        for (trouble, region) in troubles.into_iter().zip(REGIONS) {
            let server = match trouble {
                Trouble::DeadNames => Server::Names(NameServer::silent()),
                Trouble::Fault(fault) => Server::Faulty(FaultServer::start_with(authority.clone(), fault)),
                Trouble::SilentProxy => Server::Faulty(FaultServer::start_with(authority.clone(), Fault::TlsSilence)),
            };
            let api = format!("api.ecr.{region}.amazonaws.com");
            config = match &server {
                Server::Names(names) => config.with_name_servers([names.address()]),
                Server::Faulty(server) if trouble == Trouble::SilentProxy => {
                    config.with_variable("HTTPS_PROXY", &format!("http://{}", server.address()))
                }
                Server::Faulty(server) => {
                    server.set_drip_interval(Duration::from_millis(20));
                    config.with_connect_to(&api, server.address())
                }
            };
            beds.push((trouble, format!("123456789012.dkr.ecr.{region}.amazonaws.com"), server));
        }
        let resolver = Resolver::new(&config).unwrap();
        // What is made once (certificates, an idle connection and the task that closes it) is made before anything is
        // counted.
        resolver.resolve(HEALTHY).await.unwrap();
        Self { resolver, healthy, troubles: beds }
    }
}

impl Server {
    /// How many lookups it has of those that are stuck in it; `None` where it cannot know.
    pub(crate) fn stuck(&self, trouble: Trouble) -> Option<usize> {
        match (self, trouble) {
            // Lookups share a question.
            (Self::Names(_), _) | (_, Trouble::Fault(Fault::FullBacklog)) => None,
            (Self::Faulty(server), Trouble::SilentProxy | Trouble::Fault(Fault::TlsSilence)) => {
                Some(server.connections_open())
            }
            (Self::Faulty(server), _) => Some(server.requests()),
        }
    }

    /// Waits until it sees that every connection is closed.
    pub(crate) async fn sees_all_closed(&self) {
        if let Self::Faulty(server) = self {
            server
                .wait_until_async("the server sees every connection closed", |server| server.connections_open() == 0)
                .await;
        }
    }
}
