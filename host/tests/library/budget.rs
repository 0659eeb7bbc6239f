//! What ends a lookup, and what is left of it then: nothing. Counters and order are compared, never times.

use std::time::Duration;

use keyward::{Budget, CancelToken, Error, Resolver, Step};
use keyward_testbed::{Answer, FakeAws};
use tokio::runtime::Handle;

use crate::common::{OTHER, OTHER_API, PRIVATE, PRIVATE_API, config, config_without_keys};

/// Long enough for a request to be under way, which is all that these tests need.
const SHORT: Duration = Duration::from_millis(300);

async fn assert_nothing_is_left(fake: &FakeAws, tasks_before: usize) {
    fake.wait_until_async("every connection is closed", |fake| fake.connections_open() == 0).await;
    fake.wait_until_async("every task is over", |_| Handle::current().metrics().num_alive_tasks() == tasks_before)
        .await;
}

#[tokio::test]
async fn the_deadline_ends_a_lookup_that_waits_for_an_answer_and_says_for_whose() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    for (answer, step) in [(Answer::Silence, Step::Answer), (Answer::HeadersThenSilence, Step::Body)] {
        fake.answer_next(answer);
        let tasks = Handle::current().metrics().num_alive_tasks();
        let budget = Budget::default().with_deadline(SHORT);
        let lookup = resolver.look_up(PRIVATE, &budget, &CancelToken::new()).await;
        let Err(Error::Timeout { deadline, waiting_for: Some(waiting) }) = &lookup.result else { panic!("{lookup:?}") };
        assert_eq!(*deadline, SHORT);
        assert_eq!(waiting.destination, format!("https://{PRIVATE_API}"));
        assert_eq!(waiting.step, step);
        assert_eq!(lookup.usage.requests, 1);
        assert_nothing_is_left(&fake, tasks).await;
    }
}

#[tokio::test]
async fn the_deadline_ends_a_lookup_in_the_tls_handshake_and_one_that_is_not_connected() {
    let fake = FakeAws::start();
    // A server that takes connections and says nothing; and an address for documentation, where nobody is.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = "192.0.2.1:443".parse().unwrap();
    for (address, step) in [(silent.local_addr().unwrap(), Step::Handshake), (nobody, Step::Connection)] {
        let resolver = Resolver::new(&config(&fake).with_connect_to(PRIVATE_API, address)).unwrap();
        let budget = Budget::default().with_deadline(SHORT);
        let lookup = resolver.look_up(PRIVATE, &budget, &CancelToken::new()).await;
        match &lookup.result {
            Err(Error::Timeout { waiting_for: Some(waiting), .. }) => assert_eq!(waiting.step, step),
            // A network may say that there is no way to the address.
            Err(Error::Unavailable(_)) if step == Step::Connection => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A guest that computes never waits, so that nothing but the epoch's callback can end it.
#[tokio::test]
async fn the_deadline_ends_a_lookup_that_computes() {
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    // As much work as a file can make.
    std::fs::write(&file, "[a]\nb=c\n".repeat(100_000)).unwrap();
    let config = config_without_keys(&fake).with_variable("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap());
    let resolver = Resolver::new(&config).unwrap();
    let unlimited = Budget::default().with_fuel(u64::MAX).with_deadline(Duration::MAX).with_memory(1 << 30);
    let mut whole = resolver.look_up(PRIVATE, &unlimited, &CancelToken::new()).await;
    for _ in 0..2 {
        // The fastest of some: half the time of one that was held up may be enough for the next.
        let again = resolver.look_up(PRIVATE, &unlimited, &CancelToken::new()).await;
        whole = if again.usage.wall < whole.usage.wall { again } else { whole };
    }
    assert!(matches!(whole.result, Err(Error::NoCredentials(_))), "{whole:?}");

    // In the middle of it: the file has been read by then.
    let budget = unlimited.with_deadline(whole.usage.wall / 2);
    let ended = resolver.look_up(PRIVATE, &budget, &CancelToken::new()).await;
    assert!(matches!(ended.result, Err(Error::Timeout { waiting_for: None, .. })), "{ended:?}");
    assert!(ended.usage.fuel < whole.usage.fuel, "{ended:?} {whole:?}");
}

#[test]
fn a_resolver_works_on_one_runtime_after_the_other_and_on_both() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (one, other) = (runtime(), runtime());
    for _ in 0..2 {
        one.block_on(resolver.resolve(PRIVATE)).unwrap();
        other.block_on(resolver.resolve(PRIVATE)).unwrap();
    }
    drop((one, other));
    runtime().block_on(resolver.resolve(PRIVATE)).unwrap();
}

#[tokio::test]
async fn a_cancelled_lookup_ends_at_once_and_leaves_nothing() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let tasks = Handle::current().metrics().num_alive_tasks();
    let cancel = CancelToken::new();
    let lookup = tokio::spawn({
        let (resolver, cancel) = (resolver.clone(), cancel.clone());
        // A deadline beyond the patience of any test: only the token can end this.
        let budget = Budget::default().with_deadline(Duration::MAX);
        async move { resolver.look_up(PRIVATE, &budget, &cancel).await }
    });
    fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1).await;
    std::thread::spawn(move || cancel.cancel()).join().unwrap();
    let result = lookup.await.unwrap().result;
    assert!(matches!(&result, Err(Error::Cancelled { waiting_for: Some(_) })), "{result:?}");
    assert_nothing_is_left(&fake, tasks).await;
}

#[tokio::test]
async fn a_token_that_was_cancelled_before_sends_nothing() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let cancel = CancelToken::new();
    cancel.cancel();
    let lookup = resolver.look_up(PRIVATE, &Budget::default(), &cancel).await;
    assert!(matches!(lookup.result, Err(Error::Cancelled { .. })), "{lookup:?}");
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_dropped_future_leaves_nothing() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let tasks = Handle::current().metrics().num_alive_tasks();
    tokio::select! {
        result = resolver.resolve(PRIVATE) => panic!("{result:?}"),
        () = fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1) => {}
    }
    assert_nothing_is_left(&fake, tasks).await;
}

