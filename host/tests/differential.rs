//! The credential helper beside the one that it takes the place of: Debian's amazon-ecr-credential-helper, which is
//! written in Go. Both get the same environment and the same input, and what they say is compared.
//!
//! `scripts/setup-debian` installs it. The test fails where it is missing: a skipped test would say nothing.

/// The table, and what it is run with.
mod differential {
    pub(crate) mod bed;
    pub(crate) mod cases;
}

use differential::bed::Bed;
use differential::cases::cases;

/// A case is the same in both, or differs for the reason that the table has for it.
#[test]
fn every_difference_from_the_helper_that_is_written_in_go_has_a_reason() {
    let bed = Bed::start();
    let cases = cases();
    let wrong = cases.iter().filter_map(|case| case.judge(&bed.keyward(case), &bed.ecr_login(case)));
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
