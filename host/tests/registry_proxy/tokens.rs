//! Tokens that an upstream refuses, and those that it gives out itself.

use std::time::Duration;

use http::StatusCode;
use keyward_testbed::Answer;

use crate::bed::{Bed, FOREIGN, MANIFEST, REGISTRY, found, login, login_by, manifest, refused, until};

#[tokio::test]
async fn a_token_that_is_refused_before_its_time_is_looked_up_anew() {
    for status in [401, 403] {
        let bed = Bed::start().await;
        assert_eq!(bed.get(REGISTRY, MANIFEST).await.status, StatusCode::OK);
        // The session that it was got with is over.
        bed.registry.answer_next(refused(status));
        let answered = bed.get(REGISTRY, MANIFEST).await;
        assert_eq!((answered.status, answered.body), (StatusCode::OK, manifest().into()));
        assert_eq!(bed.registry.requests().len(), 3);
        assert_eq!(bed.aws.requests().len(), 2);
        assert_eq!(bed.metric(&format!("registry_proxy_renewals_total{{upstream=\"{REGISTRY}\"}}")).await, 1);
    }
}

#[tokio::test]
async fn who_may_not_pull_makes_nobody_ask_aws_again_and_again() {
    let bed = Bed::start().await;
    for _ in 0..5 {
        let answered = bed.get(REGISTRY, "/v2/team/secret/manifests/1").await;
        assert_eq!((answered.status, answered.code().as_str()), (StatusCode::UNAUTHORIZED, "DENIED"));
    }
    // The first one's token was new, the second one's was looked up anew, and the others' were believed.
    assert_eq!(bed.aws.requests().len(), 2);
    assert_eq!(bed.registry.requests().len(), 6);
}

#[tokio::test]
async fn many_that_are_refused_together_are_served_by_one_new_token() {
    let bed = Bed::start().await;
    bed.get(REGISTRY, MANIFEST).await;
    // The session that the old one was got with is over: who asks with it again is refused again.
    bed.aws.set_password_suffix("of the next session");
    let (old, new) = (login("us-east-1"), login_by("us-east-1", "of the next session"));
    bed.registry.answer_where(move |request| request.header("authorization") == Some(&old), refused(401));
    bed.registry.answer_where(
        move |request| request.header("authorization") == Some(&new),
        found("application/json", manifest()),
    );
    // All of them ask with the old one before any of them hears that it is over.
    let gate = keyward_testbed::Gate::new();
    for _ in 0..20 {
        bed.registry.answer_next(Answer::Held(gate.clone(), Box::new(refused(401))));
    }
    let clients = (0..20).map(|_| bed.get(REGISTRY, MANIFEST));
    let all_are_there = async {
        until("all have asked", async || bed.registry.requests().len() == 21).await;
        gate.open();
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(clients), all_are_there);
    assert!(answers.iter().all(|answered| answered.status == StatusCode::OK), "{answers:?}");
    assert_eq!(bed.aws.requests().len(), 2);
}

#[tokio::test]
async fn a_registry_that_gives_out_its_own_tokens_gives_one_for_the_credential() {
    let bed = Bed::start().await;
    gives_out_tokens(&bed, REGISTRY);
    for _ in 0..2 {
        assert_eq!(bed.get(REGISTRY, MANIFEST).await.body, manifest());
    }
    let basic = Some(login("us-east-1"));
    let bearer = Some("Bearer of-the-registry".to_owned());
    assert_eq!(bed.logins(), [basic.clone(), basic, bearer.clone(), bearer]);
    assert_eq!(bed.registry.requests()[1].path, "/token?service=registry&scope=repository:team/image:pull");
}

#[tokio::test]
async fn a_token_that_begins_and_does_not_end_is_not_waited_for() {
    let bed = Bed::start_with(|settings| settings.limits.upstream_head = Duration::from_millis(300)).await;
    challenges(&bed, &format!("{}/token", bed.registry.url()));
    bed.registry.answer_where(|request| request.path.starts_with("/token?"), Answer::HeadersThenSilence);
    let answered = tokio::time::timeout(Duration::from_secs(20), bed.get(REGISTRY, MANIFEST)).await;
    let answered = answered.expect("the proxy has a limit");
    assert_eq!((answered.status, answered.code().as_str()), (StatusCode::GATEWAY_TIMEOUT, "UNAVAILABLE"));
}

#[tokio::test]
async fn a_credential_is_given_to_no_other_host_for_its_token() {
    let bed = Bed::start().await;
    let elsewhere = keyward_testbed::FakeMetadata::start();
    elsewhere.answer_always(found("application/json", b"{\"token\":\"of-the-registry\"}".to_vec()));
    challenges(&bed, &format!("{}/token", elsewhere.url()));
    for upstream in [REGISTRY, FOREIGN] {
        assert_eq!(bed.get(upstream, MANIFEST).await.body, manifest());
    }
    let asked = elsewhere.requests();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|request| request.header("authorization").is_none()));
}

/// Makes the registry want its own token, which it gives out for the credential.
fn gives_out_tokens(bed: &Bed, upstream: &str) {
    assert_eq!(upstream, REGISTRY);
    challenges(bed, &format!("{}/token", bed.registry.url()));
    let right = login("us-east-1");
    bed.registry.answer_where(
        move |request| request.path.starts_with("/token?") && request.header("authorization") == Some(&right),
        found("application/json", b"{\"token\":\"of-the-registry\",\"expires_in\":300}".to_vec()),
    );
}

/// Makes the registry want its own token, which is given out there.
fn challenges(bed: &Bed, realm: &str) {
    let challenge = format!("Bearer realm=\"{realm}\",service=\"registry\",scope=\"repository:team/image:pull\"");
    let headers = vec![("www-authenticate".to_owned(), challenge)];
    let refusal = Answer::Raw { status: 401, headers, body: Vec::new() };
    bed.registry.answer_where(|request| request.path == MANIFEST, refusal);
    bed.registry.answer_where(
        |request| request.path == MANIFEST && request.header("authorization") == Some("Bearer of-the-registry"),
        found("application/json", manifest()),
    );
}
