//! Many connections at once, and the end of a server.

use keyward_testbed::{Fault, FaultServer};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::client::{all_closed, request};

const MANY: usize = 300;

#[tokio::test]
async fn many_connections_are_held_at_once() {
    let server = FaultServer::start(Fault::Silence);
    let mut clients = Vec::new();
    for _ in 0..MANY {
        clients.push(request(&server).await);
    }
    server.wait_until_async("every request is there", |server| server.requests() == MANY).await;
    assert_eq!((server.connections_accepted(), server.connections_open()), (MANY, MANY));
    clients.truncate(MANY / 3);
    server.wait_until_async("most are closed", |server| server.connections_open() == MANY / 3).await;
    drop(clients);
    all_closed(&server).await;
    assert_eq!(server.connections_accepted(), MANY);
}

#[tokio::test]
async fn dropping_the_server_ends_every_connection() {
    for fault in [Fault::TlsSilence, Fault::TlsGarbage] {
        let server = FaultServer::start(fault);
        let mut client = TcpStream::connect(server.address()).await.unwrap();
        server.wait_until_async("it is accepted", |server| server.connections_open() == 1).await;
        drop(server);
        assert!(client.read_u8().await.is_err());
    }
    for fault in [Fault::Silence, Fault::BodyDrip, Fault::EndlessBody, Fault::InterimFlood, Fault::ServerError] {
        let server = FaultServer::start(fault);
        let mut client = request(&server).await;
        server.wait_until_async("the request is there", |server| server.requests() == 1).await;
        drop(server);
        while client.read_u8().await.is_ok() {}
    }
}

#[tokio::test]
async fn nothing_listens_once_the_server_is_dropped() {
    for fault in [Fault::FullBacklog, Fault::Silence] {
        let server = FaultServer::start(fault);
        let address = server.address();
        drop(server);
        assert!(TcpStream::connect(address).await.is_err());
    }
}
