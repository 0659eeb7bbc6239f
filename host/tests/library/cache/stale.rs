//! After half of its life and up to a twelfth of it more, a credential serves while a new one is looked for.

use std::time::Duration;

use keyward::{Budget, CacheState, Resolver};
use keyward_testbed::{Answer, FakeAws};
use tokio::runtime::{Builder, Handle};

use super::played::{Ecr, HOUR, at_rest};
use super::{found, look_up, nothing_was_used, time_passes};
use crate::common::{PRIVATE, cached_config};

const STALE: CacheState = CacheState::Stale;

#[tokio::test(start_paused = true)]
async fn a_stale_credential_is_handed_out_at_once_and_replaced_once_in_the_background() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    found(&resolver, PRIVATE).await;
    ecr.pass(7 * HOUR).await;
    for _ in 0..5 {
        let lookup = look_up(&resolver, PRIVATE).await;
        assert!(lookup.cache == STALE && nothing_was_used(&lookup), "{lookup:?}");
        assert_eq!(lookup.result.unwrap().secret.expose(), "0");
    }
    assert_eq!(ecr.requests(), 1, "nobody has waited for the new one");
    at_rest().await;
    assert_eq!(ecr.requests(), 2);
    assert_eq!(found(&resolver, PRIVATE).await, ("1".to_owned(), CacheState::Hit));
    ecr.pass(7 * HOUR).await;
    assert_eq!(found(&resolver, PRIVATE).await, ("1".to_owned(), STALE));
}

#[tokio::test(start_paused = true)]
async fn while_it_cannot_be_replaced_a_stale_credential_serves_and_its_service_is_asked_once_a_minute() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    found(&resolver, PRIVATE).await;
    ecr.pass(7 * HOUR).await;
    for (error, seconds) in [(0, 60), (1, 60), (2, 3600)] {
        ecr.fail(error);
        let before = ecr.requests();
        for _ in 0..5 {
            assert_eq!(found(&resolver, PRIVATE).await, ("0".to_owned(), STALE));
            at_rest().await;
        }
        ecr.pass(59).await;
        assert_eq!(found(&resolver, PRIVATE).await, ("0".to_owned(), STALE));
        at_rest().await;
        assert_eq!(ecr.requests(), before + 1, "error {error}");
        ecr.pass(seconds - 59).await;
    }
    ecr.recover();
    assert_eq!(found(&resolver, PRIVATE).await, ("0".to_owned(), STALE));
    at_rest().await;
    assert_eq!(found(&resolver, PRIVATE).await, ("4".to_owned(), CacheState::Hit));
}

/// It would be one task more for each that asks.
#[tokio::test]
async fn while_a_refresh_is_stuck_no_other_is_begun_and_it_ends_with_the_resolver() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&cached_config(&fake)).unwrap();
    resolver.resolve(PRIVATE).await.unwrap();
    time_passes(Duration::from_secs(7 * HOUR)).await;
    fake.answer_always(Answer::Silence);
    for _ in 0..5 {
        assert_eq!(look_up(&resolver, PRIVATE).await.cache, STALE);
    }
    fake.wait_until_async("the new one is asked for", |fake| fake.requests().len() == 2).await;
    assert_eq!(look_up(&resolver, PRIVATE).await.cache, STALE);
    assert_eq!((resolver.live().lookups, fake.requests().len()), (1, 2));

    let clone = resolver.clone();
    drop(resolver);
    assert_eq!(look_up(&clone, PRIVATE).await.cache, STALE);
    assert_eq!(clone.live().lookups, 1, "a clone is left, and the refresh with it");
    drop(clone);
    fake.wait_until_async("every connection is closed", |fake| fake.connections_open() == 0).await;
    fake.wait_until_async("every task is over", |_| Handle::current().metrics().num_alive_tasks() == 0).await;
}

#[tokio::test]
async fn a_refresh_ends_after_a_minute_also_where_a_lookup_may_take_for_ever() {
    let fake = FakeAws::start();
    let budget = Budget::default().with_deadline(Duration::MAX);
    let resolver = Resolver::new(&cached_config(&fake).with_budget(budget)).unwrap();
    resolver.resolve(PRIVATE).await.unwrap();
    time_passes(Duration::from_secs(7 * HOUR)).await;
    fake.answer_next(Answer::Silence);
    assert_eq!(look_up(&resolver, PRIVATE).await.cache, STALE);
    fake.wait_until_async("the new one is asked for", |fake| fake.requests().len() == 2).await;
    time_passes(Duration::from_secs(60)).await;
    fake.wait_until_async("it is given up", |_| resolver.live().lookups == 0).await;
    assert_eq!(look_up(&resolver, PRIVATE).await.cache, STALE);
    fake.wait_until_async("it is asked for again", |fake| fake.requests().len() == 3).await;
}

/// As of callers that run each call with a `block_on` of its own.
#[test]
fn a_refresh_on_a_runtime_that_nobody_drives_holds_up_other_runtimes_for_two_minutes_and_no_longer() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    let runtime = || Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let (left, driven) = (runtime(), runtime());
    left.block_on(found(&resolver, PRIVATE));
    ecr.set_clock(|now| now + 7 * HOUR);
    assert_eq!(left.block_on(found(&resolver, PRIVATE)).1, STALE);
    driven.block_on(async {
        for (seconds, requests) in [(0, 1), (119, 1), (2, 2)] {
            ecr.pass(seconds).await;
            assert_eq!(found(&resolver, PRIVATE).await, ("0".to_owned(), STALE));
            at_rest().await;
            assert_eq!(ecr.requests(), requests);
        }
        assert_eq!(found(&resolver, PRIVATE).await, ("1".to_owned(), CacheState::Hit));
    });
}
