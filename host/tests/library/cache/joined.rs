//! Who asks what somebody else is asking already waits for that lookup.

use std::thread;
use std::time::Duration;

use keyward::{Budget, CacheState, CancelToken, Error, Lookup, Request, Resolver, Step, Trace};
use keyward_testbed::{Answer, FakeAws, Gate, private_password};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::{look_up, nothing_was_used, time_passes};
use crate::common::{OTHER, OTHER_API, PRIVATE, cached_config};

const MINUTE: Duration = Duration::from_secs(60);

async fn all(lookups: JoinSet<Lookup>) -> Vec<Lookup> {
    lookups.join_all().await
}

fn resolver(fake: &FakeAws) -> Resolver {
    Resolver::new(&cached_config(fake)).unwrap()
}

fn spawn(lookups: &mut JoinSet<Lookup>, resolver: &Resolver, request: impl Into<Request>) {
    let (resolver, request) = (resolver.clone(), request.into());
    lookups.spawn(async move { look_up(&resolver, request).await });
}

#[tokio::test]
async fn fifty_who_ask_the_same_wait_for_one_lookup_which_counts_as_one() {
    let (fake, gate) = (FakeAws::start(), Gate::new());
    fake.answer_next(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let resolver = Resolver::new(&cached_config(&fake).with_max_live_lookups_of_one_registry(1)).unwrap();
    let mut lookups = JoinSet::new();
    for _ in 0..25 {
        spawn(&mut lookups, &resolver, PRIVATE);
        spawn(&mut lookups, &resolver, &format!("https://{PRIVATE}/image"));
    }
    fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1).await;
    assert_eq!(resolver.live().lookups, 1);
    gate.open();
    let lookups = all(lookups).await;
    let own: Vec<_> = lookups.iter().filter(|lookup| lookup.cache == CacheState::Miss).collect();
    let joined: Vec<_> = lookups.iter().filter(|lookup| lookup.cache == CacheState::Joined).collect();
    assert_eq!((own.len(), joined.len(), fake.requests().len()), (1, 49, 1));
    assert!(own[0].usage.requests == 1 && own[0].usage.fuel > 0, "{own:?}");
    assert!(joined.iter().all(|lookup| nothing_was_used(lookup) && !lookup.usage.wall.is_zero()), "{joined:?}");
    let password = private_password("123456789012", "us-east-1");
    assert!(lookups.into_iter().all(|lookup| lookup.result.unwrap().secret.expose() == password));
    assert_eq!(look_up(&resolver, PRIVATE).await.cache, CacheState::Hit);
}

/// Between the end of a lookup and its being remembered, somebody could find neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_many_threads_those_who_ask_the_same_make_one_request() {
    let fake = FakeAws::start();
    let resolver = resolver(&fake);
    for round in 1..=20 {
        let mut lookups = JoinSet::new();
        for _ in 0..50 {
            spawn(&mut lookups, &resolver, PRIVATE);
        }
        assert!(all(lookups).await.iter().all(|lookup| lookup.result.is_ok()));
        assert_eq!(fake.requests().len(), round);
        resolver.invalidate(PRIVATE);
    }
}

#[tokio::test]
async fn who_joins_watches_the_lookup_that_it_has_joined() {
    let (fake, gate) = (FakeAws::start(), Gate::new());
    fake.answer_next(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let resolver = resolver(&fake);
    let traces = [Trace::new(), Trace::new()];
    let mut lookups = JoinSet::new();
    for trace in traces.clone() {
        let resolver = resolver.clone();
        lookups.spawn(async move {
            resolver.look_up_traced(PRIVATE, &Budget::default(), &CancelToken::new(), &trace).await
        });
    }
    fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1).await;
    for trace in &traces {
        assert_eq!(trace.waiting_for().map(|waiting| waiting.step), Some(Step::Answer));
    }
    gate.open();
    all(lookups).await;
    assert!(traces.iter().all(|trace| trace.waiting_for().is_none()));
}

