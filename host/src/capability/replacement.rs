//! New content for a file: gathered in memory while a component writes it, and put in the old one's place as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError};
use zeroize::Zeroizing;

use crate::lock::lock;

/// The most bytes that the new content may have. A token file has some thousand.
pub(crate) const MAX_REPLACEMENT_BYTES: usize = 64 * 1024;

/// What the names of files begin with that are not in their places yet.
const NEW: &str = ".keyward-";

/// After this time, nobody writes to such a file any more.
const STALE_AFTER: Duration = Duration::from_secs(10 * 60);

/// What a component has written for a file so far. Clones share it.
#[derive(Clone)]
pub(crate) struct Replacement {
    path: String,
    content: Arc<Mutex<Content>>,
}

struct Content {
    bytes: Zeroizing<Vec<u8>>,
    is_saved: bool,
}

/// The component has written more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more was written than the new content of a file may have")]
pub(crate) struct TooLarge;

impl Replacement {
    /// Nothing, as in a file that was truncated.
    pub(crate) fn new(path: String) -> Self {
        // At once, since a vector that grows leaves copies of what it held behind.
        let bytes = Zeroizing::new(Vec::with_capacity(MAX_REPLACEMENT_BYTES));
        Self { path, content: Arc::new(Mutex::new(Content { bytes, is_saved: false })) }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.content).bytes.len()
    }

    pub(crate) fn write(&self, bytes: &[u8], offset: u64) -> Result<(), TooLarge> {
        let begin = usize::try_from(offset).map_err(|_| TooLarge)?;
        let end = begin.checked_add(bytes.len()).filter(|end| *end <= MAX_REPLACEMENT_BYTES).ok_or(TooLarge)?;
        let mut content = lock(&self.content);
        let length = content.bytes.len().max(end);
        content.bytes.resize(length, 0);
        content.bytes[begin..end].copy_from_slice(bytes);
        content.is_saved = false;
        Ok(())
    }

    /// Writes from an offset on; from the end on where there is none.
    pub(crate) fn stream(&self, offset: Option<u64>) -> DynOutputStream {
        Box::new(Stream { replacement: self.clone(), offset: offset.unwrap_or(self.len() as u64) })
    }

    /// A copy of the content; `None` where the file has it already.
    pub(crate) fn unsaved(&self) -> Option<Zeroizing<Vec<u8>>> {
        let content = lock(&self.content);
        (!content.is_saved).then(|| content.bytes.clone())
    }

    pub(crate) fn set_saved(&self) {
        lock(&self.content).is_saved = true;
    }
}

struct Stream {
    replacement: Replacement,
    offset: u64,
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        let written = self.replacement.write(&bytes, self.offset);
        written.map_err(|error| StreamError::LastOperationFailed(error.into()))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    /// Never zero, for which a component would wait: the write itself says that there is no room.
    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(MAX_REPLACEMENT_BYTES)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

/// One replacing, to tell it from those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl Ticket {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Puts new content in the place of a regular file that is there, so that whoever reads it finds the one or the other. Owner and
/// permissions stay. Of a symbolic link, what it leads to is replaced.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let old = fs::metadata(&path)?;
    if old.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !old.is_file() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
    // Numbers of processes are used again, and by containers at the same time.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let new = folder.join(format!("{NEW}{}-{now}", process::id()));
    remove_stale(folder);
    let written = create(&new).and_then(|mut file| {
        file.write_all(content)?;
        file.set_permissions(kept_permissions(&file, &old)?)?;
        file.sync_all()?;
        fs::rename(&new, &path)
    });
    match written {
        // The new content is in its place. Not every file system can be asked to remember that of a folder.
        Ok(()) => drop(File::open(folder).and_then(|folder| folder.sync_all())),
        Err(_) => drop(fs::remove_file(&new)),
    }
    written
}

/// Removes what processes have left behind that ended while a slow disk took the new content: there are tokens in it.
fn remove_stale(folder: &Path) {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let numbers = name.to_str().and_then(|name| name.strip_prefix(NEW)?.split_once('-'));
        let is_own = numbers.is_some_and(|(process, time)| is_number(process) && is_number(time));
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if is_own && age().is_some_and(|age| age > STALE_AFTER) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A new file that nobody else may read.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Gives a file the owner and the group of the old one, and says which permissions it gets: written by root, a user's file would otherwise
/// not be the user's any more. Where the group cannot be kept, another group must not read what the old one could.
#[cfg(unix)]
fn kept_permissions(new: &File, old: &fs::Metadata) -> io::Result<fs::Permissions> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let own = new.metadata()?;
    if own.uid() != old.uid() {
        fchown(new, Some(old.uid()), None)?;
    }
    let has_group = own.gid() == old.gid() || fchown(new, None, Some(old.gid())).is_ok();
    Ok(fs::Permissions::from_mode(mode(old.mode(), has_group)))
}

