//! What a trace tells of a lookup: its requests, and its steps where the request asks for them.

use std::time::Duration;

use keyward::{
    Budget, CancelToken, Config, Error, Lookup, Request, RequestFailure, Resolver, SourceOutcome, Trace, TracedRequest,
    TracedStep,
};
use keyward_testbed::{AccessKeys, Answer, FakeAws, PASSWORD_MARK, Role};

use crate::common::{PRIVATE, PRIVATE_API, config, config_without_keys, config_without_retries};

const ROLE: &str = "arn:aws:iam::123456789012:role/Reader";

async fn traced(config: &Config, request: Request, budget: &Budget) -> (Lookup, Trace) {
    let trace = Trace::new();
    let resolver = Resolver::new(config).unwrap();
    let lookup = resolver.look_up_traced(request, budget, &CancelToken::new(), &trace).await;
    (lookup, trace)
}

/// The outcome of each source, by its name.
fn sources(trace: &Trace) -> Vec<(String, SourceOutcome, String)> {
    let steps = trace.steps().into_iter();
    steps
        .filter_map(|step| match step {
            TracedStep::Source { name, outcome, detail, .. } => Some((name, outcome, detail)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_request_is_told_with_its_operation_its_address_and_its_answer() {
    let fake = FakeAws::start();
    let (lookup, trace) = traced(&config(&fake), PRIVATE.into(), &Budget::default()).await;
    lookup.result.unwrap();
    let requests = trace.requests();
    let [request] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((request.method.as_str(), request.destination.clone()), ("POST", format!("https://{PRIVATE_API}")));
    assert_eq!(request.operation.as_deref(), Some("GetAuthorizationToken"));
    assert_eq!((request.address, request.status, &request.failure), (Some(fake.address()), Some(200), &None));
    assert_eq!(request.bytes_received, lookup.usage.bytes_received);
    assert!(request.elapsed <= lookup.usage.wall);
    assert_eq!(trace.usage(), Some(lookup.usage));
    // It is over: no time goes on.
    assert_eq!(trace.requests(), requests);
}

#[tokio::test]
async fn nothing_is_told_of_a_lookup_that_was_not_begun_and_no_steps_to_who_does_not_ask() {
    let fake = FakeAws::start();
    let (lookup, trace) = traced(&config(&fake), PRIVATE.into(), &Budget::default()).await;
    assert!(lookup.result.is_ok() && trace.steps().is_empty());
    let (lookup, trace) = traced(&config(&fake), "docker.io".into(), &Budget::default()).await;
    assert_eq!(lookup.result, Err(Error::NotOurRegistry));
    assert_eq!((trace.requests(), trace.steps(), trace.usage()), (Vec::new(), Vec::new(), None));
}

#[tokio::test]
async fn the_steps_of_a_lookup_are_its_endpoints_and_its_sources() {
    let fake = FakeAws::start();
    let config = config(&fake).with_variable("AWS_ENDPOINT_URL", &format!("{}/hunter2", fake.url()));
    let (lookup, trace) = traced(&config, Request::new(PRIVATE).with_explanation(), &Budget::default()).await;
    // The fake knows no such path.
    assert!(matches!(lookup.result, Err(Error::Invalid(_))));
    let endpoint = TracedStep::Endpoint {
        service: "ecr".to_owned(),
        url: fake.url(),
        region: "us-east-1".to_owned(),
        setting: Some("AWS_ENDPOINT_URL".to_owned()),
    };
    assert_eq!(trace.steps()[0], endpoint);
    assert_eq!(sources(&trace), [("environment".to_owned(), SourceOutcome::Found, "access key ****0001".to_owned())]);
}

#[tokio::test]
async fn a_lookup_without_credentials_tells_every_source_and_why_it_has_none() {
    let fake = FakeAws::start();
    let request = Request::new(PRIVATE).with_explanation();
    let (lookup, trace) = traced(&config_without_keys(&fake), request, &Budget::default()).await;
    let Err(Error::NoCredentials(text)) = &lookup.result else { panic!("{lookup:?}") };
    let sources = sources(&trace);
    assert_eq!(sources.len(), 5);
    for (name, outcome, detail) in &sources {
        assert_eq!(*outcome, SourceOutcome::NotConfigured);
        assert!(text.contains(&format!("{name}: {detail}")), "{name}: {detail} is not in {text}");
    }
    assert!(trace.requests().is_empty());
}

#[tokio::test]
async fn a_role_is_a_step_and_a_request_of_its_own() {
    let fake = FakeAws::start();
    let keys = AccessKeys::new("ASIAROLEKEYS", "role-secret").with_session_token("role-token");
    fake.add_role(Role::new(ROLE).with_keys(keys).with_caller(keyward_testbed::ACCESS_KEY_ID));
    let config = config(&fake).with_variable("AWS_ENDPOINT_URL", &fake.url());
    let request = Request::new(PRIVATE).with_role_arn(ROLE).with_explanation();
    let (lookup, trace) = traced(&config, request, &Budget::default()).await;
    lookup.result.unwrap();
    let operations: Vec<_> = trace.requests().into_iter().map(|request| request.operation.unwrap()).collect();
    assert_eq!(operations, ["AssumeRole", "GetAuthorizationToken"]);
    let sources = sources(&trace);
    assert_eq!((sources[1].0.as_str(), sources[1].1), ("role", SourceOutcome::Found));
    let shown = format!("{:?} {:?}", trace.requests(), trace.steps());
    for secret in ["role-secret", "role-token", "ASIAROLEKEYS", PASSWORD_MARK, keyward_testbed::SECRET_ACCESS_KEY] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
}

#[tokio::test]
async fn a_request_that_fails_says_why_and_what_was_answered_before() {
    let fake = FakeAws::start();
    let budget = Budget::default().with_deadline(Duration::MAX).with_response_bytes(4096);
    let failure = async |answer: Answer| {
        fake.answer_next(answer);
        let (lookup, trace) = traced(&config_without_retries(&fake), PRIVATE.into(), &budget).await;
        lookup.result.unwrap_err();
        let request = trace.requests().pop().unwrap();
        (request.status, request.failure)
    };
    assert_eq!(failure(Answer::DropConnection).await, (None, Some(RequestFailure::ConnectionClosed)));
    assert_eq!(failure(Answer::aws_error(403, "AccessDeniedException", "no")).await, (Some(403), None));
    let (status, fault) = failure(Answer::EndlessBody).await;
    let Some(RequestFailure::Fault(Error::Invalid(text))) = fault else { panic!("{fault:?}") };
    assert!(status == Some(200) && text.contains("larger than 4096 bytes"), "{text}");
}

#[tokio::test]
async fn every_attempt_is_told_and_so_is_one_that_finds_nobody() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::aws_error(500, "ServerException", "oh"));
    let (lookup, trace) = traced(&config(&fake), PRIVATE.into(), &Budget::default()).await;
    lookup.result.unwrap();
    let statuses: Vec<_> = trace.requests().into_iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(500), Some(200)]);

    let config =
        config_without_keys(&fake).with_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://127.0.0.1:1/x");
    let (_, trace) = traced(&config, PRIVATE.into(), &Budget::default()).await;
    let failures: Vec<_> = trace.requests().into_iter().filter_map(|request| request.failure).collect();
    assert!(failures.contains(&RequestFailure::ConnectionRefused), "{failures:?}");
}

