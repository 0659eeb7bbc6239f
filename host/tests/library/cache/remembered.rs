//! A credential is remembered as long as it lives, and never handed out afterwards.

use keyward::{Budget, CacheState, CancelToken, Error, Request, Resolver, Trace};
use keyward_testbed::{FakeAws, private_password};

use super::played::{Ecr, HOUR, at_rest};
use super::{found, look_up, nothing_was_used};
use crate::common::{OTHER, PRIVATE, cached_config};

fn is(password: &str, state: CacheState) -> (String, CacheState) {
    (password.to_owned(), state)
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_known_takes_no_request_and_no_sandbox() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    let first = look_up(&resolver, PRIVATE).await;
    assert_eq!((first.cache, first.usage.requests), (CacheState::Miss, 1));
    let second = look_up(&resolver, PRIVATE).await;
    assert_eq!(second.result, first.result);
    assert_eq!(second.cache, CacheState::Hit);
    assert!(nothing_was_used(&second), "{second:?}");
    assert_eq!(found(&resolver.clone(), PRIVATE).await, is("0", CacheState::Hit), "clones share it");
    assert_eq!(ecr.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_form_of_a_registrys_address_is_one_key() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    found(&resolver, PRIVATE).await;
    let forms = [
        format!("https://{PRIVATE}/v2/"),
        format!("{PRIVATE}:443"),
        format!("{PRIVATE}/image:tag"),
        format!("{PRIVATE}."),
        PRIVATE.to_ascii_uppercase(),
    ];
    for form in &forms {
        assert_eq!(found(&resolver, form).await, is("0", CacheState::Hit), "{form}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_registry_and_another_identity_are_other_keys() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    let questions = [
        Request::new(PRIVATE),
        Request::new(OTHER),
        Request::new(PRIVATE).with_region("eu-west-1"),
        Request::new(PRIVATE).with_session_name("ci"),
    ];
    for state in [CacheState::Miss, CacheState::Hit] {
        for (place, question) in questions.iter().enumerate() {
            assert_eq!(found(&resolver, question.clone()).await, is(&place.to_string(), state), "{question:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_over_is_never_handed_out() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    found(&resolver, PRIVATE).await;
    ecr.fail(2);
    ecr.pass(12 * HOUR - 60).await;
    for _ in 0..2 {
        let failed = look_up(&resolver, PRIVATE).await;
        assert!(matches!(failed.result, Err(Error::Unavailable(_))), "{failed:?}");
        assert_eq!(failed.cache, CacheState::Miss);
    }
    ecr.recover();
    assert_eq!(found(&resolver, PRIVATE).await, is("3", CacheState::Miss));
    assert_eq!(found(&resolver, PRIVATE).await, is("3", CacheState::Hit));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_does_not_make_a_credential_live_longer() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    found(&resolver, PRIVATE).await;
    ecr.set_clock(|now| now - 24 * HOUR);
    assert_eq!(found(&resolver, PRIVATE).await, is("0", CacheState::Hit));
    ecr.pass(12 * HOUR).await;
    assert_eq!(found(&resolver, PRIVATE).await, is("1", CacheState::Miss));
}

/// The other clock stands still, as it does while a laptop sleeps.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_forward_and_a_machine_that_sleeps_make_a_credential_older() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    found(&resolver, PRIVATE).await;
    ecr.set_clock(|now| now + 7 * HOUR);
    assert_eq!(found(&resolver, PRIVATE).await, is("0", CacheState::Stale));
    at_rest().await;
    assert_eq!(found(&resolver, PRIVATE).await, is("1", CacheState::Hit));
    ecr.set_clock(|now| now + 12 * HOUR);
    assert_eq!(found(&resolver, PRIVATE).await, is("2", CacheState::Miss));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_was_invalidated_is_asked_for_anew_for_every_identity() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    let with_region = || Request::new(PRIVATE).with_region("eu-west-1");
    found(&resolver, PRIVATE).await;
    found(&resolver, with_region()).await;
    found(&resolver, OTHER).await;
    resolver.invalidate("docker.io");
    assert_eq!(found(&resolver, PRIVATE).await, is("0", CacheState::Hit));
    resolver.invalidate(&format!("https://{}/v2/", PRIVATE.to_ascii_uppercase()));
    assert_eq!(found(&resolver, PRIVATE).await, is("3", CacheState::Miss));
    assert_eq!(found(&resolver, with_region()).await, is("4", CacheState::Miss));
    assert_eq!(found(&resolver, OTHER).await, is("2", CacheState::Hit));
}

#[tokio::test(start_paused = true)]
async fn who_has_cancelled_gets_nothing_from_memory_either() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    found(&resolver, PRIVATE).await;
    let cancel = CancelToken::new();
    cancel.cancel();
    let lookup = resolver.look_up(PRIVATE, &Budget::default(), &cancel).await;
    assert_eq!(lookup.result, Err(Error::Cancelled { waiting_for: None }));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_nobody_serves_is_not_in_the_cache() {
    let lookup = look_up(&Ecr::new().resolver(), "docker.io").await;
    assert_eq!((lookup.result, lookup.cache), (Err(Error::NotOurRegistry), CacheState::Off));
}

#[tokio::test(start_paused = true)]
async fn without_a_cache_every_lookup_is_one_of_its_own() {
    let ecr = Ecr::new();
    let resolver = Resolver::new(&ecr.config().without_cache()).unwrap();
    let (one, other) = tokio::join!(found(&resolver, PRIVATE), found(&resolver, PRIVATE));
    assert_eq!((one.1, other.1), (CacheState::Off, CacheState::Off));
    found(&resolver, PRIVATE).await;
    resolver.invalidate(PRIVATE);
    assert_eq!(ecr.requests(), 3);
}

/// It comes with no steps: nobody has taken any.
#[tokio::test(start_paused = true)]
async fn what_is_known_answers_also_who_asks_for_an_explanation_and_the_other_way_round() {
    let ecr = Ecr::new();
    let resolver = ecr.resolver();
    let explained = || Request::new(PRIVATE).with_explanation();
    found(&resolver, PRIVATE).await;
    let (budget, trace) = (Budget::default(), Trace::new());
    let hit = resolver.look_up_traced(explained(), &budget, &CancelToken::new(), &trace).await;
    assert_eq!((hit.cache, trace.steps()), (CacheState::Hit, Vec::new()));
    resolver.invalidate(PRIVATE);
    assert_eq!(found(&resolver, explained()).await, is("1", CacheState::Miss));
    assert_eq!(found(&resolver, PRIVATE).await, is("1", CacheState::Hit));
}

#[tokio::test]
async fn a_credential_from_memory_shows_no_password() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&cached_config(&fake)).unwrap();
    look_up(&resolver, PRIVATE).await.result.unwrap();
    let hit = look_up(&resolver, PRIVATE).await;
    let password = private_password("123456789012", "us-east-1");
    assert_eq!(hit.result.as_ref().unwrap().secret.expose(), password);
    let shown = format!("{resolver:?} {hit:?}");
    assert!(shown.contains("Hit") && !shown.contains(&password), "{shown}");
}