#[cfg(unix)]
fn mode(old: u32, has_group: bool) -> u32 {
    if has_group { old } else { old & !0o070 }
}

#[cfg(not(unix))]
fn kept_permissions(_new: &File, old: &fs::Metadata) -> io::Result<fs::Permissions> {
    Ok(old.permissions())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    /// The new file once had the group of its writer, who could be in another one.
    #[test]
    fn a_file_keeps_its_group_and_where_that_is_refused_no_group_may_do_anything() {
        assert_eq!((mode(0o664, true), mode(0o664, false)), (0o664, 0o604));
        let file = tempfile::NamedTempFile::new().unwrap();
        // Who is not root has no other group to give.
        if std::os::unix::fs::chown(file.path(), None, Some(12_345)).is_ok() {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
            replace(file.path(), b"new").unwrap();
            let new = fs::metadata(file.path()).unwrap();
            assert_eq!((new.gid(), new.mode() & 0o777), (12_345, 0o640));
        }
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_mode_and_its_links() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("token.json"), folder.path().join("link.json"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("token.json", &link).unwrap();
        let old = File::open(&file).unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let metadata = fs::metadata(&file).unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o640);
        // Another file in its place, and not the same one written to: who has it open reads the old content.
        assert_ne!(metadata.ino(), old.metadata().unwrap().ino());
        assert_eq!(entries(folder.path()), 2, "nothing else is left");
    }

    /// A process that ended while a slow disk wrote once left a file with tokens in it, for good.
    #[test]
    fn what_a_process_has_left_behind_goes_with_the_next_replacing_and_what_is_young_or_somebody_elses_stays() {
        let folder = tempfile::tempdir().unwrap();
        let create = |name: &str, age: Duration| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        };
        let old = STALE_AFTER + Duration::from_secs(60);
        let stay = ["token.json", ".keyward-1", ".keyward-1-", ".keyward-1-2-3", ".keyward-a-2", "keyward-1-2"];
        stay.iter().chain(&[".keyward-1-2"]).for_each(|name| create(name, old));
        create(".keyward-3-4", STALE_AFTER / 2);
        replace(&folder.path().join("token.json"), b"new").unwrap();
        assert!(!folder.path().join(".keyward-1-2").exists());
        for name in stay.iter().chain(&[".keyward-3-4"]) {
            assert!(folder.path().join(name).exists(), "{name}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_created_and_what_is_no_regular_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (missing, pipe) = (folder.path().join("missing"), folder.path().join("pipe"));
        assert!(process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for (path, kind) in [
            (missing.as_path(), io::ErrorKind::NotFound),
            (folder.path(), io::ErrorKind::IsADirectory),
            (&pipe, io::ErrorKind::Unsupported),
        ] {
            assert_eq!(replace(path, b"new").unwrap_err().kind(), kind);
        }
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn what_is_written_is_gathered_up_to_a_limit() {
        let replacement = Replacement::new("/token.json".to_owned());
        let mut stream = replacement.stream(Some(0));
        stream.write(Bytes::from_static(b"ab")).unwrap();
        stream.write(Bytes::from_static(b"cd")).unwrap();
        replacement.write(b"B", 1).unwrap();
        replacement.stream(None).write(Bytes::from_static(b"e")).unwrap();
        assert_eq!(replacement.unsaved().unwrap().as_slice(), b"aBcde");
        replacement.set_saved();
        assert_eq!(replacement.unsaved(), None);
        for (bytes, offset) in
            [(vec![0; MAX_REPLACEMENT_BYTES + 1], 0), (vec![0], MAX_REPLACEMENT_BYTES as u64), (vec![0], u64::MAX)]
        {
            assert_eq!(replacement.write(&bytes, offset), Err(TooLarge));
        }
        assert!(matches!(
            replacement.stream(Some(MAX_REPLACEMENT_BYTES as u64)).write(Bytes::from_static(b"x")),
            Err(StreamError::LastOperationFailed(error)) if error.is::<TooLarge>()
        ));
        assert_eq!(replacement.unsaved(), None, "nothing of it was taken");
    }
}
