//! How much memory a component may have.

use wasmtime::ResourceLimiter;

/// How many core instances, memories and tables a component may have, of each. A component has some core modules: the guest
/// itself, and the adapters that its tools put around it.
const MAX_INSTANCES: usize = 64;

/// Holds a component to its memory, and remembers the most that it had.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: u64,
    in_use: u64,
    peak: u64,
}

/// The component asked for more memory than it may have.
#[derive(Debug, thiserror::Error)]
#[error("more memory was asked for than the budget has")]
pub(crate) struct MemoryLimitReached {
    pub(crate) wanted: u64,
}

impl Limiter {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, in_use: 0, peak: 0 }
    }

    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    /// Charges growth from `current` to `desired` bytes of what is in use, of all memories and tables together.
    fn grow(&mut self, current: u64, desired: u64) -> wasmtime::Result<bool> {
        let wanted = self.in_use.saturating_sub(current).saturating_add(desired);
        if wanted > self.limit {
            // An error and not a refusal: the guest would only turn it into a crash without a cause.
            return Err(MemoryLimitReached { wanted }.into());
        }
        self.in_use = wanted;
        self.peak = self.peak.max(wanted);
        Ok(true)
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current as u64, desired as u64)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        /// What an entry takes of the host's memory.
        const ENTRY_BYTES: u64 = size_of::<usize>() as u64;
        self.grow((current as u64).saturating_mul(ENTRY_BYTES), (desired as u64).saturating_mul(ENTRY_BYTES))
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn memories(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_INSTANCES
    }
}
