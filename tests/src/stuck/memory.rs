//! What a lookup has of the memory.

use super::{emit, mebibytes, met};
use crate::resident_bytes;

/// What is in the memory of the machine, and what of it is nobody else's: what several processes or several lookups look at is
/// resident once, and counted as resident for each of them.
#[derive(Clone, Copy)]
pub struct Memory {
    resident: usize,
    own: usize,
}

impl Memory {
    /// That of this process, now.
    ///
    /// # Panics
    ///
    /// Where the system is not Linux, and does not tell.
    pub fn now() -> Self {
        let maps = std::fs::read_to_string("/proc/self/smaps_rollup").expect("only Linux tells what is resident");
        let private = maps.lines().filter(|line| line.starts_with("Private_"));
        let kibibytes = private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
        let resident = resident_bytes().expect("only Linux tells what is resident");
        Self { resident, own: kibibytes.sum::<usize>() * 1024 }
    }

    /// Prints the row of so many lookups that have come to be stuck since.
    pub fn emit_growth(self, stuck: Self, count: usize) {
        let each = |before: usize, stuck: usize| stuck.saturating_sub(before) as f64 / count as f64 / 1024.0;
        let (resident, own) = (each(self.resident, stuck.resident), each(self.own, stuck.own));
        let [resident_cell, own_cell] = [resident, own].map(|each| format!("{each:.1}"));
        emit([mebibytes(self.resident), mebibytes(stuck.resident), resident_cell, own_cell, met(own <= 100.0)]);
    }
}
