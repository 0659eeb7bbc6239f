//! How long after a cancel a stuck lookup is gone.

use std::time::{Duration, Instant};

use keyward::{CancelToken, Error};
use keyward_testbed::stuck::{Spread, emit, met, milliseconds};

use crate::Form;
use crate::bed::Bed;
use crate::figures::Table;
use crate::process::part;

pub(crate) fn report(form: Form) {
    let mut table = Table::new(&["stuck", "median", "99 of 100", "max", "nothing held after", "reached"]);
    for (stuck, short, full) in [("1", "20", "100"), ("100", "5", "20"), ("1000", "2", "5")] {
        if form == Form::Quick && stuck == "1000" {
            continue;
        }
        let rounds = if form == Form::Full { full } else { short };
        table.part(&[stuck], part(&["cancel", stuck, rounds]));
    }
    table.note("goal: 99 of 100 at most 10 ms, max at most 50 ms");
    table.note("nothing held: no lookup, and nothing of the pool; the longest of all rounds");
    table.print("2. from the cancel until a lookup has returned, the server silent");
}

pub(crate) async fn measure(words: &[&str]) {
    let [stuck, rounds] = words else { panic!("{words:?}") };
    let number = |word: &str| word.parse::<usize>().expect("a number");
    let stuck = number(stuck);
    let mut bed = Bed::new(&["silence"], stuck.max(64)).await;
    let (mut samples, mut emptied) = (Vec::new(), Duration::ZERO);
    for _ in 0..number(rounds) {
        let cancel = CancelToken::new();
        let lookups = bed.get_stuck(stuck, &cancel).await;
        let begin = Instant::now();
        cancel.cancel();
        let ended = lookups.join_all().await;
        while !bed.is_empty() {
            assert!(begin.elapsed() < Duration::from_secs(20), "{:?} is left", bed.resolver.live());
            tokio::task::yield_now().await;
        }
        emptied = emptied.max(begin.elapsed());
        for (lookup, end) in ended {
            assert!(matches!(lookup.result, Err(Error::Cancelled { waiting_for: Some(_) })), "{lookup:?}");
            samples.push(end.saturating_duration_since(begin));
        }
    }
    let spread = Spread::of(samples);
    let is_met = spread.percentile_99 <= Duration::from_millis(10) && spread.max <= Duration::from_millis(50);
    emit(spread.cells().into_iter().chain([milliseconds(emptied), met(is_met)]));
}
