//! How long after its deadline a stuck call ends.

use std::time::{Duration, Instant};

use keyward_sdk_peers::{call, client};
use keyward_testbed::stuck::{DEADLINE, Servers, Spread, emit, met};
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

use crate::number;

/// After which whoever computes gives way: as often as Keyward's engine makes a lookup do so.
const TURN: Duration = Duration::from_millis(1);

pub(crate) async fn measure(words: &[&str]) {
    let [stuck, spinning, rounds] = words else { panic!("{words:?}") };
    let (stuck, rounds) = (number(stuck), number(rounds));
    let mut servers = Servers::start(&["silence"]);
    let (mut samples, mut were_stuck) = (Vec::new(), 0);
    // They end with this.
    let _spinning = spin(number(spinning));
    for _ in 0..rounds {
        let (late, so_many) = one_round(&mut servers, stuck).await;
        samples.extend(late);
        were_stuck += so_many;
    }
    let spread = Spread::of(samples);
    let is_met = spread.percentile_99 <= Duration::from_millis(10) && spread.max <= Duration::from_millis(50);
    let rest = [format!("{were_stuck}/{}", stuck * rounds), "-".to_owned(), met(is_met)];
    emit(spread.cells().into_iter().chain(rest));
}

async fn one_round(servers: &mut Servers, stuck: usize) -> (Vec<Duration>, usize) {
    let client = client(Some(&format!("https://{}", servers.addresses[0])), &servers.ca_file);
    let before = servers.seen(0).expect("a silent server counts its requests");
    let mut calls = JoinSet::new();
    for _ in 0..stuck {
        let client = client.clone();
        calls.spawn(async move {
            let begin = Instant::now();
            // The call is dropped at the end of this line.
            let ended = timeout(DEADLINE, call(&client)).await.is_err();
            assert!(ended, "the call has ended by itself");
            begin.elapsed().saturating_sub(DEADLINE)
        });
    }
    let late = calls.join_all().await;
    (late, servers.seen(0).expect("a silent server counts its requests") - before)
}

/// Tasks that compute without end.
fn spin(count: usize) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        tasks.spawn(async {
            loop {
                let begin = Instant::now();
                while begin.elapsed() < TURN {}
                yield_now().await;
            }
        });
    }
    tasks
}
