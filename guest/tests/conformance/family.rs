//! The score of one family of vectors.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A family of vectors while it runs. Every case runs whatever became of those before it.
pub(crate) struct Family {
    name: &'static str,
    expected: usize,
    passed: usize,
    failed: Vec<String>,
    not_run: Vec<String>,
}

impl Family {
    /// A family that is known to have `expected` cases: fewer are a failure too.
    pub(crate) fn new(name: &'static str, expected: usize) -> Self {
        Self { name, expected, passed: 0, failed: Vec::new(), not_run: Vec::new() }
    }

    /// Runs one case. A panic in it is a failure of this case alone.
    pub(crate) fn case(&mut self, name: &str, check: impl FnOnce() -> Result<(), String>) {
        let outcome = catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| Err("panicked".to_owned()));
        match outcome {
            Ok(()) => self.passed += 1,
            Err(reason) => self.failed.push(format!("{name}: {reason}")),
        }
    }

    /// Names a case that cannot run, and why.
    pub(crate) fn not_run(&mut self, name: &str, reason: &str) {
        self.not_run.push(format!("{name}: {reason}"));
    }

    /// Prints the score and every case that failed or did not run.
    ///
    /// # Panics
    ///
    /// If a case failed, or if there were more or fewer cases than expected.
    pub(crate) fn finish(self, note: &str) {
        let total = self.passed + self.failed.len();
        let mut report = format!("{}: {} of {total} passed{note}\n", self.name, self.passed);
        for failed in &self.failed {
            // Writing to a String cannot fail.
            let _ = writeln!(report, "{}: failed: {failed}", self.name);
        }
        for not_run in &self.not_run {
            let _ = writeln!(report, "{}: not run: {not_run}", self.name);
        }
        // Not by a macro: the harness would hide what those print as long as the test passes.
        let _ = std::io::stderr().write_all(report.as_bytes());
        assert!(self.failed.is_empty(), "{report}");
        assert_eq!(total, self.expected, "{}: these are not all of the vectors", self.name);
    }
}

/// Fails where two values differ, and says in what.
pub(crate) fn same<T: Debug + PartialEq>(what: &str, got: &T, expected: &T) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{what}: expected {expected:?}, got {got:?}")) }
}
