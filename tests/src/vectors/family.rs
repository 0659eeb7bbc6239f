//! The score of one family of vectors.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A family of vectors while it runs. Every case runs whatever became of those before it.
pub struct Family {
    name: &'static str,
    expected: usize,
    left_out: usize,
    passed: usize,
    failed: Vec<String>,
    not_run: Vec<String>,
}

impl Family {
    /// A family that is known to have `expected` cases that run, and none that cannot: fewer are a failure too.
    pub fn new(name: &'static str, expected: usize) -> Self {
        Self { name, expected, left_out: 0, passed: 0, failed: Vec::new(), not_run: Vec::new() }
    }

    /// As many cases more are known that cannot run.
    #[must_use]
    pub fn leaving_out(self, cases: usize) -> Self {
        Self { left_out: cases, ..self }
    }

    /// Runs one case. A panic in it is a failure of this case alone.
    pub fn case(&mut self, name: &str, check: impl FnOnce() -> Result<(), String>) {
        self.outcome(name, catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| Err("panicked".to_owned())));
    }

    /// Adds what came of a case that ran elsewhere, as one does that has to be awaited.
    pub fn outcome(&mut self, name: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(reason) => self.failed.push(format!("{name}: {reason}")),
        }
    }

    /// Names a case that cannot run, and why.
    pub fn not_run(&mut self, name: &str, reason: &str) {
        self.not_run.push(format!("{name}: {reason}"));
    }

    /// Prints the score and every case that failed or did not run.
    ///
    /// # Panics
    ///
    /// If a case failed, or if there were more or fewer cases than expected, of those that run or of those that cannot.
    pub fn finish(self, note: &str) {
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
        let (counted, expected) = ((total, self.not_run.len()), (self.expected, self.left_out));
        assert_eq!(counted, expected, "{}: these are not all of the vectors (run, not run)", self.name);
    }
}

/// Compares what a case gives with what its vector says.
///
/// # Errors
///
/// A text that names `what` differs, and has both values.
pub fn same<T: Debug + PartialEq>(what: &str, got: &T, expected: &T) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{what}: expected {expected:?}, got {got:?}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_that_ran_in_full_passes() {
        let mut family = Family::new("full", 2).leaving_out(1);
        family.case("first", || same("sum", &(1 + 1), &2));
        family.outcome("second", Ok(()));
        family.not_run("third", "it is an example");
        family.finish("");
    }

    #[test]
    #[should_panic(expected = "cases: failed: second: sum: expected 3, got 2")]
    fn a_failed_case_fails_the_family() {
        let mut family = Family::new("cases", 2);
        family.case("first", || Ok(()));
        family.outcome("second", same("sum", &(1 + 1), &3));
        family.finish("");
    }

    #[test]
    #[should_panic(expected = "cases: failed: only: panicked")]
    fn a_panic_is_the_failure_of_its_case() {
        let mut family = Family::new("cases", 1);
        family.case("only", || panic!("an example of a panic"));
        family.finish("");
    }

    #[test]
    #[should_panic(expected = "these are not all of the vectors")]
    fn lost_cases_fail_the_family() {
        let mut family = Family::new("lost", 2);
        family.outcome("first", Ok(()));
        family.finish("");
    }

    #[test]
    #[should_panic(expected = "these are not all of the vectors")]
    fn lost_cases_that_cannot_run_fail_the_family_too() {
        let mut family = Family::new("lost", 1).leaving_out(1);
        family.outcome("first", Ok(()));
        family.finish("");
    }
}
