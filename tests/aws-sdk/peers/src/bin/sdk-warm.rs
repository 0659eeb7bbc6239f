//! `sdk-warm ENDPOINT CA_FILE CONCURRENCY LOOKUPS ROUNDS`: what warm calls cost of AWS's own client for Rust, in the set-up in
//! which it is fastest: one client for all, on a runtime that has one thread, with no time limits and no second tries, its keys
//! at hand and its connections open. One line of JSON for each round; one more round, before, is not counted.

use std::env;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_ecr::Client;
use keyward_sdk_peers::{call, client};
use keyward_testbed::resident_bytes;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

const USAGE: &str = "usage: sdk-warm ENDPOINT CA_FILE CONCURRENCY LOOKUPS ROUNDS";

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [endpoint, ca_file, numbers @ ..] = words.as_slice() else { return Err(USAGE.into()) };
    let numbers: Vec<usize> = numbers.iter().map(|word| word.parse()).collect::<Result<_, _>>()?;
    let &[concurrency, lookups, rounds] = numbers.as_slice() else { return Err(USAGE.into()) };
    if concurrency == 0 || lookups == 0 {
        return Err("nothing is measured without lookups: give a number above zero".into());
    }
    let client = client(Some(endpoint), Path::new(ca_file));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        round(&client, concurrency, lookups).await?;
        for _ in 0..rounds {
            println!("{}", serde_json::to_string(&round(&client, concurrency, lookups).await?)?);
        }
        Ok(())
    })
}

/// What one round took. Times are in microseconds.
#[derive(Serialize)]
struct Round {
    lookups: usize,
    wall_us: u128,
    /// Of this process, in user and system mode.
    cpu_us: u128,
    /// Of one lookup: the middle, and what 1 of 100 is above.
    p50_us: u128,
    p99_us: u128,
    /// At the end of the round.
    rss_kib: usize,
}

/// All lookups, from so many tasks that each begin the next one when theirs has ended.
async fn round(client: &Client, concurrency: usize, lookups: usize) -> Result<Round, Box<dyn Error>> {
    let begun = Arc::new(AtomicUsize::new(0));
    let (begin, cpu) = (Instant::now(), processor_time());
    let mut tasks = JoinSet::new();
    for _ in 0..concurrency {
        let (client, begun) = (client.clone(), begun.clone());
        tasks.spawn(async move {
            let mut took = Vec::with_capacity(lookups / concurrency + 1);
            while begun.fetch_add(1, Ordering::Relaxed) < lookups {
                let begin = Instant::now();
                call(&client).await?;
                took.push(begin.elapsed());
            }
            Ok::<_, String>(took)
        });
    }
    let mut took = Vec::with_capacity(lookups);
    while let Some(ended) = tasks.join_next().await {
        took.extend(ended??);
    }
    let (wall, cpu) = (begin.elapsed(), processor_time() - cpu);
    took.sort_unstable();
    // The smallest that so many of a hundred are not above.
    let percentile = |part: usize| took[(lookups * part).div_ceil(100) - 1].as_micros();
    Ok(Round {
        lookups,
        wall_us: wall.as_micros(),
        cpu_us: cpu.as_micros(),
        p50_us: percentile(50),
        p99_us: percentile(99),
        rss_kib: resident_bytes().unwrap_or_default() / 1024,
    })
}

/// What this process has had of the processors.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("below a second"))
}
