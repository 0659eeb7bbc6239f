//! Figures → text.

use std::fmt::Display;
use std::time::Duration;

/// The middle, the worst of a hundred, and the worst of all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: Duration,
    pub(crate) percentile_99: Duration,
    pub(crate) max: Duration,
}

impl Spread {
    pub(crate) fn of(mut samples: Vec<Duration>) -> Self {
        assert!(!samples.is_empty(), "nothing was measured");
        samples.sort_unstable();
        // The smallest sample that so many of a hundred are not above.
        let percentile = |part: usize| samples[(samples.len() * part).div_ceil(100).max(1) - 1];
        Self { median: percentile(50), percentile_99: percentile(99), max: percentile(100) }
    }

    pub(crate) fn cells(self) -> [String; 3] {
        [self.median, self.percentile_99, self.max].map(milliseconds)
    }
}

pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

pub(crate) fn mebibytes(bytes: usize) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// Whether a goal is reached, as a cell.
pub(crate) fn met(is_met: bool) -> String {
    if is_met { "yes" } else { "NO" }.to_owned()
}

/// Hands a row to the process that prints the table.
pub(crate) fn emit<Cell: Display>(cells: impl IntoIterator<Item = Cell>) {
    let cells: Vec<String> = cells.into_iter().map(|cell| cell.to_string().replace(['\t', '\n'], " ")).collect();
    println!("{}", cells.join("\t"));
}

/// One section of the report.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// Below the table.
    notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { rows: vec![columns.iter().map(|&column| column.to_owned()).collect()], notes: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.rows[0].len(), "{cells:?} does not fit {:?}", self.rows[0]);
        self.rows.push(cells);
    }

    /// The rows of a part; or, below the table, why there are none.
    pub(crate) fn part(&mut self, label: &[&str], rows: Result<Vec<Vec<String>>, String>) {
        match rows {
            Ok(rows) => {
                for row in rows {
                    self.row(label.iter().map(|&cell| cell.to_owned()).chain(row).collect());
                }
            }
            Err(reason) => self.note(&format!("NOT MEASURED: {}: {reason}", label.join(", "))),
        }
    }

    pub(crate) fn note(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    pub(crate) fn print(&self, title: &str) {
        println!("\n{title}\n");
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        for row in &self.rows {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let width = width(column);
                // Words to the left, figures to the right.
                let is_figure =
                    self.rows.get(1).is_some_and(|row| row[column].starts_with(|c: char| c.is_ascii_digit()));
                if is_figure { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            println!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
        for note in &self.notes {
            println!("  {note}");
        }
    }
}
