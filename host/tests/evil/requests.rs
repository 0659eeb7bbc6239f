//! Attacks over the network: to where nothing may go, too often, with too much, and without an end.

use std::time::Duration;

use keyward::{Budget, Config, Error, Limit};
use keyward_testbed::{Answer, FakeAws};
use tokio::runtime::Handle;

use crate::{SHORT, Target, is_over};

/// A destination that every lookup may reach.
const API: &str = "api.ecr.us-east-1.amazonaws.com";
const URL: &str = "https://api.ecr.us-east-1.amazonaws.com/path";

/// How many requests a lookup may make, unless its budget says otherwise.
const REQUESTS: usize = 64;

/// What a request's body may have, unless its budget says otherwise.
const REQUEST_BYTES: u64 = 64 * 1024;

fn hello() -> Answer {
    Answer::Raw { status: 200, headers: Vec::new(), body: b"hello".to_vec() }
}

/// A fake that says hello to everything, and a target that reaches it at [`URL`].
async fn fake_and_target() -> (FakeAws, Target) {
    let fake = FakeAws::start();
    fake.answer_always(hello());
    let ca_file = fake.authority().ca_file().to_str().expect("temporary folders have names in UTF-8");
    let config = Config::new().with_variable("SSL_CERT_FILE", ca_file).with_connect_to(API, fake.address());
    let target = Target::new(config).await;
    // A connection that waits for its next request has a task that closes it in time: it is there before anything is counted.
    assert_eq!(target.answer(&format!("call {URL}")).await.0, "200");
    fake.close_connections();
    fake.wait_until_async("the first connection is closed", |fake| fake.connections_open() == 0).await;
    (fake, target)
}

/// The next request works, and of the attack no connection is open and no task is alive.
async fn assert_nothing_is_left(fake: &FakeAws, target: &Target, tasks_before: usize) {
    fake.answer_always(hello());
    fake.wait_until_async("every connection is closed", |fake| fake.connections_open() == 0).await;
    fake.wait_until_async("every task is over", |_| Handle::current().metrics().num_alive_tasks() <= tasks_before)
        .await;
    assert_eq!(target.answer(&format!("call {URL}")).await, ("200".to_owned(), "hello".to_owned()));
    // The connection that was kept of this call is not to be counted after the next attack.
    fake.close_connections();
    fake.wait_until_async("the last connection is closed", |fake| fake.connections_open() == 0).await;
}

#[tokio::test]
async fn a_destination_that_was_granted_is_reached_twice_over_one_connection() {
    let (fake, target) = fake_and_target().await;
    assert_eq!(target.answer(&format!("call-twice {URL}")).await, ("200".to_owned(), "hello".to_owned()));
    assert_eq!(target.answer(&format!("calls 10 {URL}")).await.0, "10");
    assert_eq!(target.answer(&format!("post 10000 {URL}")).await.0, "200");
    assert_eq!((fake.requests().len(), fake.connections_accepted()), (14, 2));
}

#[tokio::test]
async fn a_destination_that_was_not_granted_is_refused_by_name_and_never_connected() {
    let (fake, target) = fake_and_target().await;
    let fakes_own = format!("https://{}", fake.address());
    for destination in
        ["https://collect.example.com", "http://169.254.169.253", "http://api.ecr.us-east-1.amazonaws.com", &fakes_own]
    {
        let error = target.error(&format!("call {destination}/?stolen=secret"), &Budget::default()).await;
        let is_right =
            matches!(&error, Error::Refused { destination: refused, address: None, .. } if refused == destination);
        assert!(is_right, "{error:?}");
    }
    assert_eq!(fake.connections_accepted(), 1);
}

#[tokio::test]
async fn a_component_that_hides_a_refusal_has_sent_nothing_all_the_same() {
    let (fake, target) = fake_and_target().await;
    let lookup = target.attack("calls 5 https://collect.example.com/", &Budget::default()).await;
    assert_eq!(lookup.result.unwrap().username, "0");
    assert_eq!(lookup.usage.bytes_received, 0);
    assert_eq!(fake.connections_accepted(), 1);

    let error = target.error("calls-for-ever https://collect.example.com/", &Budget::default()).await;
    let is_right = matches!(error, Error::OutOfFuel { .. } | Error::Timeout { .. }) || is_over(&error, Limit::Requests);
    assert!(is_right, "{error:?}");
}

