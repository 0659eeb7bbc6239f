//! Which faults a client without a deadline would wait for.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use keyward_testbed::{Authority, Fault, FaultServer};
use tokio::task::JoinSet;

use crate::client::{all_closed, connect};

/// A client that limits what it reads, as clients do.
const LIMIT: usize = 64 * 1024;

/// How long a client that ends by itself may take: a bound for a test that would hang.
const BOUND: Duration = Duration::from_secs(20);

/// How long a client has to wait for a test to conclude that it always will.
const LONG: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_client_without_a_deadline_waits_exactly_where_the_fault_says_so() {
    let authority = Arc::new(Authority::new());
    let mut lookups = JoinSet::new();
    for fault in Fault::ALL {
        let server = FaultServer::start_with(authority.clone(), fault);
        lookups.spawn(async move {
            let wait = if fault.hangs() { LONG } else { BOUND };
            let waits = tokio::time::timeout(wait, look_up(&server)).await.is_err();
            assert_eq!(waits, fault.hangs(), "{fault}");
            // Whatever the fault, a client that is gone leaves nothing behind.
            all_closed(&server).await;
        });
    }
    while let Some(ended) = lookups.join_next().await {
        ended.unwrap();
    }
}

/// Sends a request and reads the answer. How it ends does not matter here.
async fn look_up(server: &FaultServer) {
    let Ok(stream) = connect(server).await else {
        return;
    };
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    // Dropped with this task's future, as the connection of a client that gives up has to be.
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let request = Request::post("/").header("host", "registry.test").body(Full::<Bytes>::from("{}")).unwrap();
    if let Ok(response) = sender.send_request(request).await {
        let _ = Limited::new(response.into_body(), LIMIT).collect().await;
    }
}
