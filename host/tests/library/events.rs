//! Whoever observes a resolver hears of each lookup once, whatever came of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward::{Budget, CacheState, CancelToken, Config, LookupEvent, Outcome, Resolver};
use keyward_testbed::{Answer, FakeAws};

use crate::cache::{found, look_up, time_passes};
use crate::common::{OTHER, PRIVATE, cached_config, config_without_keys, config_without_retries};

const HALF_A_LIFE_AND_MORE: Duration = Duration::from_secs(7 * 3600);

/// The events so far.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<LookupEvent>>>);

impl Heard {
    fn observe(&self, config: Config) -> Resolver {
        let heard = self.clone();
        config.with_observer(move |event| heard.0.lock().unwrap().push(event.clone())).build().unwrap()
    }

    fn take(&self) -> Vec<LookupEvent> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The one event since the last one that was asked for.
    fn one(&self) -> LookupEvent {
        let events = self.take();
        let [event] = &events[..] else { panic!("not one event: {events:?}") };
        event.clone()
    }
}

#[tokio::test]
async fn an_event_has_the_outcome_the_usage_and_where_the_answer_came_from() {
    let (fake, heard) = (FakeAws::start(), Heard::default());
    let resolver = heard.observe(cached_config(&fake));
    let lookup = look_up(&resolver, &format!("https://{PRIVATE}/team/image")).await;
    let event = heard.one();
    assert_eq!((event.registry.as_deref(), event.outcome, event.is_refresh), (Some(PRIVATE), Outcome::Found, false));
    assert_eq!((event.usage, event.cache), (lookup.usage, CacheState::Miss));
    assert!(event.usage.fuel > 0 && event.usage.peak_memory > 0 && event.usage.requests == 1, "{event:?}");
    resolver.resolve(PRIVATE).await.unwrap();
    let event = heard.one();
    assert_eq!((event.outcome, event.cache, event.usage.requests), (Outcome::Found, CacheState::Hit, 0));
}

#[tokio::test]
async fn an_event_tells_how_a_lookup_failed() {
    let (fake, heard) = (FakeAws::start(), Heard::default());
    let resolver = heard.observe(config_without_retries(&fake));
    for (answer, outcome) in [
        (Answer::aws_error(400, "AccessDeniedException", "no"), Outcome::Denied),
        (Answer::aws_error(400, "ThrottlingException", "slower"), Outcome::Throttled),
        (Answer::aws_error(500, "ServerException", "down"), Outcome::Unavailable),
        (Answer::Raw { status: 200, headers: Vec::new(), body: b"<html>".to_vec() }, Outcome::Invalid),
    ] {
        fake.answer_next(answer);
        resolver.resolve(PRIVATE).await.unwrap_err();
        let event = heard.one();
        assert_eq!((event.outcome, event.cache), (outcome, CacheState::Off));
    }
    fake.answer_next(Answer::Silence);
    let budget = Budget::default().with_deadline(Duration::from_millis(100));
    resolver.resolve_with(PRIVATE, &budget, &CancelToken::new()).await.unwrap_err();
    assert_eq!(heard.one().outcome, Outcome::Timeout);
    let cancelled = CancelToken::new();
    cancelled.cancel();
    resolver.resolve_with(PRIVATE, &Budget::default(), &cancelled).await.unwrap_err();
    assert_eq!(heard.one().outcome, Outcome::Cancelled);
    heard.observe(config_without_keys(&fake)).resolve(PRIVATE).await.unwrap_err();
    assert_eq!(heard.one().outcome, Outcome::NoCredentials);
}

/// A password in an address that is none of a registry would be in a metric.
#[tokio::test]
async fn an_address_that_is_nobodys_registry_is_not_told() {
    let (fake, heard) = (FakeAws::start(), Heard::default());
    let resolver = heard.observe(cached_config(&fake));
    for address in ["docker.io", "https://user:hunter2@example.com"] {
        resolver.resolve(address).await.unwrap_err();
        let event = heard.one();
        assert_eq!((event.registry, event.outcome), (None, Outcome::NotOurRegistry), "{address}");
    }
}

