//! Answers that have no end.

use std::time::Duration;

use keyward_testbed::{Fault, FaultServer};
use tokio::io::AsyncReadExt;

use crate::client::{all_closed, assert_silent, read_head, read_text, request};

/// More than fits between a server and a client that does not read would be much more.
const MUCH: usize = 2 * 1024 * 1024;

/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_head_drips_without_an_end() {
    let server = FaultServer::start(Fault::HeaderDrip);
    server.set_drip_interval(Duration::from_millis(1));
    let mut client = request(&server).await;
    let head = read_text(&mut client, 100).await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("xxxx"), "{head}");
    assert!(!head.contains("\r\n\r\n"));
    drop(client);
    all_closed(&server).await;
}

#[tokio::test]
async fn a_body_drips_without_an_end() {
    let server = FaultServer::start(Fault::BodyDrip);
    server.set_drip_interval(Duration::from_millis(1));
    let mut client = request(&server).await;
    read_head(&mut client).await;
    assert_eq!(read_text(&mut client, 50).await, " ".repeat(50));
    drop(client);
    all_closed(&server).await;
}

#[tokio::test]
async fn what_drips_waits_before_every_byte() {
    for fault in [Fault::HeaderDrip, Fault::BodyDrip] {
        let server = FaultServer::start(fault);
        server.set_drip_interval(NEVER);
        let mut client = request(&server).await;
        server.wait_until_async("the answer has begun", |server| server.bytes_sent() > 0).await;
        let opening = server.bytes_sent();
        read_text(&mut client, opening.try_into().unwrap()).await;
        assert_silent(&mut client).await;
        assert_eq!(server.bytes_sent(), opening);
        // The pause is not waited for either once the client is gone.
        drop(client);
        all_closed(&server).await;
    }
}

#[tokio::test]
async fn a_body_goes_on_for_as_long_as_it_is_read() {
    let server = FaultServer::start(Fault::EndlessBody);
    let mut client = request(&server).await;
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(read_text(&mut client, MUCH).await.trim(), "");
}

#[tokio::test]
async fn headers_go_on_for_as_long_as_they_are_read() {
    let server = FaultServer::start(Fault::EndlessHeaders);
    let mut client = request(&server).await;
    let head = read_text(&mut client, MUCH).await;
    assert!(!head.contains("\r\n\r\n"));
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("HTTP/1.1 200 OK"));
    // Of the last line, only the beginning was read.
    lines.next_back();
    assert!(lines.all(|line| line == "x-endless: headers"));
}

#[tokio::test]
async fn interim_answers_go_on_for_as_long_as_they_are_read() {
    let server = FaultServer::start(Fault::InterimFlood);
    let mut client = request(&server).await;
    for _ in 0..10_000 {
        assert_eq!(read_head(&mut client).await, "HTTP/1.1 100 Continue\r\n\r\n");
    }
}

#[tokio::test]
async fn a_client_that_closes_without_reading_is_noticed() {
    for fault in [Fault::EndlessBody, Fault::EndlessHeaders, Fault::InterimFlood] {
        let server = FaultServer::start(fault);
        let client = request(&server).await;
        wait_until_stuck(&server).await;
        assert_eq!(server.connections_open(), 1);
        drop(client);
        all_closed(&server).await;
    }
}

#[tokio::test]
async fn a_client_that_goes_on_reading_is_sent_more() {
    let server = FaultServer::start(Fault::EndlessBody);
    let mut client = request(&server).await;
    let sent = wait_until_stuck(&server).await;
    let mut read = vec![0; usize::try_from(sent).unwrap() + MUCH];
    client.read_exact(&mut read).await.unwrap();
    server.wait_until_async("more was sent", |server| server.bytes_sent() > sent).await;
}

/// Waits until the server cannot send more, since nobody reads.
async fn wait_until_stuck(server: &FaultServer) -> u64 {
    let (mut last, mut looks) = (0, 0);
    server
        .wait_until_async("nothing more is sent", |server| {
            let sent = server.bytes_sent();
            looks = if sent > 0 && sent == last { looks + 1 } else { 0 };
            last = sent;
            looks == 25
        })
        .await;
    last
}
