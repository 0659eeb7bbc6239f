//! Clients that hang up, and upstreams that are stuck.

use std::sync::Arc;

use http::{Method, StatusCode};
use keyward_testbed::{Answer, Authority, Fault, FaultServer, Gate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bed::{Bed, LAYER, MANIFEST, OTHER, OTHER_API, REGISTRY, manifest, through, until};
use crate::client;

/// How an answer begins that is not a refusal.
pub(crate) const OK: &[u8] = b"HTTP/1.1 200";

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_lookup() {
    let authority = Arc::new(Authority::new());
    for fault in Fault::ALL.into_iter().filter(|fault| fault.hangs()) {
        let stuck = FaultServer::start_with(authority.clone(), fault);
        let bed = Bed::start_with(|settings| {
            let ca_file = authority.ca_file().to_str().unwrap();
            settings.config = settings
                .config
                .clone()
                .with_variable("SSL_CERT_FILE", ca_file)
                .with_connect_to(OTHER_API, stuck.address());
        })
        .await;
        let client = ask(&bed, OTHER, MANIFEST).await;
        until("the lookup is under way", async || bed.resolver.live().lookups == 1).await;
        assert_eq!(bed.metric("keyward_lookups_live").await, 1);
        drop(client);
        until("the lookup is gone", async || bed.resolver.live().lookups == 0).await;
        stuck.wait_until_async("its connection is closed", |stuck| stuck.connections_open() == 0).await;
        let lookup = format!("{{registry=\"{OTHER}\",outcome=\"cancelled\",cache=\"miss\",refresh=\"false\"}}");
        let lookup = format!("keyward_lookups_total{lookup}");
        until("the lookup is counted", async || bed.metric(&lookup).await == 1).await;
        until("the client is counted", async || bed.metric(&hung_up(OTHER)).await == 1).await;
    }
}

#[tokio::test]
async fn of_several_clients_that_want_the_same_the_last_one_to_hang_up_ends_the_lookup() {
    let bed = Bed::start().await;
    let gate = Gate::new();
    bed.aws.answer_where(|request| request.host == OTHER_API, Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let first = ask(&bed, OTHER, MANIFEST).await;
    until("the lookup is under way", async || bed.aws.requests().len() == 1).await;
    let second = async { bed.get(OTHER, MANIFEST).await };
    let first_hangs_up = async {
        until("both wait", async || bed.metric(&waiting(OTHER)).await == 2).await;
        drop(first);
        until("the first one is gone", async || bed.metric(&hung_up(OTHER)).await == 1).await;
        gate.open();
    };
    let (answered, ()) = tokio::join!(second, first_hangs_up);
    assert_eq!(answered.body, manifest());
    assert_eq!(bed.aws.requests().len(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_request_to_the_upstream() {
    let bed = Bed::start().await;
    bed.get(REGISTRY, MANIFEST).await;
    for (answer, has_head) in
        [(Answer::Silence, false), (Answer::HeadersThenSilence, true), (Answer::EndlessBody, true)]
    {
        let asked = bed.registry.requests().len();
        bed.registry.answer_next(answer);
        let mut client = ask(&bed, REGISTRY, LAYER).await;
        until("the upstream is asked", async || bed.registry.requests().len() == asked + 1).await;
        if has_head {
            assert_eq!(read_some(&mut client, OK.len()).await, OK);
        }
        drop(client);
        until("nobody asks the upstream", async || bed.metric("registry_proxy_connections").await == 1).await;
        // The connection of the request before may be kept.
        bed.registry.wait_until_async("its connection is closed", |registry| registry.connections_open() <= 1).await;
    }
    assert_eq!(bed.metric(&hung_up(REGISTRY)).await, 1, "the other two had an answer already");
}

#[tokio::test]
async fn other_upstreams_are_served_while_one_is_stuck() {
    const PLACES: usize = 10;
    let bed = Bed::start_with(|settings| {
        settings.limits.connections = PLACES + 2;
        settings.limits.requests_of_one_upstream = PLACES;
    })
    .await;
    let gate = Gate::new();
    bed.aws.answer_where(|request| request.host == OTHER_API, Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let stuck = futures_util::future::join_all((0..PLACES).map(|_| bed.get(OTHER, MANIFEST)));
    let beside = async {
        until("all of them wait", async || bed.metric(&waiting(OTHER)).await == PLACES as u64).await;
        until("AWS is asked", async || bed.aws.requests().len() == 1).await;
        for _ in 0..3 {
            assert_eq!(bed.get(REGISTRY, MANIFEST).await.body, manifest());
        }
        let one_more = bed.get(OTHER, MANIFEST).await;
        assert_eq!((one_more.status, one_more.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"));
        assert_eq!(bed.resolver.live().lookups, 1, "they are no longer stuck");
        gate.open();
    };
    let (answers, ()) = tokio::join!(stuck, beside);
    assert!(answers.iter().all(|answered| answered.body == manifest()), "{answers:?}");
    // One lookup for all of them.
    assert_eq!(bed.aws.requests().len(), 2);
}

/// Asks the proxy, and does not read the answer.
pub(crate) async fn ask(bed: &Bed, upstream: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(bed.address).await.expect("the proxy listens");
    stream.write_all(&client::request(&Method::GET, &through(upstream, path))).await.expect("the proxy reads");
    stream
}

/// Reads so many bytes of an answer, or less where it ends.
pub(crate) async fn read_some(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut read = Vec::new();
    let _ = stream.take(bytes as u64).read_to_end(&mut read).await;
    read
}

fn hung_up(upstream: &str) -> String {
    format!("registry_proxy_requests_total{{upstream=\"{upstream}\",status=\"hung_up\"}}")
}

fn waiting(upstream: &str) -> String {
    format!("registry_proxy_requests_waiting{{upstream=\"{upstream}\"}}")
}
