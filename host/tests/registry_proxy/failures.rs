//! Where there is no answer of an upstream's.

use std::time::Duration;

use http::header::{ALLOW, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use keyward::Budget;
use keyward_testbed::Answer;

use crate::bed::{Bed, MANIFEST, OTHER, OTHER_API, REGISTRY, manifest, through};
use crate::client;

#[tokio::test]
async fn what_is_not_configured_or_is_no_pull_is_refused() {
    let bed = Bed::start().await;
    let answered = bed.get("123456789012.dkr.ecr.us-west-2.amazonaws.com", MANIFEST).await;
    assert_eq!((answered.status, answered.code().as_str()), (StatusCode::NOT_FOUND, "NAME_UNKNOWN"));
    for method in [Method::PUT, Method::POST, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let request = Request::builder().method(&method).uri(through(REGISTRY, MANIFEST));
        let answered = client::send(bed.address, request).await;
        assert_eq!((answered.status, answered.code().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED"));
        assert_eq!(answered.headers[ALLOW], "GET, HEAD");
    }
    for path in ["/", "/v2/_catalog", "/v2/team/image/manifests/../1", "http://169.254.169.254/latest/meta-data"] {
        let answered = client::get(bed.address, path).await;
        assert_eq!((answered.status, answered.code().as_str()), (StatusCode::NOT_FOUND, "UNSUPPORTED"), "{path}");
    }
    assert!(bed.registry.requests().is_empty() && bed.aws.requests().is_empty());
    assert_eq!(client::get(bed.address, "/healthz").await.text(), "ok\n");
}

#[tokio::test]
async fn a_lookup_that_fails_is_an_error_of_the_distribution_api_and_the_next_one_is_asked_anew() {
    let bed = Bed::start_with(|settings| {
        settings.config = settings
            .config
            .clone()
            .with_budget(Budget::default().with_deadline(Duration::from_millis(500)))
            .with_variable("AWS_MAX_ATTEMPTS", "1");
    })
    .await;
    let error = Answer::aws_error;
    for (answer, status, code, is_temporary) in [
        (Answer::Silence, StatusCode::GATEWAY_TIMEOUT, "UNAVAILABLE", true),
        (error(400, "ThrottlingException", "Rate exceeded"), StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", true),
        (error(500, "ServerException", "It failed"), StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", true),
        (
            error(400, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/proxy is not authorized"),
            StatusCode::BAD_GATEWAY,
            "DENIED",
            false,
        ),
        (
            Answer::Raw { status: 200, headers: Vec::new(), body: b"{}".to_vec() },
            StatusCode::INTERNAL_SERVER_ERROR,
            "UNKNOWN",
            false,
        ),
    ] {
        bed.aws.answer_where(|request| request.host == OTHER_API, answer);
        let answered = bed.get(OTHER, MANIFEST).await;
        assert_eq!((answered.status, answered.code().as_str()), (status, code), "{answered:?}");
        assert_eq!(answered.headers.contains_key(RETRY_AFTER), is_temporary);
        // Who the proxy is to AWS is told to nobody.
        assert!(!answered.text().contains("arn:aws"), "{answered:?}");
    }
    assert!(bed.registry.requests().is_empty(), "the upstream was asked without a credential");

    bed.aws.answer_where(|request| request.host == OTHER_API, Answer::Token);
    assert_eq!(bed.get(OTHER, MANIFEST).await.body, manifest());
}

#[tokio::test]
async fn an_upstream_that_cannot_be_reached_or_takes_too_long_is_not_waited_for() {
    let bed = Bed::start_with(|settings| {
        settings.limits.upstream_head = Duration::from_millis(300);
        settings.limits.upstream_stall = Duration::from_millis(300);
        // Nobody listens there.
        settings.upstreams[1] = format!("{OTHER}=http://127.0.0.1:1");
    })
    .await;
    let answered = bed.get(OTHER, MANIFEST).await;
    assert_eq!((answered.status, answered.code().as_str()), (StatusCode::BAD_GATEWAY, "UNAVAILABLE"));

    bed.registry.answer_next(Answer::Silence);
    let answered = bed.get(REGISTRY, MANIFEST).await;
    assert_eq!((answered.status, answered.code().as_str()), (StatusCode::GATEWAY_TIMEOUT, "UNAVAILABLE"));
    assert!(answered.headers.contains_key(RETRY_AFTER));

    // The head is the client's already: all that is left is to break off, and not to make it look whole.
    for answer in [
        Answer::HeadersThenSilence,
        Answer::Raw {
            status: 200,
            headers: vec![("content-length".to_owned(), "100".to_owned())],
            body: vec![b'x'; 10],
        },
    ] {
        bed.registry.answer_next(answer);
        let answered = client::try_send(bed.address, Request::get(through(REGISTRY, MANIFEST))).await;
        assert!(answered.is_err(), "{answered:?}");
    }
    assert_eq!(bed.get(REGISTRY, MANIFEST).await.body, manifest());
}
