//! The key of a cache's names: random bytes that are made once, and that no other user can read.

use std::fs;
use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use crate::file_cache::error::{FileCacheError, FileCacheReason};
use crate::file_cache::private;

/// Where it is in the cache's folder.
const NAME: &str = "key";

const BYTES: usize = 32;

/// So often a key is made anew that others remove or damage at the same time.
const ATTEMPTS: usize = 3;

pub(crate) type Key = Zeroizing<[u8; BYTES]>;

/// The folder's key. Of the processes that find none at the same time, one's becomes everybody's: only what is in its place is used.
pub(crate) fn obtain(folder: &Path) -> Result<Key, FileCacheError> {
    let path = folder.join(NAME);
    for _ in 0..ATTEMPTS {
        match read(&path) {
            Ok(Some(key)) => return Ok(key),
            Ok(None) => {}
            // A machine that crashed while it was written. Its entries are lost.
            Err(FileCacheReason::Damaged | FileCacheReason::TooLarge) => drop(fs::remove_file(&path)),
            Err(reason) => return Err(FileCacheError::new(&path, reason)),
        }
        let made = make(folder, &path);
        made.map_err(|error| FileCacheError::new(folder, FileCacheReason::Unavailable(error.kind())))?;
    }
    Err(FileCacheError::new(&path, FileCacheReason::Damaged))
}

fn read(path: &Path) -> Result<Option<Key>, FileCacheReason> {
    let Some(content) = private::read(path, BYTES as u64)? else { return Ok(None) };
    let mut key = Key::default();
    if content.len() != key.len() {
        return Err(FileCacheReason::Damaged);
    }
    key.copy_from_slice(&content);
    Ok(Some(key))
}

/// Puts a new key in its place, where there is none by now. A link does that as a whole or not at all. A file system without links gets
/// the key by renaming, where the last of several processes wins: what the others keep under theirs is lost, and looked up again.
fn make(folder: &Path, path: &Path) -> io::Result<()> {
    let mut key = Key::default();
    getrandom::fill(&mut *key).map_err(|_| io::ErrorKind::Other)?;
    private::with_new(folder, &*key, |new| match fs::hard_link(new, path) {
        Ok(()) => fs::remove_file(new),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(new),
        Err(_) => fs::rename(new, path),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn all_who_find_no_key_at_the_same_time_use_the_same_one_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let begin = Barrier::new(40);
        let keys: Vec<Key> = thread::scope(|scope| {
            let obtain = || {
                begin.wait();
                obtain(folder.path()).unwrap()
            };
            let threads: Vec<_> = (0..40).map(|_| scope.spawn(obtain)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]) && *keys[0] != [0; BYTES]);
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [NAME]);
        assert_eq!(fs::metadata(folder.path().join(NAME)).unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_made_anew_and_one_that_others_may_know_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let first = obtain(folder.path()).unwrap();
        for damaged in [&b""[..], b"short", &[0; BYTES + 1]] {
            fs::write(&path, damaged).unwrap();
            assert!(*obtain(folder.path()).unwrap() != *first);
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = obtain(folder.path()).unwrap_err();
        assert_eq!(error, FileCacheError::new(&path, FileCacheReason::Open { mode: 0o644 }));
        fs::remove_file(&path).unwrap();
        symlink("elsewhere", &path).unwrap();
        assert_eq!(obtain(folder.path()).unwrap_err().reason, FileCacheReason::Link);
    }
}
