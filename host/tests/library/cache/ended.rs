//! Whoever leaves a lookup that several wait for harms nobody. The last one ends it, and nothing is left.

use std::time::Duration;

use keyward::{Budget, CacheState, CancelToken, Error, Lookup, Resolver, Step};
use keyward_testbed::{Answer, FakeAws, Gate};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn};

use super::{look_up, time_passes};
use crate::common::{PRIVATE, cached_config};

/// Some who wait for one lookup, each with a token of its own. The first has begun it.
struct Waiters {
    fake: FakeAws,
    resolver: Resolver,
    waiters: Vec<(CancelToken, JoinHandle<Lookup>)>,
}

impl Waiters {
    async fn new(answer: Answer) -> Self {
        let fake = FakeAws::start();
        fake.answer_next(answer);
        let resolver = Resolver::new(&cached_config(&fake)).unwrap();
        let waiters = [(); 3].map(|()| {
            let (resolver, cancel) = (resolver.clone(), CancelToken::new());
            let token = cancel.clone();
            // A deadline beyond the patience of any test.
            let budget = Budget::default().with_deadline(Duration::MAX);
            (cancel, spawn(async move { resolver.look_up(PRIVATE, &budget, &token).await }))
        });
        fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1).await;
        Self { fake, resolver, waiters: waiters.into() }
    }

    async fn nothing_is_left(&self) {
        assert_eq!(self.resolver.live().lookups, 0);
        self.fake.wait_until_async("the server sees the connection closed", |fake| fake.connections_open() == 0).await;
        let tasks = || Handle::current().metrics().num_alive_tasks();
        self.fake.wait_until_async("every task is over", |_| tasks() == 0).await;
    }
}

fn held(gate: &Gate) -> Answer {
    Answer::Held(gate.clone(), Box::new(Answer::Token))
}

#[tokio::test]
async fn who_cancels_harms_nobody_whether_it_has_begun_the_lookup_or_joined_it() {
    for place in 0..3 {
        let gate = Gate::new();
        let mut bed = Waiters::new(held(&gate)).await;
        let (cancel, waiter) = bed.waiters.remove(place);
        cancel.cancel();
        let cancelled = waiter.await.unwrap();
        let Err(Error::Cancelled { waiting_for: Some(waiting) }) = &cancelled.result else { panic!("{cancelled:?}") };
        assert_eq!(waiting.step, Step::Answer);
        assert_eq!(bed.resolver.live().lookups, 1);
        gate.open();
        let mut requests = cancelled.usage.requests;
        for (_, waiter) in bed.waiters {
            let lookup = waiter.await.unwrap();
            assert!(lookup.result.is_ok(), "{lookup:?}");
            requests += lookup.usage.requests;
        }
        assert_eq!(bed.fake.requests().len(), 1);
        assert_eq!(requests, 1, "the lookup counts once, whoever has left");
    }
}

#[tokio::test]
async fn who_is_dropped_harms_nobody_whether_it_has_begun_the_lookup_or_joined_it() {
    for place in 0..3 {
        let gate = Gate::new();
        let mut bed = Waiters::new(held(&gate)).await;
        let (_, waiter) = bed.waiters.remove(place);
        waiter.abort();
        assert!(waiter.await.unwrap_err().is_cancelled());
        gate.open();
        for (_, waiter) in bed.waiters {
            let lookup = waiter.await.unwrap();
            assert!(lookup.result.is_ok(), "{lookup:?}");
        }
        assert_eq!(bed.fake.requests().len(), 1);
    }
}

#[tokio::test]
async fn the_last_one_who_cancels_ends_the_lookup_and_says_what_it_waited_for_and_used() {
    let mut bed = Waiters::new(Answer::Silence).await;
    let mut requests = 0;
    while let Some((cancel, waiter)) = bed.waiters.pop() {
        assert_eq!(bed.resolver.live().lookups, 1);
        cancel.cancel();
        let lookup = waiter.await.unwrap();
        assert!(matches!(lookup.result, Err(Error::Cancelled { waiting_for: Some(_) })), "{lookup:?}");
        requests += lookup.usage.requests;
    }
    assert_eq!(requests, 1);
    bed.nothing_is_left().await;
    assert_eq!(look_up(&bed.resolver, PRIVATE).await.cache, CacheState::Miss);
}

#[tokio::test]
async fn all_who_cancel_at_once_end_the_lookup() {
    let bed = Waiters::new(Answer::Silence).await;
    bed.waiters.iter().for_each(|(cancel, _)| cancel.cancel());
    bed.fake.wait_until_async("all are over", |_| bed.waiters.iter().all(|(_, waiter)| waiter.is_finished())).await;
    bed.nothing_is_left().await;
}

#[tokio::test]
async fn the_last_one_who_is_dropped_takes_the_lookup_with_it() {
    let bed = Waiters::new(Answer::Silence).await;
    bed.waiters.iter().for_each(|(_, waiter)| waiter.abort());
    bed.fake.wait_until_async("all are over", |_| bed.waiters.iter().all(|(_, waiter)| waiter.is_finished())).await;
    bed.nothing_is_left().await;
    assert_eq!(look_up(&bed.resolver, PRIVATE).await.cache, CacheState::Miss);
}

#[tokio::test]
async fn the_last_one_whose_deadline_passes_ends_the_lookup_with_its_own_deadline() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::Silence);
    let resolver = Resolver::new(&cached_config(&fake)).unwrap();
    let [long, short, shorter] = [60, 40, 20].map(Duration::from_secs);
    let cancel = CancelToken::new();
    let budgets = [long, short, shorter].map(|deadline| Budget::default().with_deadline(deadline));
    // The first one has the longest deadline, and is cancelled: the lookup has a deadline that nobody has who waits for it.
    let first = CancelToken::new();
    let (_, second, third, ()) = tokio::join!(
        resolver.look_up(PRIVATE, &budgets[0], &first),
        resolver.look_up(PRIVATE, &budgets[1], &cancel),
        resolver.look_up(PRIVATE, &budgets[2], &cancel),
        async {
            fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1).await;
            first.cancel();
            time_passes(shorter).await;
            time_passes(short - shorter).await;
        }
    );
    for (lookup, own) in [(second, short), (third, shorter)] {
        let Err(Error::Timeout { deadline, waiting_for: Some(_) }) = &lookup.result else { panic!("{lookup:?}") };
        assert_eq!(*deadline, own);
    }
    assert_eq!(resolver.live().lookups, 0);
    fake.wait_until_async("the connection is closed", |fake| fake.connections_open() == 0).await;
}
