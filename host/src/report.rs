//! One lookup, told to those who watch: a span of `tracing` while it is under way, and an event when it is over.

use std::time::Instant;

use tracing::Span;
use tracing::field::Empty;

use crate::budget::Usage;
use crate::event::{CacheState, LookupEvent, Observer, Outcome};
use crate::trace::Trace;

/// A lookup that is under way. Dropped before it is over, it was cancelled by its caller, who dropped it.
pub(crate) struct Report {
    begin: Instant,
    is_over: bool,
    is_refresh: bool,
    observer: Option<Observer>,
    registry: Option<String>,
    span: Span,
    trace: Trace,
}

impl Report {
    /// Of the lookup that `trace` watches. Neither the address as it was typed, which may have a password in it, nor anything else of
    /// its request is told.
    pub(crate) fn begin(
        observer: Option<&Observer>,
        registry: Option<String>,
        trace: &Trace,
        is_refresh: bool,
    ) -> Self {
        let span = span(registry.as_deref(), is_refresh);
        Self {
            begin: Instant::now(),
            is_over: false,
            is_refresh,
            observer: observer.cloned(),
            registry,
            span,
            trace: trace.clone(),
        }
    }

    /// The span that the lookup runs in.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(crate) fn over(mut self, outcome: Outcome, usage: Usage, cache: CacheState) {
        self.is_over = true;
        self.tell(outcome, usage, cache);
    }

    fn tell(&mut self, outcome: Outcome, usage: Usage, cache: CacheState) {
        if !self.span.is_disabled() {
            self.span.record("outcome", outcome.as_str());
            self.span.record("cache", cache.as_str());
            self.span.record("wall_ms", usage.wall.as_secs_f64() * 1e3);
            self.span.record("fuel", usage.fuel);
            self.span.record("peak_memory", usage.peak_memory);
            self.span.record("requests", usage.requests);
            self.span.in_scope(|| tracing::info!("the lookup is over"));
        }
        if let Some(observer) = &self.observer {
            // Of another component than the one that is built in, only its answer tells whether the registry is anybody's.
            let is_known = outcome != Outcome::NotOurRegistry;
            let (registry, is_refresh) = (self.registry.take().filter(|_| is_known), self.is_refresh);
            observer.tell(&LookupEvent { registry, outcome, usage, cache, is_refresh });
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        // A panic is no end that anybody could count, and an observer that panics too would end the process.
        if !self.is_over && !std::thread::panicking() {
            let (used, state) = self.trace.so_far();
            self.tell(Outcome::Cancelled, Usage { wall: self.begin.elapsed(), ..used }, state);
        }
    }
}

/// The span of a lookup. That of a refresh has no parent: it outlives the lookup that has begun it, and is no part of what that one
/// tells.
fn span(registry: Option<&str>, is_refresh: bool) -> Span {
    macro_rules! lookup {
        ($($parent:tt)*) => {
            tracing::info_span!(
                $($parent)*
                "lookup",
                registry,
                is_refresh,
                outcome = Empty,
                cache = Empty,
                wall_ms = Empty,
                fuel = Empty,
                peak_memory = Empty,
                requests = Empty,
            )
        };
    }
    if is_refresh { lookup!(parent: None,) } else { lookup!() }
}
