//! Lookups that many wait for, and one that nobody waits for, which replaces a stale credential: with those who wait, and with the
//! resolver, they are gone.

use std::time::Duration;

use keyward::{Budget, CacheState, CancelToken, Config, Error, Resolver};
use keyward_testbed::{ACCESS_KEY_ID, Answer, FakeAws, SECRET_ACCESS_KEY};
use tokio::task::JoinSet;

use crate::held::{Held, until};
use crate::matrix::End;
use crate::stuck::HEALTHY;

/// How many wait for one lookup.
const WAITERS: usize = 100;

const STUCK: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// On a runtime of one thread, whose clock can be set.
pub(crate) async fn run() {
    let fake = FakeAws::start();
    // What is made once in a process is made in a first round.
    for end in [End::Drop, End::Cancel, End::Deadline, End::Drop] {
        round(&fake, end).await;
    }
    println!("{WAITERS} who wait for one lookup × cancel, deadline, drop, beside a stuck refresh: nothing is left");
}

async fn round(fake: &FakeAws, end: End) {
    fake.answer_always(Answer::Token);
    let before = Held::at_rest().await;
    let config = Config::new()
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .with_variable("SSL_CERT_FILE", fake.authority().ca_file().to_str().unwrap())
        .with_budget(Budget::default().with_deadline(Duration::MAX))
        .with_connect_to("api.ecr.us-east-1.amazonaws.com", fake.address())
        .with_connect_to("api.ecr.eu-west-1.amazonaws.com", fake.address());
    let resolver = Resolver::new(&config).unwrap();
    resolver.resolve(HEALTHY).await.unwrap();
    let requests = fake.requests().len();
    fake.answer_always(Answer::Silence);

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(7 * 3600)).await;
    tokio::time::resume();
    let stale = resolver.look_up(HEALTHY, resolver.budget(), &CancelToken::new()).await;
    assert!(stale.result.is_ok() && stale.cache == CacheState::Stale, "{stale:?}");
    until("the refresh is stuck", || fake.requests().len() == requests + 1).await;

    let cancel = CancelToken::new();
    let mut waiters = JoinSet::new();
    for _ in 0..WAITERS {
        let (resolver, cancel) = (resolver.clone(), cancel.clone());
        let deadline = if end == End::Deadline { Duration::from_millis(500) } else { Duration::MAX };
        let budget = Budget::default().with_deadline(deadline);
        waiters.spawn(async move { resolver.look_up(STUCK, &budget, &cancel).await });
    }
    until("the lookup is stuck", || fake.requests().len() == requests + 2).await;
    assert_eq!(resolver.live().lookups, 2);
    match end {
        End::Cancel => cancel.cancel(),
        End::Drop => waiters.abort_all(),
        End::Deadline => {}
    }
    while let Some(waiter) = waiters.join_next().await {
        let is_right = match &waiter {
            Ok(lookup) => matches!(
                (&lookup.result, end),
                (Err(Error::Cancelled { .. }), End::Cancel) | (Err(Error::Timeout { .. }), End::Deadline)
            ),
            Err(aborted) => end == End::Drop && aborted.is_cancelled(),
        };
        assert!(is_right, "{end:?}: {waiter:?}");
    }
    until("the refresh alone is left", || resolver.live().lookups == 1 && fake.connections_open() == 1).await;
    drop(resolver);
    until("the server sees every connection closed", || fake.connections_open() == 0).await;
    before.is_reached_again(&format!("a stuck refresh, {end:?}")).await;
}