#[tokio::test]
async fn after_a_lookup_that_was_ended_the_next_one_works_on_a_fresh_connection() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::Silence);
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let budget = Budget::default().with_deadline(SHORT);
    resolver.look_up(PRIVATE, &budget, &CancelToken::new()).await.result.unwrap_err();
    resolver.resolve(PRIVATE).await.unwrap();
    assert_eq!(fake.connections_accepted(), 2);
}

/// A semaphore around lookups once let two stuck registries block every other one.
#[tokio::test]
async fn stuck_lookups_of_one_registry_do_not_hold_up_another() {
    let fake = FakeAws::start();
    fake.answer_where(|request| request.host == OTHER_API, Answer::Silence);
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let cancel = CancelToken::new();
    let stuck: Vec<_> = (0..50)
        .map(|_| {
            let (resolver, cancel) = (resolver.clone(), cancel.clone());
            let budget = Budget::default().with_deadline(Duration::MAX);
            tokio::spawn(async move { resolver.look_up(OTHER, &budget, &cancel).await })
        })
        .collect();
    fake.wait_until_async("50 requests are stuck", |fake| fake.requests().len() == 50).await;
    resolver.resolve(PRIVATE).await.unwrap();
    assert!(stuck.iter().all(|lookup| !lookup.is_finished()));
    cancel.cancel();
    for lookup in stuck {
        assert!(matches!(lookup.await.unwrap().result, Err(Error::Cancelled { .. })));
    }
}

#[tokio::test]
async fn fuel_ends_a_lookup_that_computes_more_than_it_may() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let budget = Budget::default().with_fuel(10_000);
    let lookup = resolver.look_up(PRIVATE, &budget, &CancelToken::new()).await;
    assert_eq!(lookup.result, Err(Error::OutOfFuel { limit: 10_000 }));
    assert_eq!(lookup.usage.fuel, 10_000);
    assert!(fake.requests().is_empty());
    resolver.resolve(PRIVATE).await.unwrap();
}

#[tokio::test]
async fn memory_ends_a_lookup_that_wants_more_than_it_may_have() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let budget = Budget::default().with_memory(64 * 1024);
    let lookup = resolver.look_up(PRIVATE, &budget, &CancelToken::new()).await;
    assert!(
        matches!(lookup.result, Err(Error::OutOfMemory { limit: 65_536, wanted }) if wanted > 65_536),
        "{lookup:?}"
    );
    resolver.resolve(PRIVATE).await.unwrap();
}

#[tokio::test]
async fn the_budget_of_an_answer_is_the_budgets_own() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let budget = Budget::default().with_response_bytes(10);
    let lookup = resolver.look_up(PRIVATE, &budget, &CancelToken::new()).await;
    assert!(matches!(lookup.result, Err(Error::Invalid(_))), "{lookup:?}");
}

#[test]
fn the_library_can_be_shared_between_threads() {
    fn is_shareable<T: Send + Sync + 'static>(_: &T) {}
    fn is_sendable<T: Send>(_: &T) {}
    let resolver = Resolver::new(&keyward::Config::new()).unwrap();
    is_shareable(&resolver);
    is_sendable(&resolver.resolve(PRIVATE));
    is_shareable(&CancelToken::new());
    is_shareable(&Error::NotOurRegistry);
}
