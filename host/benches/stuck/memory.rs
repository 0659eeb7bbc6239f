//! What a stuck lookup has of the memory; and what happens where no further one may begin.

use std::time::{Duration, Instant};

use keyward::{Budget, CancelToken, Error};
use keyward_testbed::stuck::{Memory, emit, met, milliseconds};

use crate::Form;
use crate::bed::Bed;
use crate::figures::Table;
use crate::peer::Peer;
use crate::process::part;

/// Some more than are measured.
const MAX_LIVE_LOOKUPS: usize = 10_100;

const LIMIT: usize = 100;

pub(crate) fn report(form: Form, peer: &Peer) {
    let mut table =
        Table::new(&["client", "stuck", "before, MiB", "stuck, MiB", "KiB per lookup", "of its own", "reached"]);
    let counts = if form == Form::Full { &["1000", "10000"][..] } else { &["1000"] };
    for count in counts {
        table.part(&["keyward", count], part(&["memory", count]));
    }
    table.part(&["sdk", "1000"], peer.part(&["memory", "1000"]));
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
        [count] => of_stuck_lookups(count.parse().expect("a number")).await,
        _ => panic!("{words:?}"),
    }
}

async fn of_stuck_lookups(count: usize) {
    let mut bed = Bed::new(&["silence"], MAX_LIVE_LOOKUPS).await;
    let before = Memory::now();
    let cancel = CancelToken::new();
    let lookups = bed.get_stuck(count, &cancel).await;
    let stuck = Memory::now();
    bed.are_live(count).await;
    before.emit_growth(stuck, count);
    cancel.cancel();
    for (lookup, _) in lookups.join_all().await {
        assert!(matches!(lookup.result, Err(Error::Cancelled { .. })), "{lookup:?}");
    }
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
