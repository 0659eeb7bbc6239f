//! Figures → text.

use std::fmt::Display;
use std::time::Duration;

/// The middle, the worst of a hundred, and the worst of all.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The middle.
    pub median: Duration,
    /// What 1 of 100 is above.
    pub percentile_99: Duration,
    /// The worst.
    pub max: Duration,
}

impl Spread {
    /// Of some samples.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn of(mut samples: Vec<Duration>) -> Self {
        assert!(!samples.is_empty(), "nothing was measured");
        samples.sort_unstable();
        // The smallest sample that so many of a hundred are not above.
        let percentile = |part: usize| samples[(samples.len() * part).div_ceil(100).max(1) - 1];
        Self { median: percentile(50), percentile_99: percentile(99), max: percentile(100) }
    }

    /// All three, as cells of a row.
    pub fn cells(self) -> [String; 3] {
        [self.median, self.percentile_99, self.max].map(milliseconds)
    }
}

/// A time, as a cell.
pub fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// So many bytes, as a cell.
pub fn mebibytes(bytes: usize) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// Whether a goal is reached, as a cell.
pub fn met(is_met: bool) -> String {
    if is_met { "yes" } else { "NO" }.to_owned()
}

/// Hands a row to the process that prints the table.
pub fn emit<Cell: Display>(cells: impl IntoIterator<Item = Cell>) {
    let cells: Vec<String> = cells.into_iter().map(|cell| cell.to_string().replace(['\t', '\n'], " ")).collect();
    println!("{}", cells.join("\t"));
}