#[tokio::test]
async fn who_asks_for_an_explanation_joins_no_lookup_without_one() {
    let (fake, gate) = (FakeAws::start(), Gate::new());
    fake.answer_always(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let resolver = resolver(&fake);
    let traces = [Trace::new(), Trace::new()];
    let requests = [Request::new(PRIVATE), Request::new(PRIVATE).with_explanation()];
    let mut lookups = JoinSet::new();
    for (trace, request) in traces.clone().into_iter().zip(requests) {
        let resolver = resolver.clone();
        lookups.spawn(async move {
            resolver.look_up_traced(request, &Budget::default(), &CancelToken::new(), &trace).await
        });
    }
    fake.wait_until_async("both requests are there", |fake| fake.requests().len() == 2).await;
    gate.open();
    assert!(all(lookups).await.iter().all(|lookup| lookup.result.is_ok() && lookup.cache == CacheState::Miss));
    assert_eq!(traces.map(|trace| trace.steps().is_empty()), [true, false]);
}

#[tokio::test]
async fn a_registry_that_is_stuck_holds_up_those_who_ask_for_it_and_nobody_else() {
    let fake = FakeAws::start();
    fake.answer_where(|request| request.host == OTHER_API, Answer::Silence);
    let resolver = resolver(&fake);
    let mut stuck = JoinSet::new();
    for _ in 0..50 {
        spawn(&mut stuck, &resolver, OTHER);
    }
    fake.wait_until_async("the request is stuck", |fake| fake.requests().len() == 1).await;
    look_up(&resolver, PRIVATE).await.result.unwrap();
    // Another identity is another key.
    let (budget, cancel) = (Budget::default(), CancelToken::new());
    let (other_identity, ()) =
        tokio::join!(resolver.look_up(Request::new(OTHER).with_session_name("ci"), &budget, &cancel), async {
            fake.wait_until_async("its request is there", |fake| fake.requests().len() == 3).await;
            cancel.cancel();
        });
    assert!(matches!(other_identity.result, Err(Error::Cancelled { .. })), "{other_identity:?}");
    assert!(stuck.try_join_next().is_none());
}

#[tokio::test]
async fn who_waited_through_the_deadline_of_another_asks_again_with_what_is_left_of_its_own() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::Silence);
    let resolver = resolver(&fake);
    let [short, long] = [MINUTE, 5 * MINUTE].map(|deadline| Budget::default().with_deadline(deadline));
    // The first one is asked first, and begins the lookup.
    let cancel = CancelToken::new();
    let (impatient, patient, third, ()) = tokio::join!(
        resolver.look_up(PRIVATE, &short, &cancel),
        resolver.look_up(PRIVATE, &long, &cancel),
        resolver.look_up(PRIVATE, &long, &cancel),
        async {
            fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1).await;
            time_passes(MINUTE).await;
        }
    );
    assert!(matches!(impatient.result, Err(Error::Timeout { waiting_for: Some(_), .. })), "{impatient:?}");
    assert!(patient.result.is_ok() && third.result.is_ok(), "{patient:?} {third:?}");
    assert_eq!(fake.requests().len(), 2);
    let requests = [impatient, patient, third].map(|lookup| lookup.usage.requests);
    assert_eq!(requests.iter().sum::<u32>(), 2, "{requests:?}");
}

#[tokio::test]
async fn who_may_wait_for_less_than_the_one_it_has_joined_leaves_with_its_own_deadline() {
    let (fake, gate) = (FakeAws::start(), Gate::new());
    fake.answer_next(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let resolver = resolver(&fake);
    let cancel = CancelToken::new();
    let [short, long] = [MINUTE, 5 * MINUTE].map(|deadline| Budget::default().with_deadline(deadline));
    let impatient = async {
        let lookup = resolver.look_up(PRIVATE, &short, &cancel).await;
        gate.open();
        lookup
    };
    let (patient, impatient, ()) = tokio::join!(resolver.look_up(PRIVATE, &long, &cancel), impatient, async {
        fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1).await;
        time_passes(MINUTE).await;
    });
    let Err(Error::Timeout { deadline: said, waiting_for: Some(waiting) }) = &impatient.result else {
        panic!("{impatient:?}")
    };
    assert_eq!((*said, waiting.step), (MINUTE, Step::Answer));
    assert!(impatient.cache == CacheState::Joined && nothing_was_used(&impatient), "{impatient:?}");
    assert_eq!((patient.result.is_ok(), patient.usage.requests), (true, 1));
}

#[tokio::test]
async fn who_may_have_more_than_the_one_it_has_joined_is_not_ended_by_its_limits() {
    let (fake, gate) = (FakeAws::start(), Gate::new());
    fake.answer_next(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let resolver = Resolver::new(&cached_config(&fake).with_variable("AWS_MAX_ATTEMPTS", "1")).unwrap();
    let (small, cancel) = (Budget::default().with_response_bytes(10), CancelToken::new());
    let (limited, limited_too, other, ()) = tokio::join!(
        resolver.look_up(PRIVATE, &small, &cancel),
        resolver.look_up(PRIVATE, &small, &cancel),
        look_up(&resolver, PRIVATE),
        async {
            fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1).await;
            gate.open();
        }
    );
    assert!(matches!(limited.result, Err(Error::Invalid(_))), "{limited:?}");
    assert_eq!(limited_too.result, limited.result);
    assert!(other.result.is_ok(), "{other:?}");
    assert_eq!(fake.requests().len(), 2);
}

/// Nobody waits on another runtime's I/O, which moves only while that one does.
#[test]
fn each_runtime_has_lookups_of_its_own_and_both_share_what_is_found() {
    let (fake, gate) = (FakeAws::start(), Gate::new());
    fake.answer_always(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let resolver = resolver(&fake);
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    let asleep = runtime();
    let stuck = resolver.clone();
    let _guard = asleep.spawn(async move { look_up(&stuck, PRIVATE).await });
    asleep.block_on(fake.wait_until_async("it has begun", |fake| fake.requests().len() == 1));

    let awake = thread::spawn({
        let resolver = resolver.clone();
        move || runtime().block_on(look_up(&resolver, PRIVATE))
    });
    fake.wait_until("the other one has begun too", |fake| fake.requests().len() == 2);
    gate.open();
    let lookup = awake.join().unwrap();
    assert_eq!((lookup.result.is_ok(), lookup.cache), (true, CacheState::Miss));
    let known = runtime().block_on(look_up(&resolver, PRIVATE));
    assert_eq!(known.cache, CacheState::Hit);
}
