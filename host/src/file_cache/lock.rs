//! One lookup for a key at a time, among all processes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::file_cache::error::FileCacheReason;
use crate::file_cache::private;

/// So often a lock is tried that its holder gives back at that moment.
const ATTEMPTS: usize = 8;

/// The right to look up for one entry. It is given back when it is dropped, and by the system when its process is gone, however that
/// has ended.
///
/// The lock is on a file beside the entry, which is removed before it is given back. Whoever has opened the file meanwhile gets a
/// lock on what is not there any more, finds that out, and tries again.
#[derive(Debug)]
pub struct FileCacheLock {
    path: PathBuf,
    file: File,
}

impl FileCacheLock {
    /// `None` where somebody else has it. It is not waited for: nothing could end that.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>, FileCacheReason> {
        Self::try_take_by(path, File::try_lock)
    }

    fn try_take_by(
        path: &Path,
        try_lock: impl Fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Option<Self>, FileCacheReason> {
        for _ in 0..ATTEMPTS {
            // To write, since locks on NFS take that.
            let file = match private::open(OpenOptions::new().write(true).create(true).truncate(false), path) {
                Err(FileCacheReason::Unreadable(kind)) => return Err(FileCacheReason::Unavailable(kind)),
                file => file?,
            };
            match try_lock(&file) {
                Ok(()) if is_at(&file, path) => return Ok(Some(Self { path: path.to_owned(), file })),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => {
                    // This file system has no locks, so nobody has this one, and the file would stay for ever.
                    remove_from(path, &file);
                    return Err(FileCacheReason::Unavailable(error.kind()));
                }
            }
        }
        Ok(None)
    }
}

impl Drop for FileCacheLock {
    fn drop(&mut self) {
        remove_from(&self.path, &self.file);
    }
}

fn remove_from(path: &Path, file: &File) {
    // Somebody may have emptied the folder, and somebody else have the lock of the same name now.
    if is_at(file, path) {
        let _ = fs::remove_file(path);
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(held), Ok(found)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
    (held.dev(), held.ino()) == (found.dev(), found.ino())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn one_has_the_lock_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = FileCacheLock::try_take(&path).unwrap().unwrap();
        assert!(FileCacheLock::try_take(&path).unwrap().is_none());
        drop(held);
        assert!(!path.exists());
        // What a process has left behind that was killed.
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(FileCacheLock::try_take(&path).unwrap().is_some());
        assert!(!path.exists());
    }

    #[test]
    fn a_lock_whose_file_was_removed_does_not_take_the_next_one_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = FileCacheLock::try_take(&path).unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        let second = FileCacheLock::try_take(&path).unwrap().unwrap();
        drop(first);
        assert!(path.exists() && FileCacheLock::try_take(&path).unwrap().is_none());
        drop(second);
    }

    #[test]
    fn on_a_file_system_without_locks_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let without = |_: &File| Err(TryLockError::Error(io::ErrorKind::Unsupported.into()));
        let error = FileCacheLock::try_take_by(&path, without).unwrap_err();
        assert_eq!(error, FileCacheReason::Unavailable(io::ErrorKind::Unsupported));
        assert!(!path.exists());
    }

    #[test]
    fn of_many_who_take_it_in_turn_never_two_have_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (holders, turns) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while turns.load(Ordering::SeqCst) < 200 {
                        let Some(held) = FileCacheLock::try_take(&path).unwrap() else { continue };
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                        turns.fetch_add(1, Ordering::SeqCst);
                        thread::yield_now();
                        holders.fetch_sub(1, Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
        assert!(!path.exists());
    }
}
