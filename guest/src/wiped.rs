//! Memory that is overwritten when it is given back.
//!
//! The host takes the whole of the component's memory away when a lookup ends, so that nothing of it outlives the lookup. What is here keeps
//! secrets from lying about while it lasts, and in programs that use these modules natively.

use std::fmt;
use std::ops::{Deref, DerefMut};

use zeroize::optimization_barrier;

/// A text or bytes, overwritten when dropped: all that was allocated, but not what growing has left behind. Its `Debug` form shows nothing
/// of it.
///
/// As `zeroize::Zeroizing`, whose loop over single bytes is a fifth of what the component computes for a lookup: WebAssembly fills a memory
/// by one instruction.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Wiped<T: Wipe>(T);

/// What can be overwritten.
pub trait Wipe {
    /// Overwrites everything that is allocated, and leaves nothing in it.
    fn wipe(&mut self);
}

impl Wipe for Vec<u8> {
    fn wipe(&mut self) {
        overwrite(self);
        self.clear();
    }
}

impl Wipe for String {
    fn wipe(&mut self) {
        std::mem::take(self).into_bytes().wipe();
    }
}

/// Fills all that is allocated. Nothing is allocated for that.
fn overwrite(bytes: &mut Vec<u8>) {
    const ZEROS: &[u8] = &[0; 256];
    bytes.fill(0);
    while bytes.len() < bytes.capacity() {
        // By pieces: `resize` is a loop over single bytes where the compiler minds the size.
        let spare = bytes.capacity() - bytes.len();
        bytes.extend_from_slice(&ZEROS[..spare.min(ZEROS.len())]);
    }
    optimization_barrier(bytes.as_slice());
}

impl<T: Wipe> Wiped<T> {
    /// Takes a text or bytes over.
    pub fn new(content: T) -> Self {
        Self(content)
    }
}

impl<T: Wipe> Drop for Wiped<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> Deref for Wiped<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe> DerefMut for Wiped<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Wipe + AsRef<[u8]>> AsRef<[u8]> for Wiped<T> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl<T: Wipe> fmt::Debug for Wiped<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_allocated_is_overwritten_in_its_place() {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(b"hunter2 hunter2");
        bytes.truncate(7);
        let (place, allocated) = (bytes.as_ptr(), bytes.capacity());
        overwrite(&mut bytes);
        assert_eq!((bytes.as_ptr(), bytes.capacity()), (place, allocated));
        assert_eq!(bytes, vec![0; allocated]);
    }

    #[test]
    fn what_was_wiped_is_empty() {
        let (mut bytes, mut text) = (b"hunter2".to_vec(), "hunter2".to_owned());
        bytes.wipe();
        text.wipe();
        assert_eq!((bytes.as_slice(), text.as_str()), (&[][..], ""));
    }

    #[test]
    fn the_debug_form_shows_nothing() {
        assert_eq!(format!("{:?}", Wiped::new("hunter2".to_owned())), "[redacted]");
    }
}
