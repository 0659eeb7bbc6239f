//! One round: so many lookups by so many callers. It is what the program of the SDK does too, and is written down in the same words.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keyward_testbed::resident_bytes;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

/// What one round took. Times are in microseconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Round {
    pub(crate) lookups: u64,
    pub(crate) wall_us: u64,
    /// Of the process, in user and system mode.
    pub(crate) cpu_us: u64,
    /// Of one lookup: the middle, and what 1 of 100 is above.
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    /// At the end of the round.
    pub(crate) rss_kib: u64,
}

impl Round {
    pub(crate) fn per_second(&self) -> f64 {
        self.lookups as f64 * 1e6 / self.wall_us as f64
    }

    /// Of one lookup, in microseconds.
    pub(crate) fn cpu(&self) -> f64 {
        self.cpu_us as f64 / self.lookups as f64
    }

    /// How much of one processor the client had: below 1, it has waited for its server.
    pub(crate) fn busy(&self) -> f64 {
        self.cpu_us as f64 / self.wall_us as f64
    }
}

/// Somebody who looks up, again and again.
pub(crate) trait Caller: Send + 'static {
    fn look_up(&mut self) -> impl Future<Output = ()> + Send;
}

/// All lookups, from so many callers that each begin the next one when theirs has ended; once to open connections, and once that
/// counts.
pub(crate) async fn measure<C: Caller>(callers: Vec<C>, lookups: usize) -> Round {
    let (callers, _) = round(callers, lookups).await;
    round(callers, lookups).await.1
}

async fn round<C: Caller>(callers: Vec<C>, lookups: usize) -> (Vec<C>, Round) {
    let begun = Arc::new(AtomicUsize::new(0));
    let share = lookups / callers.len() + 1;
    let (begin, cpu) = (Instant::now(), processor_time());
    let mut tasks = JoinSet::new();
    for mut caller in callers {
        let begun = begun.clone();
        tasks.spawn(async move {
            let mut took = Vec::with_capacity(share);
            while begun.fetch_add(1, Ordering::Relaxed) < lookups {
                let begin = Instant::now();
                caller.look_up().await;
                took.push(begin.elapsed());
            }
            (caller, took)
        });
    }
    let (mut callers, mut took) = (Vec::new(), Vec::with_capacity(lookups));
    while let Some(ended) = tasks.join_next().await {
        let (caller, times) = ended.expect("a lookup does not panic");
        callers.push(caller);
        took.extend(times);
    }
    let (wall, cpu) = (begin.elapsed(), processor_time() - cpu);
    took.sort_unstable();
    // The smallest that so many of a hundred are not above.
    let percentile = |part: usize| microseconds(took[(lookups * part).div_ceil(100) - 1]);
    let round = Round {
        lookups: lookups as u64,
        wall_us: microseconds(wall),
        cpu_us: microseconds(cpu),
        p50_us: percentile(50),
        p99_us: percentile(99),
        rss_kib: resident_bytes().unwrap_or_default() as u64 / 1024,
    };
    (callers, round)
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).expect("no run takes so long")
}

/// What this process has had of the processors.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("below a second"))
}
