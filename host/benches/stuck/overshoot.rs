//! How long after its deadline a stuck lookup ends.

use std::time::{Duration, Instant};

use keyward::{Budget, CancelToken, Error, Step};
use tokio::task::JoinSet;

use crate::Form;
use crate::bed::Bed;
use crate::figures::{Spread, Table, emit, met, milliseconds};
use crate::process::part;
use crate::sdk;
use crate::server::Servers;
use crate::spin::Spinning;

/// Long enough for all of them to be stuck before the first ends.
const DEADLINE: Duration = Duration::from_millis(1_500);

const SPINNING: &str = "4";

pub(crate) fn report(form: Form) {
    let columns = ["client", "stuck", "spinning", "median", "99 of 100", "max", "were stuck", "spinning: gone after"];
    let mut table = Table::new(&[&columns[..], &["reached"]].concat());
    for spinning in ["0", SPINNING] {
        for (stuck, short, full) in [("1", "5", "20"), ("100", "2", "5"), ("1000", "1", "3")] {
            if form == Form::Quick && stuck == "1000" {
                continue;
            }
            let rounds = if form == Form::Full { full } else { short };
            for client in ["keyward", "sdk"] {
                let rows = part(&["overshoot", client, stuck, spinning, rounds]);
                table.part(&[client, stuck, spinning], rows);
            }
        }
    }
    table.note("goal: 99 of 100 at most 10 ms, max at most 50 ms; the sdk is aws-sdk-ecr with tokio::time::timeout");
    table.note(
        "were stuck: of all lookups, those whose request the server had and did not answer when the time was over",
    );
    table.note("spinning lookups are Keyward's in either case: the sdk has nothing that computes");
    table.print("1. overshoot past a deadline of 1.5 s, the server silent");
}

pub(crate) async fn measure(words: &[&str]) {
    let [client, stuck, spinning, rounds] = words else { panic!("{words:?}") };
    let number = |word: &str| word.parse::<usize>().expect("a number");
    let (stuck, rounds) = (number(stuck), number(rounds));
    let mut bed = Bed::new(&["silence"], stuck.max(64)).await;
    let (mut samples, mut were_stuck) = (Vec::new(), 0);
    let spinning = Spinning::start(number(spinning));
    if number(words[2]) > 0 {
        // Until the first of them has been read or compiled.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    for _ in 0..rounds {
        let (late, so_many) = match *client {
            "keyward" => of_keyward(&bed, stuck).await,
            _ => of_the_peer(&mut bed.servers, stuck).await,
        };
        samples.extend(late);
        were_stuck += so_many;
    }
    let gone = spinning.stop().await;
    let spread = Spread::of(samples);
    let is_met = spread.percentile_99 <= Duration::from_millis(10) && spread.max <= Duration::from_millis(50);
    let rest = [format!("{were_stuck}/{}", stuck * rounds), gone.map_or("-".to_owned(), milliseconds), met(is_met)];
    emit(spread.cells().into_iter().chain(rest));
}

async fn of_keyward(bed: &Bed, stuck: usize) -> (Vec<Duration>, usize) {
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

async fn of_the_peer(servers: &mut Servers, stuck: usize) -> (Vec<Duration>, usize) {
    let client = sdk::client(Some(&format!("https://{}", servers.addresses[1])), &servers.ca_file);
    let before = servers.seen(1).expect("a silent server counts its requests");
    let mut calls = JoinSet::new();
    for _ in 0..stuck {
        let client = client.clone();
        calls.spawn(async move {
            let begin = Instant::now();
            // The call is dropped at the end of this line.
            let ended = tokio::time::timeout(DEADLINE, sdk::call(&client)).await.is_err();
            assert!(ended, "the call has ended by itself");
            begin.elapsed().saturating_sub(DEADLINE)
        });
    }
    let late = calls.join_all().await;
    (late, servers.seen(1).expect("a silent server counts its requests") - before)
}
