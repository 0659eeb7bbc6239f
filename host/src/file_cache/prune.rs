//! Keeps the folder small: what nobody will use goes.

use std::fs::{self, DirEntry};
use std::path::Path;
use std::time::Duration;

use crate::file_cache::entry::{self, Entry};
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
            match end(&file.path(), &now) {
                Some(end) => kept.push((end, name.to_owned())),
                None => remove(folder, name, |path| end(path, &now).is_none()),
            }
        } else if name.strip_suffix(LOCK).is_some_and(is_name) && is_old(&file) {
            // Taken and given back, it is gone. A lock that is held is not to be had.
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

/// When an entry is over; `None` where it is already, or is none.
fn end(path: &Path, now: &Moment) -> Option<u64> {
    let entry = Entry::parse(&private::read(path, entry::MAX_BYTES).ok()??).ok()?;
    (entry.phase(now) != Phase::Over).then_some(entry.expires_at)
}

/// Removes an entry under its lock: another process may be putting a new one in its place at this moment.
fn remove(folder: &Path, name: &str, is_to_go: impl FnOnce(&Path) -> bool) {
    let path = folder.join([name, ENTRY].concat());
    if let Ok(Some(_held)) = FileCacheLock::try_take(&folder.join([name, LOCK].concat()))
        && is_to_go(&path)
    {
        let _ = fs::remove_file(path);
    }
}

fn is_old(file: &DirEntry) -> bool {
    let age = || file.metadata().ok()?.modified().ok()?.elapsed().ok();
    age().is_some_and(|age| age > STALE_AFTER)
}
