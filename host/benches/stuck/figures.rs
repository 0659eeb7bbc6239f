//! Figures → tables.

use crate::process::Rows;

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
    pub(crate) fn part(&mut self, label: &[&str], rows: Rows) {
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
