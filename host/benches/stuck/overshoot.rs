//! How long after its deadline a stuck lookup ends.

use std::time::Duration;

use keyward::{Budget, CancelToken, Error, Step};
use keyward_testbed::stuck::{DEADLINE, Spread, emit, met, milliseconds};
use tokio::task::JoinSet;

use crate::Form;
use crate::bed::Bed;
use crate::figures::Table;
use crate::peer::Peer;
use crate::process::part;
use crate::spin::Spinning;

const SPINNING: &str = "4";

pub(crate) fn report(form: Form, peer: &Peer) {
    let columns = ["client", "stuck", "spinning", "median", "99 of 100", "max", "were stuck", "spinning: gone after"];
    let mut table = Table::new(&[&columns[..], &["reached"]].concat());
    for spinning in ["0", SPINNING] {
        for (stuck, short, full) in [("1", "5", "20"), ("100", "2", "5"), ("1000", "1", "3")] {
            if form == Form::Quick && stuck == "1000" {
                continue;
            }
            let rounds = if form == Form::Full { full } else { short };
            let words = ["overshoot", stuck, spinning, rounds];
            table.part(&["keyward", stuck, spinning], part(&words));
            table.part(&["sdk", stuck, spinning], peer.part(&words));
        }
    }
    table.note("goal: 99 of 100 at most 10 ms, max at most 50 ms; the sdk is aws-sdk-ecr with tokio::time::timeout");
    table.note(
        "were stuck: of all lookups, those whose request the server had and did not answer when the time was over",
    );
    table.note("spinning beside the sdk are tasks that give way every millisecond, as lookups do: it has nothing that computes");
    table.print("1. overshoot past a deadline of 1.5 s, the server silent");
}

pub(crate) async fn measure(words: &[&str]) {
    let [stuck, spinning, rounds] = words else { panic!("{words:?}") };
    let number = |word: &str| word.parse::<usize>().expect("a number");
    let (stuck, rounds) = (number(stuck), number(rounds));
    let bed = Bed::new(&["silence"], stuck.max(64)).await;
    let (mut samples, mut were_stuck) = (Vec::new(), 0);
    let spinning = Spinning::start(number(spinning));
    if number(words[1]) > 0 {
        // Until the first of them has been read or compiled.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    for _ in 0..rounds {
        let (late, so_many) = one_round(&bed, stuck).await;
        samples.extend(late);
        were_stuck += so_many;
    }
    let gone = spinning.stop().await;
    let spread = Spread::of(samples);
    let is_met = spread.percentile_99 <= Duration::from_millis(10) && spread.max <= Duration::from_millis(50);
    let rest = [format!("{were_stuck}/{}", stuck * rounds), gone.map_or("-".to_owned(), milliseconds), met(is_met)];
    emit(spread.cells().into_iter().chain(rest));
}

async fn one_round(bed: &Bed, stuck: usize) -> (Vec<Duration>, usize) {
    let (budget, cancel) = (Budget::default().with_deadline(DEADLINE), CancelToken::new());
    let mut lookups = JoinSet::new();
    for _ in 0..stuck {
        lookups.spawn(bed.look_up(&budget, &cancel));
    }
    let (mut late, mut were_stuck) = (Vec::new(), 0);
    while let Some(lookup) = lookups.join_next().await {
        let (lookup, _) = lookup.expect("a lookup does not panic");
        let Err(Error::Timeout { waiting_for, .. }) = lookup.result else { panic!("{lookup:?}") };
        were_stuck += usize::from(waiting_for.is_some_and(|waiting| waiting.step == Step::Answer));
        late.push(lookup.usage.wall.saturating_sub(DEADLINE));
    }
    (late, were_stuck)
}
