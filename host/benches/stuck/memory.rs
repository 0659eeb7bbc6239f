//! What a stuck lookup has of the memory; and what happens where no further one may begin.

use std::time::{Duration, Instant};

use keyward::{Budget, CancelToken, Error};
use keyward_testbed::resident_bytes;
use tokio::task::JoinSet;

use crate::Form;
use crate::bed::Bed;
use crate::figures::{Table, emit, mebibytes, met, milliseconds};
use crate::process::part;
use crate::sdk;
use crate::server::Servers;

/// Some more than are measured.
const MAX_LIVE_LOOKUPS: usize = 10_100;

const LIMIT: usize = 100;

pub(crate) fn report(form: Form) {
    let mut table = Table::new(&["client", "stuck", "before, MiB", "stuck, MiB", "KiB per lookup", "reached"]);
    let counts = if form == Form::Full { &["1000", "10000"][..] } else { &["1000"] };
    for count in counts {
        table.part(&["keyward", count], part(&["memory", "keyward", count]));
    }
    table.part(&["sdk", "1000"], part(&["memory", "sdk", "1000"]));
    table.note("goal: at most 100 KiB");
    table.print("4. resident memory with stuck lookups, the server silent");
    let mut table = Table::new(&["limit", "answered after", "answer of the next lookup", "reached"]);
    table.part(&[], part(&["memory", "limit"]));
    table.note("goal: an error that says so, at once (1 ms)");
    table.print("   past the limit of live lookups, all of them stuck");
}

pub(crate) async fn measure(words: &[&str]) {
    match words {
        ["limit"] => past_the_limit().await,
        ["keyward", count] => of_keyward(count.parse().expect("a number")).await,
        ["sdk", count] => of_the_peer(count.parse().expect("a number")).await,
        _ => panic!("{words:?}"),
    }
}

async fn of_keyward(count: usize) {
    let mut bed = Bed::new(&["silence"], MAX_LIVE_LOOKUPS).await;
    let before = resident();
    let cancel = CancelToken::new();
    let lookups = bed.get_stuck(count, &cancel).await;
    let stuck = resident();
    bed.are_live(count).await;
    report_memory(before, stuck, count);
    cancel.cancel();
    for (lookup, _) in lookups.join_all().await {
        assert!(matches!(lookup.result, Err(Error::Cancelled { .. })), "{lookup:?}");
    }
}

async fn of_the_peer(count: usize) {
    let mut servers = Servers::start(&["silence"]);
    let client = sdk::client(Some(&format!("https://{}", servers.addresses[0])), &servers.ca_file);
    let warm_up = tokio::time::timeout(Duration::from_millis(100), sdk::call(&client)).await;
    warm_up.expect_err("nobody gets out of silence");
    let before = resident();
    let seen = servers.seen(0).expect("a silent server counts its requests");
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let client = client.clone();
        calls.spawn(async move { sdk::call(&client).await });
    }
    servers.have_seen(0, seen + count).await;
    let stuck = resident();
    assert!(calls.try_join_next().is_none(), "a call has ended by itself");
    report_memory(before, stuck, count);
}

fn report_memory(before: usize, stuck: usize, count: usize) {
    let each = stuck.saturating_sub(before) as f64 / count as f64 / 1024.0;
    emit([mebibytes(before), mebibytes(stuck), format!("{each:.1}"), met(each <= 100.0)]);
}

fn resident() -> usize {
    resident_bytes().expect("only Linux tells what is resident")
}

async fn past_the_limit() {
    let mut bed = Bed::new(&["silence"], LIMIT).await;
    let cancel = CancelToken::new();
    let lookups = bed.get_stuck(LIMIT, &cancel).await;
    let begin = Instant::now();
    let next = bed.look_up(&Budget::default(), &cancel).await.0;
    let took = begin.elapsed();
    let error = next.result.expect_err("there is no place");
    let is_overloaded = matches!(error, Error::Overloaded { live: LIMIT, .. });
    assert_eq!(lookups.len(), LIMIT);
    let is_met = is_overloaded && took <= Duration::from_millis(1);
    emit([LIMIT.to_string(), milliseconds(took), error.to_string(), met(is_met)]);
}
