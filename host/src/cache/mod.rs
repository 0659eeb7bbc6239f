//! What earlier lookups have found, and what is being looked up now. A lookup begins only where neither has the answer.
//!
//! One lock is before all of it. Whoever holds it looks into maps and does nothing else: the clock is read before, and what is waited
//! for is waited for afterwards. So no registry waits for another.

mod flight;
mod memory;

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime;
use tokio::time::Instant;

use crate::budget::{Budget, CancelToken};
use crate::cache::flight::{Flight, Flights};
pub(crate) use crate::cache::flight::{Landing, Seat};
pub(crate) use crate::cache::memory::LONGEST_REFRESH;
use crate::cache::memory::{Memory, Recalled, Refreshing};
use crate::capability::meter::Meter;
use crate::config::Config;
use crate::credential::Credential;
use crate::error::Error;
use crate::event::CacheState;
use crate::life;
use crate::lock::lock;
use crate::replay::Replay;
use crate::request::Request;

/// What a resolver remembers, and the lookups that are under way.
pub(crate) struct Cache {
    /// The clock of a world that is played.
    replay: Option<Arc<dyn Replay>>,
    state: Mutex<State>,
}

struct State {
    flights: Flights,
    memory: Memory,
}

/// A question, with its registry in one of the many forms that its address has: all of them are one key. Everything else that decides
/// the answer is in it as it was given; whether the lookup is to be explained decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(Arc<Request>);

/// How a lookup is run. Those who ask the same in another way have one of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    /// Where nobody has told the component to explain its steps, who joins hears of none.
    pub(crate) is_explained: bool,
    /// The one whose I/O it uses: nobody waits on another one's, which moves only while that one does.
    pub(crate) runtime: Option<runtime::Id>,
}

/// What the cache has for a key.
pub(crate) enum Found {
    /// The answer.
    Known(Result<Credential, Error>, CacheState),
    /// The answer for now; and, where it is time for that, a lookup that finds a better one. It has begun when somebody waits for it.
    Stale(Credential, Option<Refresh>),
    /// A seat in the lookup that finds it.
    Unknown(Seat),
}

/// A lookup for a key whose credential is stale. There is one at a time, which is the one whose mark is not dropped.
pub(crate) struct Refresh {
    pub(crate) seat: Seat,
    pub(crate) mark: Refreshing,
}

/// What the lookup of a flight is begun with.
pub(crate) struct Takeoff {
    pub(crate) budget: Budget,
    pub(crate) cancel: CancelToken,
    pub(crate) meter: Arc<Meter>,
}

/// One moment, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// The clock on the wall, in seconds since 1970 (UTC).
    pub(crate) wall: u64,
    /// The clock that nobody sets.
    pub(crate) steady: Instant,
}

impl Cache {
    /// `None` where every lookup is one of its own.
    pub(crate) fn new(config: &Config) -> Option<Arc<Self>> {
        let memory = Memory::new(config.cache_capacity, config.negative_ttl);
        let state = Mutex::new(State { flights: Flights::default(), memory });
        config.is_cached.then(|| Arc::new(Self { replay: config.replay.clone(), state }))
    }

    /// What is known for a key, or else a seat in the lookup under way. Where none is, `begin` makes one, which begins when it is
    /// waited for: with `budget`, or with `refresh_budget` where nobody waits for it but the cache.
    pub(crate) fn find(
        self: &Arc<Self>,
        key: &Key,
        way: Way,
        budget: Budget,
        refresh_budget: &Budget,
        begin: impl FnOnce(Takeoff) -> BoxFuture<'static, Landing>,
    ) -> Found {
        let now = self.now();
        let mut state = lock(&self.state);
        match state.memory.recall(key, now) {
            Some(Recalled::Fresh(credential)) => Found::Known(Ok(credential), CacheState::Hit),
            Some(Recalled::Nothing(error)) => Found::Known(Err(error), CacheState::Negative),
            Some(Recalled::Stale(credential)) => {
                // Without a runtime, there is nobody to look for a new one.
                let mark = way.runtime.and_then(|_| state.memory.begin_refresh(key, now));
                let refresh = mark.map(|mark| {
                    let seat = self.seat(&mut state, key, way, refresh_budget.clone(), now, begin);
                    Refresh { seat, mark }
                });
                Found::Stale(credential, refresh)
            }
            None => Found::Unknown(self.seat(&mut state, key, way, budget, now, begin)),
        }
    }

    /// Forgets what is known of a registry, for all identities. What a lookup under way finds is remembered: nobody has been given
    /// it so far, since what is found is remembered before it is handed out. So it is not what a registry has refused.
    pub(crate) fn forget(&self, registry: &str) {
        lock(&self.state).memory.forget(registry);
    }

    fn seat(
        self: &Arc<Self>,
        state: &mut State,
        key: &Key,
        way: Way,
        budget: Budget,
        now: Moment,
        begin: impl FnOnce(Takeoff) -> BoxFuture<'static, Landing>,
    ) -> Seat {
        let route = (way, key.clone());
        if let Some((flight, lookup)) = state.flights.join(&route) {
            return Seat::joined(self.clone(), flight, lookup);
        }
        let flight = Arc::new(Flight::new(route, budget));
        let lookup = begin(flight.takeoff());
        let (cache, landing) = (self.clone(), flight.clone());
        let lookup = async move {
            let outcome = flight::unharmed(lookup).await;
            cache.land(&landing, now, &outcome);
            outcome
        };
        let lookup = lookup.boxed().shared();
        state.flights.add(&flight, &lookup);
        Seat::begun(self.clone(), flight, lookup)
    }

    /// A lookup is over. Under one lock it ends and is remembered, so that nobody begins another one in between. It knows that there is
    /// no credential only if nobody who may have one has failed to answer: a source that answers late is there.
    fn land(&self, flight: &Arc<Flight>, begin: Moment, outcome: &Landing) {
        let now = self.now();
        let is_known = outcome.result.is_ok() || !flight.has_lost_an_answer();
        let mut state = lock(&self.state);
        state.flights.remove(flight);
        if is_known {
            state.memory.remember(flight.key(), begin, now, &outcome.result);
        }
    }

    fn now(&self) -> Moment {
        let wall = self.replay.as_ref().map_or_else(life::now, |replay| replay.now().as_secs());
        Moment { wall, steady: Instant::now() }
    }
}

impl Key {
    /// The key of a question whose registry has this name among all that it has.
    pub(crate) fn new(request: &Request, registry: String) -> Self {
        Self(Arc::new(Request { registry, explain: false, ..request.clone() }))
    }

    pub(crate) fn registry(&self) -> &str {
        &self.0.registry
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Request {
            registry,
            endpoint,
            explain: _,
            external_id,
            profile,
            region,
            role_arn,
            service_account_token,
            session_name,
        } = &*self.0;
        (registry, endpoint, external_id, profile, region, role_arn, session_name).hash(hasher);
        // The hash stays in the table, whose hasher has a key of its own.
        service_account_token.as_ref().map(|token| token.expose()).hash(hasher);
    }
}
