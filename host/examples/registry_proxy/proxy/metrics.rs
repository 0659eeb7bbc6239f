//! What is counted, for Prometheus.
//!
//! Labels have few values: upstreams that are configured, outcomes that are known, and classes of statuses. Nothing that a client writes
//! is one.

use http::StatusCode;
use keyward::{CacheState, Live, LookupEvent};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// The content type of what is written.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The statuses that are counted of requests whose client did not wait for one.
const HUNG_UP: &str = "hung_up";

/// All metrics.
pub(super) struct Metrics {
    bytes: Family<OfUpstream, Counter>,
    connections: Gauge,
    live_lookups: Gauge,
    waiting_requests: Family<OfUpstream, Gauge>,
    lookups: Lookups,
    registry: Registry,
    renewals: Family<OfUpstream, Counter>,
    requests: Family<OfRequest, Counter>,
}

/// What an observer of lookups counts. Clones count together.
#[derive(Clone)]
struct Lookups {
    fuel: Histogram,
    memory: Histogram,
    number: Family<OfLookup, Counter>,
    requests: Counter,
    seconds: Family<OfTime, Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLookup {
    registry: String,
    outcome: &'static str,
    cache: &'static str,
    refresh: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTime {
    cache: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    upstream: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfUpstream {
    upstream: String,
}

/// A request that has no answer yet.
pub(super) struct Asked {
    waiting: Gauge,
    requests: Family<OfRequest, Counter>,
    upstream: String,
    status: &'static str,
}

/// A connection that is open.
pub(super) struct Connected(Gauge);

/// Counts what a client is sent.
pub(super) struct SentBytes(Counter);

impl Default for Metrics {
    fn default() -> Self {
        // From what a remembered credential takes to the longest deadline.
        let seconds: fn() -> Histogram = || Histogram::new(exponential_buckets(0.000_01, 4.0, 11));
        let lookups = Lookups {
            fuel: Histogram::new(exponential_buckets(100_000.0, 2.0, 12)),
            memory: Histogram::new(exponential_buckets(1024.0 * 1024.0, 2.0, 5)),
            number: Family::default(),
            requests: Counter::default(),
            seconds: Family::new_with_constructor(seconds),
        };
        let metrics = Self {
            bytes: Family::default(),
            connections: Gauge::default(),
            live_lookups: Gauge::default(),
            waiting_requests: Family::default(),
            lookups,
            registry: Registry::default(),
            renewals: Family::default(),
            requests: Family::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let (registry, lookups) = (&mut self.registry, &self.lookups);
        let keyward = registry.sub_registry_with_prefix("keyward");
        keyward.register("lookups", "Lookups that are over, those answered from memory too", lookups.number.clone());
        keyward.register("lookup_seconds", "The time that lookups took", lookups.seconds.clone());
        keyward.register("lookup_fuel", "Units of fuel, of lookups with a sandbox", lookups.fuel.clone());
        keyward.register("lookup_memory_bytes", "The most memory of a sandbox", lookups.memory.clone());
        keyward.register("lookup_requests", "Requests to AWS", lookups.requests.clone());
        keyward.register("lookups_live", "Lookups that are under way", self.live_lookups.clone());
        let proxy = registry.sub_registry_with_prefix("registry_proxy");
        proxy.register("requests", "Requests by the class of their answer's status", self.requests.clone());
        proxy.register("requests_waiting", "Requests that have no answer yet", self.waiting_requests.clone());
        proxy.register("sent_bytes", "Bytes of upstreams' answers", self.bytes.clone());
        proxy.register("renewals", "Tokens that an upstream has refused before their time", self.renewals.clone());
        proxy.register("connections", "Clients that are connected", self.connections.clone());
        self
    }

    /// All of it as text.
    pub(super) fn encode(&self, live: Live) -> String {
        self.live_lookups.set(i64::try_from(live.lookups).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("text can be written to a string");
        text
    }

    /// Counts lookups.
    pub(super) fn observer(&self) -> impl Fn(&LookupEvent) + Send + Sync + 'static {
        let lookups = self.lookups.clone();
        move |event| lookups.count(event)
    }

    pub(super) fn connected(&self) -> Connected {
        self.connections.inc();
        Connected(self.connections.clone())
    }

    pub(super) fn asked(&self, upstream: &str) -> Asked {
        let upstream = upstream.to_owned();
        let waiting = self.waiting_requests.get_or_create_owned(&OfUpstream { upstream: upstream.clone() });
        waiting.inc();
        Asked { waiting, requests: self.requests.clone(), upstream, status: HUNG_UP }
    }

    /// Counts a request that is for no upstream.
    pub(super) fn refused(&self, status: StatusCode) {
        self.asked("").answered(status);
    }

    pub(super) fn renewed(&self, upstream: &str) {
        self.renewals.get_or_create(&OfUpstream { upstream: upstream.to_owned() }).inc();
    }

    pub(super) fn sent_bytes(&self, upstream: &str) -> SentBytes {
        SentBytes(self.bytes.get_or_create_owned(&OfUpstream { upstream: upstream.to_owned() }))
    }
}

impl Lookups {
    fn count(&self, event: &LookupEvent) {
        let LookupEvent { registry, outcome, usage, cache, is_refresh, .. } = event;
        self.number
            .get_or_create(&OfLookup {
                registry: registry.clone().unwrap_or_default(),
                outcome: outcome.as_str(),
                cache: cache.as_str(),
                refresh: if *is_refresh { "true" } else { "false" },
            })
            .inc();
        self.seconds.get_or_create(&OfTime { cache: cache.as_str() }).observe(usage.wall.as_secs_f64());
        self.requests.inc_by(usage.requests.into());
        // Of several who have waited for one sandbox, one has its usage.
        if usage.fuel > 0 && *cache != CacheState::Hit {
            self.fuel.observe(usage.fuel as f64);
            self.memory.observe(usage.peak_memory as f64);
        }
    }
}

impl Asked {
    pub(super) fn answered(mut self, status: StatusCode) {
        self.status = match status.as_u16() {
            ..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500.. => "5xx",
        };
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.waiting.dec();
        let upstream = std::mem::take(&mut self.upstream);
        self.requests.get_or_create(&OfRequest { upstream, status: self.status }).inc();
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl SentBytes {
    pub(super) fn add(&self, bytes: usize) {
        self.0.inc_by(bytes as u64);
    }
}
