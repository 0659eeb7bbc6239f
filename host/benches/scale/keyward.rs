//! Keyward, as a program uses it that has many callers: one resolver for all of them. Its cache is off, or nothing would be looked up.

use std::time::Duration;

use keyward::{Budget, CancelToken, Config, Resolver};
use keyward_testbed::stuck::Servers;
use keyward_testbed::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

use crate::round::Caller;

pub(crate) const REGISTRY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
pub(crate) const API: &str = "api.ecr.us-east-1.amazonaws.com";

/// Ten thousand handshakes take their time.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Keyward {
    resolver: Resolver,
    budget: Budget,
    cancel: CancelToken,
}

impl Keyward {
    /// So many callers of one resolver.
    pub(crate) fn callers(servers: &Servers, count: usize) -> Vec<Self> {
        // The pool is as large as it is by default, wherever that is enough. On a runtime of several threads a caller may be back before
        // the last of its lookup is counted as gone.
        let limit = (count + 100).max(1_000);
        let config = config(servers).with_max_live_lookups(limit).with_max_live_lookups_of_one_registry(limit);
        let resolver = Resolver::new(&config).expect("the component that is built in");
        let caller = || Self {
            resolver: resolver.clone(),
            budget: Budget::default().with_deadline(DEADLINE),
            cancel: CancelToken::new(),
        };
        (0..count).map(|_| caller()).collect()
    }
}

impl Caller for Keyward {
    async fn look_up(&mut self) {
        self.resolver.look_up(REGISTRY, &self.budget, &self.cancel).await.result.expect("the fake answers");
    }
}

/// For lookups at the first of these servers.
pub(crate) fn config(servers: &Servers) -> Config {
    Config::new()
        .without_cache()
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .with_variable("SSL_CERT_FILE", servers.ca_file.to_str().expect("a path of this program's own"))
        .with_connect_to(API, servers.addresses[0])
}
