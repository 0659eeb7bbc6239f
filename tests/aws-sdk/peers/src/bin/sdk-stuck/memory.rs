//! What a stuck call has of the memory.

use std::time::Duration;

use keyward_sdk_peers::{call, client};
use keyward_testbed::stuck::{Memory, Servers};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::number;

pub(crate) async fn measure(words: &[&str]) {
    let [count] = words else { panic!("{words:?}") };
    let count = number(count);
    let mut servers = Servers::start(&["silence"]);
    let client = client(Some(&format!("https://{}", servers.addresses[0])), &servers.ca_file);
    let warm_up = timeout(Duration::from_millis(100), call(&client)).await;
    warm_up.expect_err("nobody gets out of silence");
    let before = Memory::now();
    let seen = servers.seen(0).expect("a silent server counts its requests");
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let client = client.clone();
        calls.spawn(async move { call(&client).await });
    }
    servers.have_seen(0, seen + count).await;
    let stuck = Memory::now();
    assert!(calls.try_join_next().is_none(), "a call has ended by itself");
    before.emit_growth(stuck, count);
}