/// Waits until the trace has what is wanted, and cancels then.
async fn cancelled_when(
    config: &Config,
    request: Request,
    is_there: impl Fn(&[TracedRequest]) -> bool,
) -> (Lookup, Trace) {
    let (resolver, trace, cancel) = (Resolver::new(config).unwrap(), Trace::new(), CancelToken::new());
    let budget = Budget::default().with_deadline(Duration::MAX);
    let lookup = resolver.look_up_traced(request, &budget, &cancel, &trace);
    let watched = async {
        while !is_there(&trace.requests()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        cancel.cancel();
    };
    let (lookup, ()) = tokio::join!(lookup, watched);
    assert!(matches!(lookup.result, Err(Error::Cancelled { .. })), "{lookup:?}");
    (lookup, trace)
}

#[tokio::test]
async fn a_request_that_was_under_way_at_the_end_is_abandoned_with_what_it_had_of_an_answer() {
    let abandoned = async |answer: Answer, is_there: fn(&TracedRequest) -> bool| {
        // One for each: the request may be given up before its server has seen it, and its answer would be the next one's.
        let fake = FakeAws::start();
        fake.answer_next(answer);
        let is_there = |requests: &[TracedRequest]| requests.first().is_some_and(is_there);
        let (_, trace) = cancelled_when(&config(&fake), PRIVATE.into(), is_there).await;
        let request = trace.requests().pop().unwrap();
        (request.status, request.failure)
    };
    assert_eq!(abandoned(Answer::Silence, |_| true).await, (None, Some(RequestFailure::Abandoned)));
    assert_eq!(
        abandoned(Answer::HeadersThenSilence, |request| request.status.is_some()).await,
        (Some(200), Some(RequestFailure::Abandoned))
    );
}

#[tokio::test]
async fn a_source_that_was_being_asked_at_the_end_is_not_finished() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    let config = config(&fake).with_variable("AWS_ENDPOINT_URL", &fake.url());
    let request = Request::new(PRIVATE).with_role_arn(ROLE).with_explanation();
    let (_, trace) = cancelled_when(&config, request, |requests| !requests.is_empty()).await;
    let told: Vec<_> = sources(&trace).into_iter().map(|(name, outcome, _)| (name, outcome)).collect();
    assert_eq!(
        told,
        [("environment".to_owned(), SourceOutcome::Found), ("role".to_owned(), SourceOutcome::NotFinished)]
    );
}

/// Whoever looks at a trace while its lookup is under way sees the request in it.
#[tokio::test]
async fn a_request_under_way_has_neither_a_status_nor_a_failure() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    let (resolver, trace, cancel) = (Resolver::new(&config(&fake)).unwrap(), Trace::new(), CancelToken::new());
    let budget = Budget::default().with_deadline(Duration::MAX);
    let lookup = resolver.look_up_traced(PRIVATE, &budget, &cancel, &trace);
    let watched = async {
        while fake.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let request = trace.requests().pop().unwrap();
        assert_eq!((request.status, request.failure, trace.usage()), (None, None, None));
        cancel.cancel();
    };
    let (lookup, ()) = tokio::join!(lookup, watched);
    assert!(matches!(lookup.result, Err(Error::Cancelled { .. })));
    assert_eq!(trace.requests()[0].failure, Some(RequestFailure::Abandoned));
}
