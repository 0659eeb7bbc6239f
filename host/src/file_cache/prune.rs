//! Keeps the folder small: what nobody will use goes.

use std::fs::{self, DirEntry};
use std::path::Path;
use std::time::Duration;

use crate::file_cache::entry::Entry;
use crate::file_cache::error::FileCacheReason;
use crate::file_cache::lock::FileCacheLock;
use crate::file_cache::machine::Moment;
use crate::file_cache::{ENTRY, LOCK, is_name, private};
use crate::life::Phase;

/// The most entries that a folder keeps.
pub(crate) const MAX_ENTRIES: usize = 1_000;

/// After this time, nobody writes to a file any more that is not in its place, and nobody holds a lock.
const STALE_AFTER: Duration = Duration::from_secs(10 * 60);

/// Removes what is over, what is damaged and what processes have left behind that were killed; and, of too many entries, those that
/// end soonest. What has no name of this cache's stays: the folder may be anybody's choice.
pub(crate) fn prune(folder: &Path, most: usize) {
    let now = Moment::now();
    let mut kept = Vec::new();
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = file.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(name) = name.strip_suffix(ENTRY).filter(|name| is_name(name)) {
            match use_of(&file.path(), &now) {
                Use::Until(end) => kept.push((end, name.to_owned())),
                Use::None => remove(folder, name, |path| use_of(path, &now) == Use::None),
                Use::Unknown => {}
            }
        } else if name.strip_suffix(LOCK).is_some_and(is_name) && is_old(&file) {
            // Taken and given back, or where there are no locks, it is gone. A lock that is held is not to be had.
            drop(FileCacheLock::try_take(&file.path()));
        } else if name.starts_with(private::NEW) && is_old(&file) {
            let _ = fs::remove_file(file.path());
        }
    }
    if let Some(too_many) = kept.len().checked_sub(most) {
        kept.sort_unstable();
        kept.iter().take(too_many).for_each(|(_, name)| remove(folder, name, |_| true));
    }
}

/// Of what use an entry is.
#[derive(Debug, PartialEq, Eq)]
enum Use {
    /// Of some, until then.
    Until(u64),
    /// It is over, or is no entry.
    None,
    /// It cannot be read at this moment, which may pass.
    Unknown,
}

fn use_of(path: &Path, now: &Moment) -> Use {
    of_what_was_read(Entry::read(path), now)
}

fn of_what_was_read(read: Result<Option<Entry>, FileCacheReason>, now: &Moment) -> Use {
    match read {
        Ok(Some(entry)) if entry.phase(now) != Phase::Over => Use::Until(entry.expires_at),
        Err(FileCacheReason::Unreadable(_)) => Use::Unknown,
        Ok(_) | Err(_) => Use::None,
    }
}

/// Removes an entry under its lock: another process may be putting a new one in its place at this moment. Where there are no locks,
/// that process would have to be so quick that it does so between the look and the removal, and what it has found is looked up again.
fn remove(folder: &Path, name: &str, is_to_go: impl FnOnce(&Path) -> bool) {
    remove_under(FileCacheLock::try_take(&folder.join([name, LOCK].concat())), folder, name, is_to_go);
}

fn remove_under(
    lock: Result<Option<FileCacheLock>, FileCacheReason>,
    folder: &Path,
    name: &str,
    is_to_go: impl FnOnce(&Path) -> bool,
) {
    let path = folder.join([name, ENTRY].concat());
    let is_somebody_elses = matches!(lock, Ok(None));
    if !is_somebody_elses && is_to_go(&path) {
        let _ = fs::remove_file(path);
    }
}

fn is_old(file: &DirEntry) -> bool {
    let age = || file.metadata().ok()?.modified().ok()?.elapsed().ok();
    age().is_some_and(|age| age > STALE_AFTER)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_cannot_be_read_at_this_moment_stays_and_what_is_no_entry_goes() {
        let verdict = |reason| of_what_was_read(Err(reason), &Moment::now());
        assert_eq!(verdict(FileCacheReason::Unreadable(io::ErrorKind::TimedOut)), Use::Unknown);
        assert_eq!(verdict(FileCacheReason::Damaged), Use::None);
        assert_eq!(verdict(FileCacheReason::Open { mode: 0o644 }), Use::None);
    }

    #[test]
    fn where_there_are_no_locks_entries_go_without_and_where_another_has_the_lock_they_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(["name", ENTRY].concat());
        fs::write(&path, "").unwrap();
        remove_under(Ok(None), folder.path(), "name", |_| true);
        assert!(path.exists());
        let without = FileCacheReason::Unavailable(io::ErrorKind::Unsupported);
        remove_under(Err(without), folder.path(), "name", |_| false);
        assert!(path.exists());
        remove_under(Err(without), folder.path(), "name", |_| true);
        assert!(!path.exists());
    }
}
