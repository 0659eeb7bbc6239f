//! What the host's bench `stuck` and its peer on AWS's own SDK have in common: both take the same figures, of other clients, each
//! figure in a process of its own, with the servers in yet another one.
//!
//! Both programs are called again by themselves or by the bench, with a variable that says what the process is there for: see
//! [`serve_if_told`] and [`part`].

mod figures;
mod held;
mod left_behind;
mod memory;
mod sdk;
mod servers;

use std::env;
use std::time::Duration;

pub use figures::{Spread, emit, mebibytes, met, milliseconds};
pub use held::Held;
pub use left_behind::{AT_ONCE, GIVEN_UP_AFTER, give_up_all};
pub use memory::Memory;
pub use sdk::build_sdk_program;
pub use servers::{Servers, serve_if_told};

/// Names what a process measures, in words with spaces between them.
pub const PART: &str = "KEYWARD_STUCK_PART";

/// The deadline of the lookups whose overshoot is measured: long enough for all of them to be stuck before the first ends.
pub const DEADLINE: Duration = Duration::from_millis(1_500);

/// Where the name server is that answers nobody, for those processes that ask no other one.
pub const DEAD_NAMES: &str = "dead-names@127.0.0.9:53";

/// What one figure may take.
pub const PATIENCE: Duration = Duration::from_secs(900);

/// What this process has been started to measure, if it has been.
pub fn part() -> Option<String> {
    env::var(PART).ok()
}
