//! Waiting for what a server does on a thread of its own.

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

/// How long is polled. What is waited for takes milliseconds: the bound only has to turn a test
/// that would hang into one that fails.
const BOUND: Duration = Duration::from_secs(20);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// Blocks until `condition` holds. Panics, with what was awaited and the server's last state, if it
/// does not within the bound.
#[track_caller]
pub(crate) fn until<Server: Debug>(server: &Server, awaited: &str, mut condition: impl FnMut(&Server) -> bool) {
    let started = Instant::now();
    while !condition(server) {
        assert_within_bound(started, server, awaited);
        thread::sleep(PAUSE);
    }
}

/// [`until`] for a test that is a task, on a tokio runtime with its timer enabled.
pub(crate) async fn until_async<Server: Debug>(
    server: &Server,
    awaited: &str,
    mut condition: impl FnMut(&Server) -> bool,
) {
    // The bound is measured with the system's clock, since a test may have paused tokio's.
    let started = Instant::now();
    while !condition(server) {
        assert_within_bound(started, server, awaited);
        tokio::time::sleep(PAUSE).await;
    }
}

#[track_caller]
fn assert_within_bound(started: Instant, server: &impl Debug, awaited: &str) {
    assert!(started.elapsed() < BOUND, "waited {BOUND:?} in vain until {awaited}; last state: {server:#?}");
}
