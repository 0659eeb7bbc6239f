//! Connections: certificates, counters, and the end.

use std::fs;
use std::sync::Arc;

use keyward_testbed::{Answer, Authority, FakeAws};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::client::{Call, Client, connect_tls, send};

#[tokio::test]
async fn certificates_are_valid_for_whatever_name_is_asked() {
    let fake = FakeAws::start();
    for name in
        ["api.ecr.us-east-1.amazonaws.com", "ecr-public.us-east-1.api.aws", "localhost", "a.name.that.nobody.has.test"]
    {
        let mut client = Client::connect(&fake, name).await;
        assert_eq!(client.send(Call::default().sign()).await.status, 200);
        let seen = fake.requests().pop().unwrap();
        assert_eq!(seen.server_name.as_deref(), Some(name));
    }
}

#[tokio::test]
async fn a_client_that_connects_by_address_gets_a_valid_certificate() {
    let fake = FakeAws::start();
    assert_eq!(fake.url(), format!("https://127.0.0.1:{}", fake.address().port()));
    assert_eq!(send(&fake, Call::default().sign()).await.status, 200);
    assert_eq!(fake.requests()[0].server_name, None);
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_ends_the_handshake() {
    let fake = FakeAws::start();
    let other = Authority::new();
    let connected = connect_tls(fake.address(), other.ca_pem(), "localhost").await;
    assert!(connected.is_err());
    fake.wait_until_async("the handshake has failed", |fake| {
        fake.counters().handshakes_failed == 1 && fake.connections_open() == 0
    })
    .await;
}

#[tokio::test]
async fn two_fakes_can_share_an_authority() {
    let authority = Arc::new(Authority::new());
    let first = FakeAws::start_with(authority.clone());
    let second = FakeAws::start_with(authority.clone());
    for fake in [&first, &second] {
        connect_tls(fake.address(), authority.ca_pem(), "localhost").await.unwrap();
    }
}

#[test]
fn an_issued_certificate_and_its_key_can_be_read_by_other_servers() {
    let issued = Authority::new().issue(&["registry.test", "127.0.0.1"]);
    let certificate = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
}

#[test]
fn the_authoritys_file_goes_with_it() {
    let authority = Authority::new();
    let file = authority.ca_file().to_owned();
    assert_eq!(fs::read_to_string(&file).unwrap(), authority.ca_pem());
    drop(authority);
    assert!(!file.exists());
}

#[tokio::test]
async fn the_counter_of_open_connections_goes_back_to_zero() {
    let fake = FakeAws::start();
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(&fake, "localhost").await;
        client.send(Call::default().sign()).await;
        clients.push(client);
    }
    assert_eq!(fake.connections_open(), 3);
    drop(clients);
    fake.wait_until_async("every connection is closed", |fake| fake.connections_open() == 0).await;
    assert_eq!(fake.connections_accepted(), 3);
    assert_eq!(fake.counters().requests, 3);
}

#[tokio::test]
async fn a_client_that_gives_up_ends_its_connection_whatever_the_answer() {
    for answer in [Answer::Silence, Answer::HeadersThenSilence] {
        let fake = FakeAws::start();
        fake.answer_always(answer);
        let mut client = Client::connect(&fake, "localhost").await;
        let sending = client.begin(Call::default().sign());
        let seen = fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1);
        tokio::select! {
            biased;
            () = seen => {}
            response = sending => drop(response.unwrap()),
        }
        drop(client);
        fake.wait_until_async("the connection is closed", |fake| fake.connections_open() == 0).await;
    }
}

#[tokio::test]
async fn silence_is_ended_by_dropping_the_fake() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    let mut client = Client::connect(&fake, "localhost").await;
    let sending = client.begin(Call::default().sign());
    let dropping = async {
        fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1).await;
        drop(fake);
    };
    let (response, ()) = tokio::join!(sending, dropping);
    assert!(response.is_err());
}

#[tokio::test]
async fn nothing_listens_once_the_fake_is_dropped() {
    let fake = FakeAws::start();
    let address = fake.address();
    let unused = Client::connect(&fake, "localhost").await;
    drop(fake);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    drop(unused);
}
