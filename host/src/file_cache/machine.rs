//! What tells one machine from another, and how long it runs; where the system says it.

use serde::{Deserialize, Serialize};

use crate::life;

/// A moment, by the clock on the wall and by one that nobody sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Seconds since 1970 (UTC).
    pub(crate) wall: u64,
    pub(crate) boot: Option<SinceBoot>,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { wall: life::now(), boot: system::since_boot() }
    }
}

/// How long the machine runs, the time included that it slept.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct SinceBoot {
    /// Tells this start of the machine from every other, and from those of other machines.
    pub(crate) id: String,
    pub(crate) seconds: u64,
}

pub(crate) use system::names;

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    use rustix::time::{ClockId, clock_gettime};

    use super::SinceBoot;

    pub(super) fn since_boot() -> Option<SinceBoot> {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        // The one that goes on while a laptop sleeps, which the monotonic clock of the standard library does not.
        let seconds = u64::try_from(clock_gettime(ClockId::Boottime).tv_sec).ok()?;
        Some(SinceBoot { id, seconds })
    }

    /// The machine's names. A home may be shared by instances that have roles of their own.
    pub(crate) fn names() -> [Option<Vec<u8>>; 2] {
        ["/etc/machine-id", "/proc/sys/kernel/hostname"].map(|file| fs::read(file).ok())
    }
}

/// Elsewhere, the wall's clock alone counts, and homes that are shared are not told apart.
#[cfg(not(target_os = "linux"))]
mod system {
    use super::SinceBoot;

    pub(super) fn since_boot() -> Option<SinceBoot> {
        None
    }

    pub(crate) fn names() -> [Option<Vec<u8>>; 2] {
        [None, None]
    }
}
