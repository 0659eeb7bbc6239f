//! What is remembered of lookups, and who shares them.

mod capacity;
mod ended;
mod joined;
mod negative;
mod played;
mod remembered;
mod stale;

use std::time::Duration;

use keyward::{Budget, CacheState, CancelToken, Lookup, Request, Resolver, Usage};

/// A lookup with the default budget.
pub(crate) async fn look_up(resolver: &Resolver, request: impl Into<Request>) -> Lookup {
    resolver.look_up(request, &Budget::default(), &CancelToken::new()).await
}

/// The password that was found, and where it comes from.
pub(crate) async fn found(resolver: &Resolver, request: impl Into<Request>) -> (String, CacheState) {
    let lookup = look_up(resolver, request).await;
    let credential = lookup.result.unwrap_or_else(|error| panic!("{:?}: {error:?}", lookup.cache));
    (credential.secret.expose().to_owned(), lookup.cache)
}

/// Time passes by the clock that nobody sets, and at once; the one on the wall stands still meanwhile.
pub(crate) async fn time_passes(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Whether an answer was there already: nothing was sent, and no component was run.
fn nothing_was_used(lookup: &Lookup) -> bool {
    let Usage { fuel, peak_memory, requests, bytes_received, .. } = lookup.usage;
    (fuel, peak_memory, requests, bytes_received) == (0, 0, 0, 0)
}
