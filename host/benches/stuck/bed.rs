//! A resolver with a healthy registry and others that are stuck.

use std::time::{Duration, Instant};

use keyward::{Budget, CancelToken, Config, Live, Lookup, Resolver};
use keyward_testbed::stuck::Servers;
use keyward_testbed::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use tokio::task::JoinSet;

/// A registry whose endpoint works.
pub(crate) const HEALTHY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const HEALTHY_API: &str = "api.ecr.us-east-1.amazonaws.com";

/// Regions whose endpoints do not work, one for each fault.
const REGIONS: [&str; 5] = ["eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-south-1"];

/// How many lookups are begun at once by who begins many: fewer than wait in the queue of a listening socket.
const BATCH: usize = 500;

/// The resolver of this process, and the servers of another one.
pub(crate) struct Bed {
    pub(crate) resolver: Resolver,
    servers: Servers,
    /// The registries that are stuck, one for each fault.
    pub(crate) stuck: Vec<String>,
}

impl Bed {
    /// What is made once is made already: certificates, a connection to the healthy registry.
    pub(crate) async fn new(faults: &[&str], max_live_lookups: usize) -> Self {
        let names: Vec<&str> = ["fake-aws"].into_iter().chain(faults.iter().copied()).collect();
        let servers = Servers::start(&names);
        let mut config = Config::new()
            .without_cache()
            .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .with_variable("SSL_CERT_FILE", servers.ca_file.to_str().expect("a path of this program's own"))
            .with_max_live_lookups(max_live_lookups)
            .with_max_live_lookups_of_one_registry(max_live_lookups)
            .with_connect_to(HEALTHY_API, servers.addresses[0]);
        let mut stuck = Vec::new();
        for ((fault, region), &address) in faults.iter().zip(REGIONS).zip(&servers.addresses[1..]) {
            config = match *fault {
                "dead-names" => config.with_name_servers([address]),
                _ => config.with_connect_to(&format!("api.ecr.{region}.amazonaws.com"), address),
            };
            stuck.push(format!("123456789012.dkr.ecr.{region}.amazonaws.com"));
        }
        assert_eq!(stuck.len(), faults.len(), "too few regions");
        let resolver = Resolver::new(&config).expect("the component that is built in");
        resolver.resolve(HEALTHY).await.expect("the fake answers");
        let warm_up = Budget::default().with_deadline(Duration::from_millis(100));
        for registry in &stuck {
            let lookup = resolver.look_up(registry, &warm_up, &CancelToken::new()).await;
            lookup.result.expect_err("nobody gets out of a fault");
        }
        Self { resolver, servers, stuck }
    }

    /// One lookup of the first registry that is stuck, and when it was over for who had waited for it.
    pub(crate) fn look_up(
        &self,
        budget: &Budget,
        cancel: &CancelToken,
    ) -> impl Future<Output = (Lookup, Instant)> + Send + use<> {
        let (resolver, registry) = (self.resolver.clone(), self.stuck[0].clone());
        let (budget, cancel) = (budget.clone(), cancel.clone());
        async move { (resolver.look_up(&registry, &budget, &cancel).await, Instant::now()) }
    }

    /// So many lookups that are stuck, all of them, until they are cancelled.
    pub(crate) async fn get_stuck(&mut self, count: usize, cancel: &CancelToken) -> JoinSet<(Lookup, Instant)> {
        let budget = Budget::default().with_deadline(Duration::MAX);
        let seen = self.servers.seen(1);
        let mut lookups = JoinSet::new();
        while lookups.len() < count {
            for _ in 0..BATCH.min(count - lookups.len()) {
                lookups.spawn(self.look_up(&budget, cancel));
            }
            if let Some(seen) = seen {
                self.servers.have_seen(1, seen + lookups.len()).await;
            }
            self.are_live(lookups.len()).await;
        }
        if seen.is_none() {
            // Begun is not yet stuck.
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        lookups
    }

    /// Waits until so many lookups are under way.
    pub(crate) async fn are_live(&self, count: usize) {
        for _ in 0..10_000 {
            if self.resolver.live().lookups == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("{} lookups are under way instead of {count}", self.resolver.live().lookups);
    }

    /// Whether nothing of any lookup is left.
    pub(crate) fn is_empty(&self) -> bool {
        let Live { lookups, pool, .. } = self.resolver.live();
        let in_pool = pool.map_or(0, |pool| pool.instances as usize + pool.memories + pool.stacks + pool.tables);
        lookups + in_pool == 0
    }
}
