//! What goes wrong before there could be an answer: connecting, TLS, certificates.

use std::sync::Arc;

use keyward_testbed::{Authority, Fault, FaultServer};
use rustls::{CertificateError, Error};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{REQUEST, SERVER_NAMES, all_closed, assert_silent, connect, connect_as, is_pending, read_head};

#[tokio::test]
async fn a_connection_to_a_full_queue_is_not_completed() {
    let server = FaultServer::start(Fault::FullBacklog);
    // That a client gives up makes no room for the next.
    for _ in 0..3 {
        assert!(is_pending(TcpStream::connect(server.address())).await);
    }
    assert_eq!(server.connections_accepted(), 0);
}

#[tokio::test]
async fn silence_before_tls_lasts_until_the_client_closes() {
    let server = FaultServer::start(Fault::TlsSilence);
    let mut quiet = TcpStream::connect(server.address()).await.unwrap();
    let mut talking = TcpStream::connect(server.address()).await.unwrap();
    talking.write_all(&[0x16; 4096]).await.unwrap();
    assert_silent(&mut quiet).await;
    assert_silent(&mut talking).await;
    assert!(is_pending(connect(&server)).await);
    assert_eq!(server.connections_accepted(), 3);

    drop((quiet, talking));
    all_closed(&server).await;
    assert_eq!(server.bytes_sent(), 0);
}

#[tokio::test]
async fn garbage_instead_of_tls_ends_the_handshake() {
    let server = FaultServer::start(Fault::TlsGarbage);
    let error = handshake_error(&server, SERVER_NAMES[0]).await;
    assert!(matches!(error, Error::InvalidMessage(_)), "{error:?}");
    all_closed(&server).await;
    assert!(server.bytes_sent() > 0);
}

#[tokio::test]
async fn garbage_comes_only_once_the_client_has_said_something() {
    let server = FaultServer::start(Fault::TlsGarbage);
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    assert_silent(&mut client).await;
    client.write_all(b"hello").await.unwrap();
    assert_eq!(read_head(&mut client).await, "this is not TLS\r\n\r\n");
    // The server leaves it to the client to find the fault.
    assert_silent(&mut client).await;
    drop(client);
    all_closed(&server).await;
}

#[tokio::test]
async fn a_connection_is_closed_as_soon_as_it_is_accepted() {
    let server = FaultServer::start(Fault::CloseAtOnce);
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    assert_eq!(client.read(&mut [0; 16]).await.unwrap(), 0);
    all_closed(&server).await;
    assert_eq!(server.connections_accepted(), 1);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    assert_refused(Fault::WrongCertificate, |error| {
        matches!(error, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
    })
    .await;
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    assert_refused(Fault::ExpiredCertificate, |error| {
        matches!(error, CertificateError::Expired | CertificateError::ExpiredContext { .. })
    })
    .await;
}

#[tokio::test]
async fn a_certificate_of_an_authority_that_is_not_trusted_is_refused() {
    assert_refused(Fault::UntrustedCertificate, |error| matches!(error, CertificateError::UnknownIssuer)).await;
}

#[tokio::test]
async fn certificates_are_otherwise_those_of_the_given_authority() {
    let authority = Arc::new(Authority::new());
    let server = FaultServer::start_with(authority.clone(), Fault::ServerError);
    assert!(Arc::ptr_eq(&authority, server.authority()));
    for name in SERVER_NAMES {
        let mut client = connect_as(&server, name).await.unwrap();
        client.write_all(REQUEST).await.unwrap();
        assert!(read_head(&mut client).await.starts_with("HTTP/1.1 503 "));
    }
}

async fn assert_refused(fault: Fault, is_the_reason: impl Fn(&CertificateError) -> bool) {
    let server = FaultServer::start(fault);
    for name in SERVER_NAMES {
        match handshake_error(&server, name).await {
            Error::InvalidCertificate(reason) if is_the_reason(&reason) => {}
            error => panic!("refused for another reason: {error:?}"),
        }
    }
    all_closed(&server).await;
    assert_eq!((server.connections_accepted(), server.requests()), (SERVER_NAMES.len(), 0));
}

async fn handshake_error(server: &FaultServer, name: &'static str) -> Error {
    let error = connect_as(server, name).await.map(drop).unwrap_err();
    error.get_ref().and_then(|error| error.downcast_ref::<Error>()).expect("an error of rustls").clone()
}
