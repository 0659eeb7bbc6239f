//! Scripted answers: what is sent, and in which order.

use http_body_util::{BodyExt, Full};
use hyper::Request;
use keyward_testbed::{Answer, FakeAws, Gate};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::client::{Call, Client, send};

#[tokio::test]
async fn queued_answers_come_once_each_then_rules_then_the_standing_answer() {
    let fake = FakeAws::start();
    fake.answer_always(error("Always"));
    fake.answer_where(|request| request.host.starts_with("api.ecr-public"), error("Public"));
    fake.answer_next(error("First"));
    fake.answer_next(error("Second"));

    let mut codes = Vec::new();
    for call in [Call::public(), Call::default(), Call::public(), Call::default(), Call::default()] {
        codes.push(send(&fake, call.sign()).await.code().to_owned());
    }
    assert_eq!(codes, ["First", "Second", "Public", "Always", "Always"]);
}

#[tokio::test]
async fn of_two_rules_that_hold_the_later_counts() {
    let fake = FakeAws::start();
    fake.answer_where(|_| true, error("Earlier"));
    fake.answer_where(|_| true, error("Later"));
    assert_eq!(send(&fake, Call::default().sign()).await.code(), "Later");
}

#[tokio::test]
async fn a_raw_answer_is_given_to_an_unsigned_request_too() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::Raw {
        status: 503,
        headers: vec![
            ("Content-Type".to_owned(), "text/html".to_owned()),
            ("X-Amzn-RequestId".to_owned(), "chosen".to_owned()),
        ],
        body: b"<html>".to_vec(),
    });
    let request = Request::get("/anything").body(Full::default()).unwrap();
    let reply = send(&fake, request).await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.content_type.as_deref(), Some("text/html"));
    assert_eq!(reply.request_id.as_deref(), Some("chosen"));
    assert!(!fake.requests()[0].signature_is_right);
}

#[tokio::test]
async fn a_raw_answer_that_claims_more_than_it_has_is_cut_off() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::Raw {
        status: 200,
        headers: vec![("content-length".to_owned(), "100".to_owned())],
        body: b"{".to_vec(),
    });
    let mut client = Client::connect(&fake, "127.0.0.1").await;
    let response = client.begin(Call::default().sign()).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
}

#[test]
#[should_panic(expected = "not an HTTP header")]
fn a_header_that_cannot_be_sent_panics_where_it_is_scripted() {
    FakeAws::start().answer_next(Answer::Raw {
        status: 200,
        headers: vec![("x".to_owned(), "line\nbreak".to_owned())],
        body: Vec::new(),
    });
}

#[tokio::test]
async fn a_held_answer_waits_for_its_gate() {
    let fake = FakeAws::start();
    let gate = Gate::new();
    fake.answer_always(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let (first, second) = (Call::default().sign(), Call::default().sign());
    let replies = async { tokio::join!(send(&fake, first), send(&fake, second)) };
    let opening = async {
        fake.wait_until_async("both requests are under way", |fake| fake.requests().len() == 2).await;
        gate.open();
    };
    let ((first, second), ()) = tokio::join!(replies, opening);
    assert_eq!((first.status, second.status), (200, 200));
}

#[tokio::test]
async fn a_delayed_answer_comes_in_the_end() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::Delayed(Duration::from_millis(1), Box::new(error("Late"))));
    assert_eq!(send(&fake, Call::default().sign()).await.code(), "Late");
}

#[tokio::test]
async fn headers_then_silence_sends_the_head_and_no_body() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::HeadersThenSilence);
    let mut client = Client::connect(&fake, "127.0.0.1").await;
    let response = client.begin(Call::default().sign()).await.unwrap();
    assert_eq!(response.status(), 200);
    drop(fake);
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn an_endless_body_goes_on() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::EndlessBody);
    let mut client = Client::connect(&fake, "127.0.0.1").await;
    let response = client.begin(Call::default().sign()).await.unwrap();
    let mut body = response.into_body();
    let mut received = 0;
    while received < 1_000_000 {
        let frame = body.frame().await.unwrap().unwrap();
        received += frame.into_data().unwrap().len();
    }
    drop((body, client));
    fake.wait_until_async("the connection is closed", |fake| fake.connections_open() == 0).await;
}

#[tokio::test]
async fn a_long_body_has_the_length_that_a_test_says_and_does_not_tell_it() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::LongBody(10_000));
    let mut client = Client::connect(&fake, "127.0.0.1").await;
    let response = client.begin(Call::default().sign()).await.unwrap();
    assert_eq!(response.headers().get("content-length"), None);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), 10_000);
    assert!(body.iter().all(|byte| *byte == b' '));
}

#[tokio::test]
async fn a_dropped_connection_is_an_error_and_not_an_answer() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::DropConnection);
    let mut client = Client::connect(&fake, "127.0.0.1").await;
    assert!(client.begin(Call::default().sign()).await.is_err());
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn tokens_live_as_long_as_a_test_says() {
    let fake = FakeAws::start();
    fake.set_token_lifetime(Duration::from_secs(60));
    let now = || {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        since_epoch.as_secs_f64()
    };
    let before = now();
    let reply = send(&fake, Call::default().sign()).await;
    let expires_at = reply.body["authorizationData"][0]["expiresAt"].as_f64().unwrap();
    // A millisecond each way for the rounding to three digits.
    assert!(before + 59.999 <= expires_at && expires_at <= now() + 60.001);
}

fn error(code: &str) -> Answer {
    Answer::aws_error(400, code, "scripted")
}
