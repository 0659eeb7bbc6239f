//! How much is measured, and where.

use std::env;
use std::fs;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Quick,
    Short,
    Full,
}

impl Form {
    /// The one that KEYWARD_BENCH names.
    pub(crate) fn chosen() -> Self {
        match env::var("KEYWARD_BENCH").as_deref() {
            Ok("full") => Self::Full,
            Ok("quick") => Self::Quick,
            Ok(other) => panic!("KEYWARD_BENCH is {other:?}: set it to full or quick, or not at all"),
            Err(_) => Self::Short,
        }
    }
}

/// The processors and the load of this machine. Whoever else uses the processors is in the figures.
pub(crate) fn machine() -> (usize, String) {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    (processors, load.trim().to_owned())
}
