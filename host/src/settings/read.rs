//! Files that the command reads by itself, before any lookup: each whole, up to a size, and within a time.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use keyward::page_cache;
use zeroize::Zeroizing;

/// The most that a file may have.
pub(crate) const MAX_BYTES: u64 = 1024 * 1024;

/// Why there is no content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error(transparent)]
    Failed(#[from] io::Error),
    #[error("it was not read within {0:?}")]
    Slow(Duration),
    #[error("it is longer than {MAX_BYTES} bytes")]
    TooLong,
}

/// At once, where the system has what there is in memory; else on a thread, since nobody can end a call that waits for a disk. It ends with the command. Without a thread to be had, it is waited for.
pub(crate) fn read(path: &Path, deadline: Duration) -> Result<Zeroizing<Vec<u8>>, Unread> {
    if let Some(known) = page_cache::read(path) {
        return Ok(known?);
    }
    let (sender, receiver) = mpsc::sync_channel(1);
    let owned = path.to_owned();
    let read = move || {
        let _ = sender.send(bounded(&owned));
    };
    match thread::Builder::new().spawn(read) {
        Ok(_) => receiver.recv_timeout(deadline).unwrap_or(Err(Unread::Slow(deadline))),
        Err(_) => bounded(path),
    }
}

fn bounded(path: &Path) -> Result<Zeroizing<Vec<u8>>, Unread> {
    let file = File::open(path)?;
    // One that grows would leave copies of what is in it behind, and there may be keys.
    let expected = file.metadata()?.len().min(MAX_BYTES) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(expected).unwrap_or_default()));
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES { Err(Unread::TooLong) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_file_is_read_whole_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let limit = usize::try_from(MAX_BYTES).unwrap();
        fs::write(&path, vec![b'x'; limit]).unwrap();
        assert_eq!(read(&path, LONG).unwrap().len(), limit);
        fs::write(&path, vec![b'x'; limit + 1]).unwrap();
        assert!(matches!(read(&path, LONG), Err(Unread::TooLong)));
        let missing = read(&folder.path().join("missing"), LONG);
        assert!(matches!(missing, Err(Unread::Failed(error)) if error.kind() == io::ErrorKind::NotFound));
    }
}
