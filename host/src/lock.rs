//! Locks that nobody holds while anything could panic, or whose content is whole at any time: a panic elsewhere does not
//! matter to them.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is behind such a lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
