//! What clients may hold, and how the proxy ends.

use std::time::Duration;

use http::StatusCode;
use keyward_testbed::{Answer, Gate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bed::{Bed, LAYER, MANIFEST, OTHER, OTHER_API, REGISTRY, manifest, until};
use crate::client;
use crate::hang_up::{OK, ask, read_some};

#[tokio::test]
async fn a_client_that_does_not_finish_its_request_is_sent_away() {
    let bed = Bed::start_with(|settings| settings.limits.client_head = Duration::from_millis(100)).await;
    let mut idle = TcpStream::connect(bed.address).await.unwrap();
    let mut slow = TcpStream::connect(bed.address).await.unwrap();
    slow.write_all(b"GET /v2/ HTTP/1.1\r\nhost: ").await.unwrap();
    for stream in [&mut idle, &mut slow] {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
    }
    until("both are gone", async || bed.metric("registry_proxy_connections").await == 1).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_sent_away() {
    let bed = Bed::start_with(|settings| settings.limits.client_stall = Duration::from_millis(100)).await;
    bed.registry.answer_where(|request| request.path == LAYER, Answer::EndlessBody);
    let _client = ask(&bed, REGISTRY, LAYER).await;
    until("the upstream is asked", async || bed.registry.requests().len() == 1).await;
    until("the client is gone", async || bed.metric("registry_proxy_connections").await == 1).await;
    bed.registry.wait_until_async("the upstream is left alone", |registry| registry.connections_open() == 0).await;
}

#[tokio::test]
async fn a_request_with_a_body_is_refused() {
    let bed = Bed::start().await;
    let mut stream = TcpStream::connect(bed.address).await.unwrap();
    let head = format!("GET /v2/{REGISTRY}/a/manifests/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
    assert!(bed.aws.requests().is_empty());
}

#[tokio::test]
async fn of_more_clients_than_may_be_connected_the_next_one_is_served_when_one_has_gone() {
    let bed = Bed::start_with(|settings| settings.limits.connections = 2).await;
    let gate = Gate::new();
    bed.aws.answer_where(|request| request.host == OTHER_API, Answer::Held(gate, Box::new(Answer::Token)));
    // What the third one wants is known, so that nothing but its connection is to be waited for.
    bed.get(REGISTRY, MANIFEST).await;
    let (asked_aws, asked) = (bed.aws.requests().len(), bed.registry.requests().len());
    let first = ask(&bed, OTHER, MANIFEST).await;
    let second = ask(&bed, OTHER, MANIFEST).await;
    until("both wait for one lookup", async || bed.aws.requests().len() == asked_aws + 1).await;
    let mut third = ask(&bed, REGISTRY, MANIFEST).await;
    // However long: connections are taken in the order in which they come.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bed.registry.requests().len(), asked, "there were three");
    drop(first);
    assert_eq!(read_some(&mut third, OK.len()).await, OK);
    drop((second, third));
    assert_eq!(bed.get(REGISTRY, MANIFEST).await.body, manifest());
}

#[tokio::test]
async fn told_to_stop_it_answers_what_is_under_way_and_takes_nothing_new() {
    let mut bed = Bed::start().await;
    let gate = Gate::new();
    bed.aws.answer_where(|request| request.host == OTHER_API, Answer::Held(gate.clone(), Box::new(Answer::Token)));
    // One that has nothing to wait for.
    let _idle = TcpStream::connect(bed.address).await.unwrap();
    let address = bed.address;
    let path = crate::bed::through(OTHER, MANIFEST);
    let under_way = tokio::spawn(async move { client::get(address, &path).await });
    until("it is under way", async || bed.aws.requests().len() == 1).await;
    bed.stop();
    until("nobody listens", async || TcpStream::connect(address).await.is_err()).await;
    gate.open();
    let answered = under_way.await.unwrap();
    assert_eq!((answered.status, answered.body), (StatusCode::OK, manifest().into()));
    bed.has_ended().await;
    assert_eq!(bed.resolver.live().lookups, 0);
}

#[tokio::test]
async fn what_is_stuck_when_it_is_told_to_stop_ends_with_its_grace() {
    let mut bed = Bed::start_with(|settings| settings.limits.grace = Duration::from_millis(50)).await;
    bed.aws.answer_where(|request| request.host == OTHER_API, Answer::Silence);
    let _client = ask(&bed, OTHER, MANIFEST).await;
    until("it is under way", async || bed.aws.requests().len() == 1).await;
    bed.stop();
    bed.has_ended().await;
    assert_eq!(bed.resolver.live().lookups, 0);
    bed.aws.wait_until_async("its connection is closed", |aws| aws.connections_open() == 0).await;
}