#[tokio::test]
async fn a_lookup_whose_future_is_dropped_is_told_as_cancelled_with_the_requests_that_it_made() {
    let (fake, heard) = (FakeAws::start(), Heard::default());
    let resolver = heard.observe(cached_config(&fake));
    fake.answer_always(Answer::Silence);
    let asked = fake.wait_until_async("AWS is asked", |fake| fake.requests().len() == 1);
    tokio::select! {
        lookup = resolver.resolve(PRIVATE) => panic!("nobody answers: {lookup:?}"),
        () = asked => {}
    }
    let event = heard.one();
    assert_eq!((event.outcome, event.registry.as_deref()), (Outcome::Cancelled, Some(PRIVATE)));
    assert_eq!(event.cache, CacheState::Miss);
    assert!(event.usage.requests == 1 && event.usage.wall > Duration::ZERO, "{event:?}");
}

#[tokio::test]
async fn those_who_share_a_lookup_are_told_of_each_and_its_usage_once() {
    let (fake, heard) = (FakeAws::start(), Heard::default());
    let resolver = heard.observe(cached_config(&fake));
    let (one, other, elsewhere) =
        tokio::join!(resolver.resolve(PRIVATE), resolver.resolve(PRIVATE), resolver.resolve(OTHER));
    assert!(one.is_ok() && other.is_ok() && elsewhere.is_ok());
    let events = heard.take();
    let of = |state| events.iter().filter(|event| event.cache == state).count();
    assert_eq!((events.len(), of(CacheState::Joined), of(CacheState::Miss)), (3, 1, 2), "{events:?}");
    assert_eq!(events.iter().map(|event| event.usage.requests).sum::<u32>(), 2);
}

#[tokio::test]
async fn a_refresh_in_the_background_is_told_besides_the_lookup_that_began_it() {
    let (fake, heard) = (FakeAws::start(), Heard::default());
    let resolver = heard.observe(cached_config(&fake));
    found(&resolver, PRIVATE).await;
    heard.one();
    time_passes(HALF_A_LIFE_AND_MORE).await;
    found(&resolver, PRIVATE).await;
    fake.wait_until_async("the refresh is over", |_| heard.0.lock().unwrap().len() == 2).await;
    let events = heard.take();
    let told: Vec<_> = events.iter().map(|event| (event.cache, event.is_refresh, event.usage.requests)).collect();
    assert_eq!(told, [(CacheState::Stale, false, 0), (CacheState::Miss, true, 1)]);
    assert!(events.iter().all(|event| event.outcome == Outcome::Found && event.registry.as_deref() == Some(PRIVATE)));
}

/// Each of them would count the requests of one lookup as its own.
#[tokio::test]
async fn of_those_who_drop_a_shared_lookup_the_last_one_has_its_requests() {
    let (fake, heard) = (FakeAws::start(), Heard::default());
    let resolver = heard.observe(cached_config(&fake));
    fake.answer_always(Answer::Silence);
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(resolver.resolve(PRIVATE))).collect();
    let all = futures_util::future::join_all(waiting.iter_mut());
    let asked = fake.wait_until_async("AWS is asked", |fake| fake.requests().len() == 1);
    tokio::select! {
        results = all => panic!("nobody answers: {results:?}"),
        () = asked => {}
    }
    // The one that began it goes first.
    let mut told = Vec::new();
    for lookup in waiting {
        drop(lookup);
        let event = heard.one();
        assert_eq!(event.outcome, Outcome::Cancelled);
        told.push((event.cache, event.usage.requests));
    }
    assert_eq!(told, [(CacheState::Miss, 0), (CacheState::Joined, 0), (CacheState::Joined, 1)]);
}
