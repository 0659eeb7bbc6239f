//! One lookup that several wait for. Nobody but those who wait for it runs it, so it is gone with the last of them.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::budget::{Budget, CancelToken, Deadline, Usage};
use crate::cache::{Cache, Key, Takeoff, Way};
use crate::capability::meter::Meter;
use crate::credential::Credential;
use crate::error::{Error, Waiting};
use crate::event::CacheState;
use crate::lock::lock;

/// How a lookup ended.
#[derive(Clone, Debug)]
pub(crate) struct Landing {
    pub(crate) result: Result<Credential, Error>,
    pub(crate) usage: Usage,
}

type Lookup = Shared<BoxFuture<'static, Landing>>;

/// A key, and the way in which its lookup is run.
type Route = (Way, Key);

/// One of those who wait for a lookup. Who is dropped waits no more, and the lookup is dropped with the last one.
pub(crate) struct Seat {
    cache: Arc<Cache>,
    flight: Arc<Flight>,
    has_left: bool,
    is_starter: bool,
    lookup: Lookup,
}

/// A lookup that is under way, as those know it who wait for it.
pub(super) struct Flight {
    /// That of its starter, who may have left.
    budget: Budget,
    /// Cancelled by the last one who leaves.
    cancel: CancelToken,
    is_paid: AtomicBool,
    meter: Arc<Meter>,
    route: Route,
    starter_has_left: AtomicBool,
}

/// The lookups that are under way.
#[derive(Default)]
pub(super) struct Flights(HashMap<Route, Place>);

struct Place {
    flight: Arc<Flight>,
    lookup: WeakShared<BoxFuture<'static, Landing>>,
    seats: usize,
}

/// Who is left where one leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Nobody waits any more. Nobody can join either.
    Nobody,
    /// The lookup is over.
    Over,
    Others,
}

/// Why somebody leaves before the lookup is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    Cancelled,
    TimedOut,
}

impl Seat {
    pub(super) fn begun(cache: Arc<Cache>, flight: Arc<Flight>, lookup: Lookup) -> Self {
        Self { cache, flight, has_left: false, is_starter: true, lookup }
    }

    pub(super) fn joined(cache: Arc<Cache>, flight: Arc<Flight>, lookup: Lookup) -> Self {
        Self { cache, flight, has_left: false, is_starter: false, lookup }
    }

    /// What the lookup does outside of its sandbox.
    pub(crate) fn meter(&self) -> &Arc<Meter> {
        &self.flight.meter
    }

    pub(crate) fn state(&self) -> CacheState {
        if self.is_starter { CacheState::Miss } else { CacheState::Joined }
    }

    /// Waits until the lookup is over, or the deadline of the one who waits has passed, or its token is cancelled. A lookup's usage is
    /// that of its starter, or of somebody else where that one has left.
    ///
    /// What it has used, where the lookup ended through what its starter could have of it, which is not what this one can: it has to ask
    /// again.
    pub(crate) async fn wait(
        mut self,
        budget: &Budget,
        deadline: Deadline,
        cancel: &CancelToken,
    ) -> Result<Landing, Usage> {
        let leaving = tokio::select! {
            // In this order: who cancelled wants nothing any more, and who waits takes a credential that is just in time.
            biased;
            () = cancel.cancelled() => Leaving::Cancelled,
            outcome = &mut self.lookup => return self.ended(outcome, budget, deadline),
            () = deadline.passed() => Leaving::TimedOut,
        };
        let left = self.leave();
        if left == Left::Others {
            let result = Err(leaving.error(budget, self.flight.meter.waiting_for()));
            return Ok(Landing { result, usage: Usage::default() });
        }
        if left == Left::Nobody {
            self.flight.cancel.cancel();
        }
        // It ends at once, and says what it was waiting for and what it has used.
        let outcome = (&mut self.lookup).await;
        let usage = self.usage(&outcome);
        let result = match (outcome.result, leaving) {
            (Err(Error::Cancelled { waiting_for } | Error::Timeout { waiting_for, .. }), _) => {
                Err(leaving.error(budget, waiting_for))
            }
            (_, Leaving::Cancelled) => Err(leaving.error(budget, None)),
            (result, Leaving::TimedOut) => result,
        };
        Ok(Landing { result, usage })
    }

