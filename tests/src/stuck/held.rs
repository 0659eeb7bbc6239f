//! What this process holds.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::Footprint;

/// Tasks, threads and descriptors at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Held([usize; 3]);

impl Held {
    /// Counts now.
    pub fn now() -> Self {
        let Footprint { descriptors, threads } = Footprint::now();
        let known = |count: Option<usize>| count.expect("only Linux tells what a process holds");
        Self([Handle::current().metrics().num_alive_tasks(), known(threads), known(descriptors)])
    }

    /// Counts when the thread that counts epochs has ended with the last lookup.
    pub async fn at_rest() -> Self {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Self::now()
    }

    /// What is more than before.
    pub fn above(self, before: Self) -> Self {
        Self(std::array::from_fn(|kind| self.0[kind].saturating_sub(before.0[kind])))
    }

    /// Whether it is none of anything.
    pub fn is_nothing(self) -> bool {
        self.0 == [0; 3]
    }

    /// Waits until nothing is more than before: how long it took, if it came to that.
    pub async fn is_back(before: Self, patience: Duration) -> Option<Duration> {
        let begin = Instant::now();
        loop {
            if Self::now().above(before).is_nothing() {
                return Some(begin.elapsed());
            }
            if begin.elapsed() > patience {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// All three, as a cell.
    pub fn cell(self) -> String {
        self.0.map(|count| count.to_string()).join("/")
    }
}
