//! Several resolvers in one order: who has no credentials is passed over, and whoever has an answer ends it.

use std::time::Duration;

use keyward::{Budget, CancelToken, Error, Keychain, Pattern, Resolver};
use keyward_testbed::{Answer, FakeAws, FakeMetadata};

use crate::common::{OTHER, PRIVATE, PUBLIC, config, config_without_keys, config_without_retries};

fn patterns(patterns: &[&str]) -> Vec<Pattern> {
    patterns.iter().map(|pattern| pattern.parse().unwrap()).collect()
}

fn private() -> Vec<Pattern> {
    patterns(&["*.dkr.ecr.*.amazonaws.com"])
}

fn with_keys(fake: &FakeAws) -> Resolver {
    Resolver::new(&config(fake)).unwrap()
}

fn without_keys(fake: &FakeAws) -> Resolver {
    Resolver::new(&config_without_keys(fake)).unwrap()
}

#[tokio::test]
async fn who_has_no_credentials_is_passed_over() {
    let (poor, rich) = (FakeAws::start(), FakeAws::start());
    let keychain = Keychain::new().with(private(), without_keys(&poor)).with(private(), with_keys(&rich));
    keychain.resolve(PRIVATE).await.unwrap();
    assert_eq!((poor.requests().len(), rich.requests().len()), (0, 1));
}

#[tokio::test]
async fn the_first_one_with_credentials_is_the_last_one_asked() {
    let (first, second) = (FakeAws::start(), FakeAws::start());
    let keychain = Keychain::new().with(private(), with_keys(&first)).with(private(), with_keys(&second));
    keychain.resolve(PRIVATE).await.unwrap();
    assert_eq!((first.requests().len(), second.requests().len()), (1, 0));
}

/// In a chain that goes on after failures, a timeout means another identity, or none.
#[tokio::test]
async fn a_failure_ends_it_and_is_no_reason_to_ask_the_next_one() {
    let (failing, other) = (FakeAws::start(), FakeAws::start());
    let first = Resolver::new(&config_without_retries(&failing)).unwrap();
    let keychain = Keychain::new().with(private(), first).with(private(), with_keys(&other));
    failing.answer_next(Answer::aws_error(400, "AccessDeniedException", "no"));
    assert!(matches!(keychain.resolve(PRIVATE).await, Err(Error::Denied(_))));
    failing.answer_next(Answer::aws_error(500, "ServerException", "down"));
    assert!(matches!(keychain.resolve(PRIVATE).await, Err(Error::Unavailable(_))));
    failing.answer_next(Answer::Silence);
    let budget = Budget::default().with_deadline(Duration::from_millis(100));
    let error = keychain.resolve_with(PRIVATE, &budget, &CancelToken::new()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { deadline, .. } if deadline == budget.deadline), "{error:?}");
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn nobody_is_asked_for_an_address_that_its_patterns_do_not_match() {
    let (one, other) = (FakeAws::start(), FakeAws::start());
    let keychain = Keychain::new()
        .with(patterns(&["*.dkr.ecr.eu-*.amazonaws.com"]), with_keys(&one))
        .with(patterns(&["*.dkr.ecr.us-*.amazonaws.com", "public.ecr.aws"]), with_keys(&other));
    for (registry, asked) in [(OTHER, (1, 0)), (PRIVATE, (1, 1)), (PUBLIC, (1, 2))] {
        keychain.resolve(registry).await.unwrap();
        assert_eq!((one.requests().len(), other.requests().len()), asked, "{registry}");
    }
    let elsewhere = "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn";
    assert_eq!(keychain.resolve(elsewhere).await, Err(Error::NotOurRegistry));
    assert_eq!(keychain.serving(elsewhere).count(), 0);
    assert_eq!(Keychain::new().resolve(PRIVATE).await, Err(Error::NotOurRegistry));
}

#[tokio::test]
async fn where_nobody_has_credentials_the_first_one_says_what_is_missing() {
    let fake = FakeAws::start();
    let elsewhere = config_without_keys(&fake).with_variable("HOME", "/nowhere").build().unwrap();
    let keychain = Keychain::new()
        .with(patterns(&["docker.io", "*.*.*.*.*.*"]), without_keys(&fake))
        .with(private(), elsewhere.clone());
    let first = without_keys(&fake).resolve(PRIVATE).await.unwrap_err();
    assert_ne!(elsewhere.resolve(PRIVATE).await.unwrap_err(), first);
    assert!(matches!(first, Error::NoCredentials(_)));
    assert_eq!(keychain.resolve(PRIVATE).await, Err(first));
    assert_eq!(keychain.resolve("docker.io").await, Err(Error::NotOurRegistry));
}

/// Two resolvers that wait in turn would take twice the deadline.
#[tokio::test]
async fn the_deadline_is_for_all_of_them_together() {
    let (fake, silent) = (FakeAws::start(), FakeMetadata::start());
    silent.answer_always(Answer::Silence);
    // The first one has none, and takes a second or two to find that out.
    let asks_metadata = config_without_keys(&fake)
        .with_variable("AWS_EC2_METADATA_DISABLED", "false")
        .with_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", &silent.url())
        .build()
        .unwrap();
    let keychain = Keychain::new().with(private(), asks_metadata.clone()).with(private(), with_keys(&fake));
    fake.answer_always(Answer::Silence);
    let budget = Budget::default().with_deadline(Duration::from_secs(4));
    let first = asks_metadata.look_up(PRIVATE, &budget, &CancelToken::new()).await;
    assert!(matches!(first.result, Err(Error::NoCredentials(_))), "{first:?}");

    let lookup = keychain.look_up(PRIVATE, &budget, &CancelToken::new()).await;
    let Err(Error::Timeout { deadline, waiting_for: Some(_) }) = lookup.result else { panic!("{lookup:?}") };
    assert_eq!(deadline, budget.deadline);
    assert!(lookup.usage.wall < budget.deadline + first.usage.wall, "the second one had all of it: {lookup:?}");
    assert!(keychain.serving(PRIVATE).all(|resolver| resolver.live().lookups == 0));

    let requests = fake.requests().len();
    let over = Budget::default().with_deadline(Duration::ZERO);
    let lookup = keychain.look_up(PRIVATE, &over, &CancelToken::new()).await;
    assert!(matches!(lookup.result, Err(Error::Timeout { deadline: Duration::ZERO, .. })), "{lookup:?}");
    assert_eq!(fake.requests().len(), requests, "there was no time to ask");
}
