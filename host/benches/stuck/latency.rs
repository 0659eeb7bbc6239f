//! How long a healthy lookup takes beside stuck ones.

use std::time::{Duration, Instant};

use keyward::CancelToken;
use keyward_testbed::stuck::{Spread, emit, met, milliseconds};

use crate::Form;
use crate::bed::{Bed, HEALTHY};
use crate::figures::Table;
use crate::peer::Peer;
use crate::process::part;

/// Those in which a neighbour does nothing: whoever gets an answer in drips has work to do.
const FAULTS: [&str; 5] = ["silence", "tls-silence", "full-backlog", "headers-then-silence", "dead-names"];

/// How often it is measured without neighbours, then with them; and how many lookups each time.
const ROUNDS: usize = 4;
const LOOKUPS: usize = 250;

/// How many times as long a lookup may take beside others that are stuck.
const GOAL: f64 = 1.2;

/// More than there are threads for names.
const CALLS_OF_THE_PEER: &str = "600";

pub(crate) fn report(form: Form, peer: &Peer) {
    let counts = if form == Form::Full { &["1000", "10000"][..] } else { &["1000"] };
    let columns = ["fault", "stuck", "median alone", "median", "ratio", "99 of 100 alone", "99 of 100", "ratio"];
    let mut table = Table::new(&[&columns[..], &["noise", "still stuck", "reached"]].concat());
    for count in counts {
        for fault in FAULTS {
            table.part(&[fault, count], part(&["latency", fault, count]));
        }
    }
    table.note("goal: both ratios at most 1.2; still stuck: the fewest at the end of a round");
    table.note("noise: the same ratio of 99 of 100 between one half of the rounds alone and the other; above 1.2, the 99 say little");
    table.print("5. a healthy lookup on a warm connection, alone and beside stuck ones (1,000 each)");
    let mut table = Table::new(&["sdk's timeouts", "alone", "first healthy call", "its outcome", "threads"]);
    for timeouts in ["none", "default"] {
        table.part(&[timeouts], peer.part_with_dead_names(&["latency", timeouts, CALLS_OF_THE_PEER]));
    }
    table.note("the healthy endpoint is localhost, a name in /etc/hosts: it too is looked up on a thread");
    table.note("(Keyward's healthy endpoint above has its address from Config::with_connect_to)");
    table.print(&format!("   the sdk beside {CALLS_OF_THE_PEER} calls that wait for a dead name server"));
}

pub(crate) async fn measure(words: &[&str]) {
    let [fault, count] = words else { panic!("{words:?}") };
    let count: usize = count.parse().expect("a number");
    let mut bed = Bed::new(&[fault], count + LOOKUPS).await;
    healthy_lookups(&bed).await;
    let (mut alone, mut beside, mut still_stuck) = (Vec::new(), Vec::new(), count);
    for _ in 0..ROUNDS {
        alone.extend(healthy_lookups(&bed).await);
        let cancel = CancelToken::new();
        let lookups = bed.get_stuck(count, &cancel).await;
        beside.extend(healthy_lookups(&bed).await);
        still_stuck = still_stuck.min(bed.resolver.live().lookups);
        cancel.cancel();
        lookups.join_all().await;
        bed.are_live(0).await;
    }
    let ratio = |beside: Duration, alone: Duration| beside.as_secs_f64() / alone.as_secs_f64();
    let (one, other) = alone.split_at(alone.len() / 2);
    let halves = [one, other].map(|half| Spread::of(half.to_vec()).percentile_99);
    let noise = ratio(halves[0].max(halves[1]), halves[0].min(halves[1]));
    let (alone, beside) = (Spread::of(alone), Spread::of(beside));
    let median = ratio(beside.median, alone.median);
    let percentile_99 = ratio(beside.percentile_99, alone.percentile_99);
    emit([
        milliseconds(alone.median),
        milliseconds(beside.median),
        format!("{median:.2}"),
        milliseconds(alone.percentile_99),
        milliseconds(beside.percentile_99),
        format!("{percentile_99:.2}"),
        format!("{noise:.2}"),
        still_stuck.to_string(),
        // Where other work on this machine does more than that, the worst say nothing of the neighbours.
        if median <= GOAL && noise > GOAL {
            "unclear".to_owned()
        } else {
            met(median <= GOAL && percentile_99 <= GOAL)
        },
    ]);
}

/// One after the other, in a task as any other: the runtime's first thread is none of its workers.
async fn healthy_lookups(bed: &Bed) -> Vec<Duration> {
    // Whatever began or ended before is over.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let resolver = bed.resolver.clone();
    let lookups = tokio::spawn(async move {
        let mut took = Vec::new();
        for _ in 0..LOOKUPS {
            let begin = Instant::now();
            resolver.resolve(HEALTHY).await.expect("the fake answers");
            took.push(begin.elapsed());
        }
        took
    });
    lookups.await.expect("a lookup does not panic")
}
