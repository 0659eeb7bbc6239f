//! How long a healthy call takes beside others that wait for a name server which is dead.

use std::time::{Duration, Instant};

use keyward_sdk_peers::{call, client, client_with_default_timeouts};
use keyward_testbed::Footprint;
use keyward_testbed::stuck::{DEAD_NAMES, Servers, emit, milliseconds};
use tokio::time::{sleep, timeout};

use crate::number;

/// How long the healthy call may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn measure(words: &[&str]) {
    let [timeouts, calls] = words else { panic!("{words:?}") };
    let servers = Servers::start(&["fake-aws", DEAD_NAMES]);
    let new = if *timeouts == "none" { client } else { client_with_default_timeouts };
    let endpoint = format!("https://localhost:{}", servers.addresses[0].port());
    let (stuck, healthy) = (new(None, &servers.ca_file), new(Some(&endpoint), &servers.ca_file));
    let alone = Instant::now();
    call(&healthy).await.expect("the fake answers");
    let alone = alone.elapsed();
    for _ in 0..number(calls) {
        let stuck = stuck.clone();
        tokio::spawn(async move { call(&stuck).await });
    }
    sleep(Duration::from_secs(1)).await;
    // A new client has no open connection, as one for another registry.
    let healthy = new(Some(&endpoint), &servers.ca_file);
    let begin = Instant::now();
    let outcome = match timeout(PATIENCE, call(&healthy)).await {
        Ok(Ok(())) => "a token".to_owned(),
        Ok(Err(error)) => error,
        Err(_) => "none".to_owned(),
    };
    let took = begin.elapsed();
    let threads = Footprint::now().threads.expect("only Linux tells");
    emit([milliseconds(alone), milliseconds(took), outcome, threads.to_string()]);
}
