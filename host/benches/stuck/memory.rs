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
    let mut table =
        Table::new(&["client", "stuck", "before, MiB", "stuck, MiB", "KiB per lookup", "of its own", "reached"]);
    let counts = if form == Form::Full { &["1000", "10000"][..] } else { &["1000"] };
    for count in counts {
        table.part(&["keyward", count], part(&["memory", "keyward", count]));
    }
    table.part(&["sdk", "1000"], part(&["memory", "sdk", "1000"]));
    table.note("goal: at most 100 KiB of its own; the rest is the image of the component, which is there once for all");
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
    let before = memory();
    let cancel = CancelToken::new();
    let lookups = bed.get_stuck(count, &cancel).await;
    let stuck = memory();
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
    let before = memory();
    let seen = servers.seen(0).expect("a silent server counts its requests");
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let client = client.clone();
        calls.spawn(async move { sdk::call(&client).await });
    }
    servers.have_seen(0, seen + count).await;
    let stuck = memory();
    assert!(calls.try_join_next().is_none(), "a call has ended by itself");
    report_memory(before, stuck, count);
}

fn report_memory(before: Memory, stuck: Memory, count: usize) {
    let each = |before: usize, stuck: usize| stuck.saturating_sub(before) as f64 / count as f64 / 1024.0;
    let (resident, own) = (each(before.resident, stuck.resident), each(before.own, stuck.own));
    let [resident, cell] = [resident, own].map(|each| format!("{each:.1}"));
    emit([mebibytes(before.resident), mebibytes(stuck.resident), resident, cell, met(own <= 100.0)]);
}

/// What is in the memory of the machine, and what of it is nobody else's: the image of the component is resident once, and
/// counted as resident for each lookup that looks at it.
#[derive(Clone, Copy)]
struct Memory {
    resident: usize,
    own: usize,
}

fn memory() -> Memory {
    let maps = std::fs::read_to_string("/proc/self/smaps_rollup").expect("only Linux tells what is resident");
    let private = maps.lines().filter(|line| line.starts_with("Private_"));
    let kibibytes = private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    let resident = resident_bytes().expect("only Linux tells what is resident");
    Memory { resident, own: kibibytes.sum::<usize>() * 1024 }
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