#[tokio::test]
async fn requests_without_end_end_at_their_limit_one_after_the_other_and_at_once() {
    let (fake, target) = fake_and_target().await;
    let budget = Budget::default().with_deadline(Duration::from_secs(60));
    for attack in [format!("calls-for-ever {URL}"), format!("calls-at-once 100 {URL}")] {
        let before = fake.requests().len();
        let error = target.error(&attack, &budget).await;
        assert_eq!(error, Error::OverLimit { what: Limit::Requests, limit: REQUESTS as u64 }, "{attack}");
        assert!(fake.requests().len() - before <= REQUESTS, "{attack}: {}", fake.requests().len() - before);
    }
    let error = target.error(&format!("calls 4 {URL}"), &budget.clone().with_requests(3)).await;
    assert_eq!(error, Error::OverLimit { what: Limit::Requests, limit: 3 });
    assert_eq!(target.attack(&format!("calls 4 {URL}"), &budget.with_requests(4)).await.result.unwrap().username, "4");
}

#[tokio::test]
async fn a_request_has_a_limit_whether_it_says_its_length_or_has_no_end() {
    let (fake, target) = fake_and_target().await;
    let tasks = Handle::current().metrics().num_alive_tasks();
    let budget = Budget::default().with_deadline(Duration::from_secs(60));
    for attack in
        [format!("post {} {URL}", REQUEST_BYTES + 1), format!("post 10000000 {URL}"), format!("endless-body {URL}")]
    {
        let error = target.error(&attack, &budget).await;
        assert_eq!(error, Error::OverLimit { what: Limit::RequestBytes, limit: REQUEST_BYTES }, "{attack}");
        assert_nothing_is_left(&fake, &target, tasks).await;
    }
    let error = target.error(&format!("post 11 {URL}"), &budget.clone().with_request_bytes(10)).await;
    assert_eq!(error, Error::OverLimit { what: Limit::RequestBytes, limit: 10 });
    for (bytes, budget) in [(REQUEST_BYTES, budget.clone()), (10, budget.with_request_bytes(10))] {
        let lookup = target.attack(&format!("post {bytes} {URL}"), &budget).await;
        assert_eq!(lookup.result.unwrap().username, "200", "{bytes}");
    }
}

#[tokio::test]
async fn a_request_that_is_never_finished_is_ended_by_the_deadline() {
    let (fake, target) = fake_and_target().await;
    let tasks = Handle::current().metrics().num_alive_tasks();
    let error = target.error(&format!("unfinished-body {URL}"), &Budget::default().with_deadline(SHORT)).await;
    let Error::Timeout { waiting_for: Some(waiting), .. } = &error else { panic!("{error:?}") };
    assert_eq!(waiting.destination, format!("https://{API}"));
    assert_nothing_is_left(&fake, &target, tasks).await;
}

#[tokio::test]
async fn many_requests_that_nobody_answers_are_all_gone_after_the_deadline() {
    let (fake, target) = fake_and_target().await;
    let tasks = Handle::current().metrics().num_alive_tasks();
    fake.answer_always(Answer::Silence);
    let budget = Budget::default().with_deadline(Duration::from_secs(2));
    let error = target.error(&format!("calls-at-once 20 {URL}"), &budget).await;
    assert!(matches!(error, Error::Timeout { waiting_for: Some(_), .. }), "{error:?}");
    assert_nothing_is_left(&fake, &target, tasks).await;
}

#[tokio::test]
async fn an_answer_without_end_ends_at_its_limit() {
    let (fake, target) = fake_and_target().await;
    let tasks = Handle::current().metrics().num_alive_tasks();
    fake.answer_always(Answer::EndlessBody);
    let lookup = target.attack(&format!("call {URL}"), &Budget::default()).await;
    let error = lookup.result.unwrap_err();
    let is_right = matches!(error, Error::Invalid(_));
    assert!(is_right, "{error:?}");
    // What comes with the last frame that is looked at is received, too.
    assert!(lookup.usage.bytes_received < 2 * 64 * 1024, "{:?}", lookup.usage);
    assert_nothing_is_left(&fake, &target, tasks).await;
}

/// The hostile component does not mind that an answer failed, and would ask again.
#[tokio::test]
async fn an_answer_without_end_is_the_last_one_of_its_lookup() {
    let (fake, target) = fake_and_target().await;
    fake.answer_always(Answer::EndlessBody);
    let budget = Budget::default().with_deadline(Duration::from_secs(60)).with_requests(5);
    let lookup = target.attack(&format!("calls-for-ever {URL}"), &budget).await;
    let error = lookup.result.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    assert_eq!(lookup.usage.requests, 1);
}