    fn ended(&self, outcome: Landing, budget: &Budget, deadline: Deadline) -> Result<Landing, Usage> {
        let usage = self.usage(&outcome);
        let result = match outcome.result {
            Err(Error::Timeout { waiting_for, .. }) if self.is_starter || deadline.has_passed() => {
                Err(Leaving::TimedOut.error(budget, waiting_for))
            }
            Err(Error::Cancelled { .. } | Error::Timeout { .. }) => return Err(usage),
            // An answer that is larger than it may be is one that makes no sense.
            Err(Error::Invalid(_) | Error::OutOfFuel { .. } | Error::OutOfMemory { .. } | Error::OverLimit { .. })
                if !budget.has_limits_of(&self.flight.budget) =>
            {
                return Err(usage);
            }
            result => result,
        };
        Ok(Landing { result, usage })
    }

    /// What of the lookup's usage is this one's: all or nothing, so that the sum over all who waited is right.
    fn usage(&self, outcome: &Landing) -> Usage {
        let Flight { is_paid, starter_has_left, .. } = &*self.flight;
        let pays = self.is_starter || starter_has_left.load(Ordering::Acquire);
        if pays && !is_paid.swap(true, Ordering::AcqRel) { outcome.usage } else { Usage::default() }
    }

    fn leave(&mut self) -> Left {
        self.has_left = true;
        if self.is_starter {
            self.flight.starter_has_left.store(true, Ordering::Release);
        }
        lock(&self.cache.state).flights.leave(&self.flight)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.has_left {
            return;
        }
        // Before the lookup is dropped, so that nobody finds one that is not there any more. What it has used is the last one's.
        if self.leave() == Left::Nobody && !self.flight.is_paid.swap(true, Ordering::AcqRel) {
            self.flight.meter.belongs_to_one();
        }
    }
}

impl Flight {
    pub(super) fn new(route: Route, budget: Budget) -> Self {
        Self {
            budget,
            cancel: CancelToken::new(),
            is_paid: AtomicBool::new(false),
            meter: Arc::default(),
            route,
            starter_has_left: AtomicBool::new(false),
        }
    }

    pub(super) fn takeoff(&self) -> Takeoff {
        Takeoff { budget: self.budget.clone(), cancel: self.cancel.clone(), meter: self.meter.clone() }
    }

    /// Whether somebody who was asked may have had an answer that did not come.
    pub(super) fn has_lost_an_answer(&self) -> bool {
        self.meter.has_lost_an_answer()
    }

    pub(super) fn key(&self) -> &Key {
        &self.route.1
    }
}

impl Flights {
    /// Takes a seat in the lookup that is under way on a route.
    pub(super) fn join(&mut self, route: &Route) -> Option<(Arc<Flight>, Lookup)> {
        let place = self.0.get_mut(route)?;
        let lookup = place.lookup.upgrade()?;
        place.seats += 1;
        Some((place.flight.clone(), lookup))
    }

    /// Adds a lookup, with the seat of its starter.
    pub(super) fn add(&mut self, flight: &Arc<Flight>, lookup: &Lookup) {
        // There is always one of a lookup that nobody has waited for.
        if let Some(lookup) = lookup.downgrade() {
            self.0.insert(flight.route.clone(), Place { flight: flight.clone(), lookup, seats: 1 });
        }
    }

    /// Nobody can join a lookup any more.
    pub(super) fn remove(&mut self, flight: &Arc<Flight>) {
        if self.place(flight).is_some() {
            self.0.remove(&flight.route);
        }
    }

    fn leave(&mut self, flight: &Arc<Flight>) -> Left {
        let Some(place) = self.place(flight) else { return Left::Over };
        place.seats -= 1;
        if place.seats > 0 {
            return Left::Others;
        }
        self.0.remove(&flight.route);
        Left::Nobody
    }

    /// By now another lookup may have its place.
    fn place(&mut self, flight: &Arc<Flight>) -> Option<&mut Place> {
        self.0.get_mut(&flight.route).filter(|place| Arc::ptr_eq(&place.flight, flight))
    }
}

impl Leaving {
    fn error(self, budget: &Budget, waiting_for: Option<Waiting>) -> Error {
        match self {
            Self::Cancelled => Error::Cancelled { waiting_for },
            Self::TimedOut => Error::Timeout { deadline: budget.deadline, waiting_for },
        }
    }
}

/// A lookup that panics fails, and those who wait for it go on.
pub(super) async fn unharmed(lookup: BoxFuture<'static, Landing>) -> Landing {
    AssertUnwindSafe(lookup).catch_unwind().await.unwrap_or_else(|_panic| Landing {
        result: Err(Error::Internal("a lookup panicked".to_owned())),
        usage: Usage::default(),
    })
}
