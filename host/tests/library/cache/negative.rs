//! That there are no credentials is remembered for some seconds. No other failure is.

use std::time::Duration;

use keyward::{Budget, CacheState, CancelToken, Error, Resolver};
use keyward_testbed::{Answer, FakeAws};

use super::played::{ERRORS, Ecr};
use super::{found, look_up, nothing_was_used};
use crate::common::{OTHER, PRIVATE, cached_config};

#[tokio::test(start_paused = true)]
async fn that_there_are_no_credentials_is_remembered_for_three_seconds() {
    let ecr = Ecr::new();
    let resolver = Resolver::new(&ecr.config_without_keys()).unwrap();
    let first = look_up(&resolver, PRIVATE).await;
    assert!(matches!(first.result, Err(Error::NoCredentials(_))), "{first:?}");
    assert_eq!(first.cache, CacheState::Miss);
    let second = look_up(&resolver, PRIVATE).await;
    assert_eq!((&second.result, second.cache), (&first.result, CacheState::Negative));
    assert!(nothing_was_used(&second), "{second:?}");
    assert_eq!(look_up(&resolver, OTHER).await.cache, CacheState::Miss);
    ecr.pass(3).await;
    assert_eq!(look_up(&resolver, PRIVATE).await.cache, CacheState::Miss);
}

#[tokio::test(start_paused = true)]
async fn how_long_it_is_remembered_is_a_setting_of_the_resolver() {
    let ecr = Ecr::new();
    let not_at_all = Resolver::new(&ecr.config_without_keys().with_negative_ttl(Duration::ZERO)).unwrap();
    let for_a_minute = Resolver::new(&ecr.config_without_keys().with_negative_ttl(Duration::from_secs(60))).unwrap();
    for resolver in [&not_at_all, &for_a_minute] {
        assert_eq!(look_up(resolver, PRIVATE).await.cache, CacheState::Miss);
    }
    ecr.pass(59).await;
    assert_eq!(look_up(&not_at_all, PRIVATE).await.cache, CacheState::Miss);
    assert_eq!(look_up(&for_a_minute, PRIVATE).await.cache, CacheState::Negative);
    for_a_minute.invalidate(PRIVATE);
    assert_eq!(look_up(&for_a_minute, PRIVATE).await.cache, CacheState::Miss);
}

#[tokio::test(start_paused = true)]
async fn after_a_denial_a_throttle_and_a_failure_the_next_lookup_asks_again() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    for (place, (_, name)) in ERRORS.iter().enumerate() {
        ecr.fail(place);
        let failed = look_up(&resolver, PRIVATE).await;
        let is_right = match &failed.result {
            Err(Error::Denied(_)) => place == 0,
            Err(Error::Throttled(_)) => place == 1,
            Err(Error::Unavailable(_)) => place == 2,
            _ => false,
        };
        assert!(is_right && failed.cache == CacheState::Miss, "{name}: {failed:?}");
    }
    ecr.recover();
    assert_eq!(found(&resolver, PRIVATE).await, ("3".to_owned(), CacheState::Miss));
}

/// Callers of the peers remember such a blip as 'no credentials', for hours.
#[tokio::test]
async fn after_a_blip_the_next_lookup_finds_the_credential() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&cached_config(&fake)).unwrap();
    fake.answer_next(Answer::Silence);
    let short = Budget::default().with_deadline(Duration::from_millis(300));
    let blip = resolver.look_up(PRIVATE, &short, &CancelToken::new()).await;
    assert!(matches!(blip.result, Err(Error::Timeout { .. })), "{blip:?}");
    assert_eq!(look_up(&resolver, PRIVATE).await.result.unwrap().username, "AWS");
}

#[tokio::test]
async fn after_a_cancel_the_next_lookup_finds_the_credential() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&cached_config(&fake)).unwrap();
    fake.answer_next(Answer::Silence);
    let (budget, cancel) = (Budget::default(), CancelToken::new());
    let cancelled = resolver.look_up(PRIVATE, &budget, &cancel);
    let asked = fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1);
    let (cancelled, ()) = tokio::join!(cancelled, async {
        asked.await;
        cancel.cancel();
    });
    assert!(matches!(cancelled.result, Err(Error::Cancelled { waiting_for: Some(_) })), "{cancelled:?}");
    assert_eq!(look_up(&resolver, PRIVATE).await.result.unwrap().username, "AWS");
}
