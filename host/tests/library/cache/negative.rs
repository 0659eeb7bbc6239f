//! That there are no credentials is remembered for some seconds. No other failure is.

use std::net::TcpListener;
use std::time::Duration;

use keyward::{Budget, CacheState, CancelToken, Config, Error, Lookup, Resolver};
use keyward_testbed::{Answer, FakeAws, Fault, FaultServer};

use super::played::{ERRORS, Ecr};
use super::{found, look_up, nothing_was_used, time_passes};
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
    let deadline = Duration::from_secs(60);
    let (budget, cancel) = (Budget::default().with_deadline(deadline), CancelToken::new());
    let (blip, ()) = tokio::join!(resolver.look_up(PRIVATE, &budget, &cancel), async {
        fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1).await;
        time_passes(deadline).await;
    });
    assert!(matches!(blip.result, Err(Error::Timeout { .. })), "{blip:?}");
    assert_eq!(look_up(&resolver, PRIVATE).await.result.unwrap().username, "AWS");
}

/// It may be there: it was only late.
#[tokio::test]
async fn where_a_source_took_too_long_it_is_not_remembered_that_there_are_no_credentials() {
    for fault in [Fault::Silence, Fault::HeaderDrip, Fault::Close, Fault::FullBacklog] {
        let server = FaultServer::start(fault);
        let authority = server.authority().ca_file().to_str().unwrap();
        let resolver = resolver_with_metadata_at(&server.url(), authority);
        for _ in 0..2 {
            let lookup = look_up_for_ever(&resolver).await;
            assert_eq!(lookup.cache, CacheState::Miss, "{fault}: {lookup:?}");
            assert_eq!(lookup.usage.requests, 1, "{fault}");
            assert!(matches!(lookup.result, Err(Error::NoCredentials(_))), "{fault}: {lookup:?}");
        }
    }
}

#[tokio::test]
async fn where_nobody_is_at_a_source_it_is_remembered_that_there_are_no_credentials() {
    // Closed again: nobody is there any more.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let resolver = resolver_with_metadata_at(&format!("http://{nobody}"), "");
    let first = look_up_for_ever(&resolver).await;
    assert!(matches!(first.result, Err(Error::NoCredentials(_))), "{first:?}");
    let second = look_up_for_ever(&resolver).await;
    assert_eq!((second.result, second.cache), (first.result, CacheState::Negative));
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

/// Instance metadata is the only source. What is remembered is so for longer than any test takes.
fn resolver_with_metadata_at(url: &str, ca_file: &str) -> Resolver {
    let config = Config::new()
        .with_negative_ttl(Duration::MAX)
        .with_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
        .with_variable("SSL_CERT_FILE", ca_file);
    Resolver::new(&config).unwrap()
}

/// A lookup that nothing but its component ends.
async fn look_up_for_ever(resolver: &Resolver) -> Lookup {
    let budget = Budget::default().with_deadline(Duration::MAX);
    resolver.look_up(PRIVATE, &budget, &CancelToken::new()).await
}
