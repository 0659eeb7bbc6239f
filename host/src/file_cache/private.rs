//! Folders and files that are this user's alone: made so, and otherwise not used.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use rustix::process::geteuid;
use zeroize::Zeroizing;

use crate::file_cache::error::FileCacheReason;

/// What the names of files begin with that are not in their places yet.
pub(crate) const NEW: &str = ".new-";

/// Makes the folder where there is none; those above it have the permissions that this user's new folders have.
pub(crate) fn create_folder(folder: &Path) -> Result<(), FileCacheReason> {
    let unavailable = |error: io::Error| FileCacheReason::Unavailable(error.kind());
    match check_folder(folder) {
        Err(FileCacheReason::Unavailable(io::ErrorKind::NotFound)) => {}
        checked => return checked,
    }
    // Run by root with the home of a user (as `sudo` does it), the command would leave a folder there that the user cannot use.
    let above = folder.ancestors().skip(1).find_map(|above| fs::metadata(above).ok());
    if geteuid().is_root() && above.is_some_and(|above| above.uid() != 0) {
        return Err(FileCacheReason::Unavailable(io::ErrorKind::NotFound));
    }
    if let Some(above) = folder.parent() {
        fs::create_dir_all(above).map_err(unavailable)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.map_err(unavailable)?,
    }
    check_folder(folder)
}

/// Whether a folder is this user's alone. It has to be one itself, and no symbolic link to one: who made the link is not asked. Links
/// above it are nobody's concern but the user's, whose caches may be on another disk.
pub(crate) fn check_folder(folder: &Path) -> Result<(), FileCacheReason> {
    let found = fs::symlink_metadata(folder).map_err(|error| FileCacheReason::Unavailable(error.kind()))?;
    if found.is_symlink() {
        return Err(FileCacheReason::Link);
    }
    if !found.is_dir() {
        return Err(FileCacheReason::NotAFolder);
    }
    check_owner(&found)
}

/// The content of a file that is this user's alone; `None` where there is none.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, FileCacheReason> {
    let file = match open(OpenOptions::new().read(true), path) {
        Err(FileCacheReason::Unreadable(io::ErrorKind::NotFound)) => return Ok(None),
        file => file?,
    };
    // At once, since a vector that grows leaves copies of what it held behind.
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(limit).unwrap_or_default() + 1));
    file.take(limit + 1).read_to_end(&mut content).map_err(|error| FileCacheReason::Unreadable(error.kind()))?;
    if content.len() as u64 > limit { Err(FileCacheReason::TooLarge) } else { Ok(Some(content)) }
}

/// Opens a file that is this user's alone; one that may be created is made so. What was opened is asked, and not the path, which may
/// lead elsewhere by now; and it is not waited for who may hold the other end of a named pipe.
pub(crate) fn open(options: &mut OpenOptions, path: &Path) -> Result<File, FileCacheReason> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = options.mode(0o600).custom_flags(flags).open(path).map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => FileCacheReason::Link,
        // A socket.
        Some(libc::ENXIO) => FileCacheReason::NotAFile,
        _ => FileCacheReason::Unreadable(error.kind()),
    })?;
    let found = file.metadata().map_err(|error| FileCacheReason::Unreadable(error.kind()))?;
    if !found.is_file() {
        return Err(FileCacheReason::NotAFile);
    }
    check_owner(&found)?;
    Ok(file)
}

/// Puts a file into the folder, or in the place of another, so that whoever reads it finds the one or the other as a whole.
///
/// The disk is not waited for: what a crash of the machine damages is found out when it is read, and looked up again.
pub(crate) fn write(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    with_new(folder, content, |new| fs::rename(new, folder.join(name)))
}

/// Writes a file that is not in its place yet, and puts it there, or has it removed.
pub(crate) fn with_new(folder: &Path, content: &[u8], put: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    // Numbers of processes are used again, and by containers at the same time.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let new = folder.join(format!("{NEW}{}-{now}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| put(&new));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn check_owner(found: &Metadata) -> Result<(), FileCacheReason> {
    if found.uid() != geteuid().as_raw() {
        return Err(FileCacheReason::Foreign { owner: found.uid() });
    }
    match found.mode() & 0o7777 {
        mode if mode & 0o077 != 0 => Err(FileCacheReason::Open { mode }),
        _ => Ok(()),
    }
}
