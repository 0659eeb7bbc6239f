//! Answers that are wrong, or do not come.

use std::io;

use keyward_testbed::{Fault, FaultServer};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{
    REQUEST, all_closed, assert_silent, connect, content_length, header, read_head, read_text, request,
};

#[tokio::test]
async fn silence_lasts_until_the_client_closes() {
    let server = FaultServer::start(Fault::Silence);
    let mut client = request(&server).await;
    server.wait_until_async("the request is there", |server| server.requests() == 1).await;
    assert_silent(&mut client).await;
    // More of the client changes nothing.
    client.write_all(REQUEST).await.unwrap();
    assert_silent(&mut client).await;
    assert_eq!((server.connections_open(), server.bytes_sent()), (1, 0));

    drop(client);
    all_closed(&server).await;
    assert_eq!((server.connections_accepted(), server.requests()), (1, 1));
}

#[tokio::test]
async fn a_body_is_promised_and_does_not_come() {
    let server = FaultServer::start(Fault::HeadersThenSilence);
    let mut client = request(&server).await;
    let head = read_head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(content_length(&head) > 0);
    assert_silent(&mut client).await;
    drop(client);
    all_closed(&server).await;
}

#[tokio::test]
async fn a_connection_is_reset_instead_of_an_answer() {
    let server = FaultServer::start(Fault::Reset);
    let mut client = request(&server).await;
    assert_eq!(client.read_u8().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    all_closed(&server).await;
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_connection_is_closed_instead_of_an_answer() {
    let server = FaultServer::start(Fault::Close);
    let mut client = request(&server).await;
    // rustls makes an error of an end that TLS does not announce.
    assert_eq!(client.read(&mut [0; 16]).await.unwrap(), 0);
    all_closed(&server).await;
    assert_eq!((server.requests(), server.bytes_sent()), (1, 0));
}

#[tokio::test]
async fn a_body_is_shorter_than_the_answer_says() {
    let server = FaultServer::start(Fault::TooShortBody);
    let mut client = request(&server).await;
    let head = read_head(&mut client).await;
    let mut body = Vec::new();
    client.read_to_end(&mut body).await.unwrap();
    assert!(!body.is_empty() && body.len() < content_length(&head));
    all_closed(&server).await;
}

#[tokio::test]
async fn a_body_is_longer_than_the_answer_says() {
    let server = FaultServer::start(Fault::TooLongBody);
    let mut client = request(&server).await;
    let head = read_head(&mut client).await;
    read_text(&mut client, content_length(&head) + 1).await;
    assert_silent(&mut client).await;
    drop(client);
    all_closed(&server).await;
}

#[tokio::test]
async fn a_redirection_leads_to_where_it_came_from() {
    let server = FaultServer::start(Fault::RedirectLoop);
    let mut client = request(&server).await;
    for number in 1..4 {
        let head = read_head(&mut client).await;
        assert!(head.starts_with("HTTP/1.1 302 "), "{head}");
        assert_eq!(header(&head, "location"), format!("{}/", server.url()));
        assert_eq!(content_length(&head), 0);
        assert_eq!(server.requests(), number);
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    }
    // On another connection too.
    assert!(read_head(&mut request(&server).await).await.starts_with("HTTP/1.1 302 "));
}

#[tokio::test]
async fn an_answer_is_not_http() {
    let server = FaultServer::start(Fault::Garbage);
    let mut client = request(&server).await;
    assert!(!read_head(&mut client).await.contains("HTTP/"));
    assert_silent(&mut client).await;
    drop(client);
    all_closed(&server).await;
}

#[tokio::test]
async fn an_error_of_the_server_is_told_as_it_should_be() {
    let server = FaultServer::start(Fault::ServerError);
    let mut client = request(&server).await;
    for number in 1..4 {
        let head = read_head(&mut client).await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        let body = read_text(&mut client, content_length(&head)).await;
        assert!(serde_json::from_str::<Value>(&body).unwrap()["__type"].is_string());
        assert_silent(&mut client).await;
        assert_eq!(server.requests(), number);
        client.write_all(REQUEST).await.unwrap();
    }
    assert_eq!(server.connections_accepted(), 1);
}

#[tokio::test]
async fn nothing_is_answered_before_the_request_is_whole() {
    let server = FaultServer::start(Fault::ServerError);
    let mut client = connect(&server).await.unwrap();
    let (most, last) = REQUEST.split_at(REQUEST.len() - 1);
    let (head, body) = most.split_at(most.len() - 3);
    client.write_all(head).await.unwrap();
    assert_silent(&mut client).await;
    assert_eq!(server.requests(), 0);
    client.write_all(body).await.unwrap();
    server.wait_until_async("the head is there", |server| server.requests() == 1).await;
    assert_silent(&mut client).await;
    client.write_all(last).await.unwrap();
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 503 "));
}
