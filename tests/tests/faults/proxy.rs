//! The proxy forwards, refuses, and records.

use keyward_testbed::{Fault, FaultServer, TestProxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{REQUEST, all_closed, assert_silent, connect_over, read_head, read_text};

const NAME: &str = "api.ecr.eu-central-1.amazonaws.com";
const CONNECT: &[u8] = b"CONNECT api.ecr.eu-central-1.amazonaws.com:443 HTTP/1.1\r\n\
    Host: api.ecr.eu-central-1.amazonaws.com:443\r\nproxy-authorization: Basic dXNlcjpwYXNz\r\n\r\n";

#[tokio::test]
async fn a_tunnel_leads_to_the_one_server_whatever_is_asked_for() {
    let server = FaultServer::start(Fault::ServerError);
    let proxy = TestProxy::start(server.address());
    let mut tunnel = ask(&proxy, CONNECT).await;
    assert!(read_head(&mut tunnel).await.starts_with("HTTP/1.1 200 "));
    let mut client = connect_over(tunnel, server.authority(), NAME).await.unwrap();
    client.write_all(REQUEST).await.unwrap();
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 503 "));

    let mut other = ask(&proxy, b"CONNECT other.test:8443 HTTP/1.1\r\n\r\n").await;
    assert!(read_head(&mut other).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(proxy.targets(), [format!("{NAME}:443"), "other.test:8443".to_owned()]);
    assert_eq!(proxy.authorizations(), [Some("Basic dXNlcjpwYXNz".to_owned()), None]);
    assert!(proxy.absolute_requests().is_empty());
    assert_eq!((proxy.connections_accepted(), proxy.connections_open()), (2, 2));

    drop((client, other));
    assert_closed(&proxy).await;
    all_closed(&server).await;
}

#[tokio::test]
async fn requests_for_absolute_urls_are_sent_on_unchanged() {
    const GET: &[u8] = b"GET http://metadata.test/latest/token?x=1 HTTP/1.1\r\nhOsT:metadata.test\r\n\r\n";
    const POST: &[u8] =
        b"POST http://other.test/ HTTP/1.1\r\nProxy-Authorization: Bearer abc\r\nContent-Length: 4\r\n\r\n\x00\xff\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = TestProxy::start(listener.local_addr().unwrap());
    let mut client = ask(&proxy, GET).await;
    let (mut server, _) = listener.accept().await.unwrap();
    for (sent, answer) in [(GET, "first"), (POST, "other")] {
        if sent == POST {
            client.write_all(POST).await.unwrap();
        }
        let mut received = vec![0; sent.len()];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(received, sent);
        server.write_all(answer.as_bytes()).await.unwrap();
        assert_eq!(read_text(&mut client, answer.len()).await, answer);
    }
    assert_eq!(proxy.absolute_requests(), ["http://metadata.test/latest/token?x=1", "http://other.test/"]);
    assert_eq!(proxy.authorizations(), [None, Some("Bearer abc".to_owned())]);
    assert!(proxy.targets().is_empty());

    drop(server);
    assert!(client.read_u8().await.is_err());
    assert_closed(&proxy).await;
}

#[tokio::test]
async fn a_refusal_is_recorded_and_answered_with_its_status() {
    let proxy = TestProxy::refusing(407);
    let mut client = ask(&proxy, CONNECT).await;
    let head = read_head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 407 Proxy Authentication Required\r\n"), "{head}");
    assert_eq!(client.read(&mut [0; 16]).await.unwrap(), 0);
    assert_closed(&proxy).await;
    assert_eq!(proxy.targets(), [format!("{NAME}:443")]);
    assert_eq!(proxy.authorizations().len(), 1);
    assert!(!format!("{proxy:?}").contains("dXNlcjpwYXNz"));
}

#[tokio::test]
async fn what_is_not_for_a_proxy_is_refused() {
    let proxy = TestProxy::start(FaultServer::start(Fault::Silence).address());
    let mut client = ask(&proxy, REQUEST).await;
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 400 "));
    assert!(proxy.targets().is_empty() && proxy.absolute_requests().is_empty() && proxy.authorizations().is_empty());
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told() {
    let address = FaultServer::start(Fault::Silence).address();
    let proxy = TestProxy::start(address);
    let mut client = ask(&proxy, CONNECT).await;
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 502 "));
}

#[tokio::test]
async fn a_client_that_gives_up_ends_its_tunnel() {
    let server = FaultServer::start(Fault::TlsSilence);
    let proxy = TestProxy::start(server.address());
    let mut client = ask(&proxy, CONNECT).await;
    read_head(&mut client).await;
    client.write_all(REQUEST).await.unwrap();
    assert_silent(&mut client).await;
    drop(client);
    assert_closed(&proxy).await;
    all_closed(&server).await;
}

#[tokio::test]
async fn a_client_that_gives_up_before_there_is_a_tunnel_ends_its_connection() {
    let server = FaultServer::start(Fault::FullBacklog);
    let proxy = TestProxy::start(server.address());
    let mut client = ask(&proxy, CONNECT).await;
    assert_silent(&mut client).await;
    assert_eq!(proxy.connections_open(), 1);
    drop(client);
    assert_closed(&proxy).await;
}

#[tokio::test]
async fn a_server_that_is_silent_before_tls_is_a_proxy_that_never_answers() {
    let proxy = FaultServer::start(Fault::TlsSilence);
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    client.write_all(CONNECT).await.unwrap();
    assert_silent(&mut client).await;
    drop(client);
    all_closed(&proxy).await;
}

#[tokio::test]
async fn dropping_the_proxy_ends_its_tunnels() {
    let server = FaultServer::start(Fault::TlsSilence);
    let proxy = TestProxy::start(server.address());
    let mut client = ask(&proxy, CONNECT).await;
    read_head(&mut client).await;
    drop(proxy);
    assert!(client.read_u8().await.is_err());
    all_closed(&server).await;
}

async fn ask(proxy: &TestProxy, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(request).await.unwrap();
    stream
}

async fn assert_closed(proxy: &TestProxy) {
    proxy.wait_until_async("every connection is closed", |proxy| proxy.connections_open() == 0).await;
}
