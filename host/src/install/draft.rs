//! A file that takes another's place at once: who opens the name finds the old one or the new one, and each of them whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

/// A file that is to take another's place. It is removed where it does not come to that.
pub(super) struct Draft(PathBuf);

impl Draft {
    /// In the same folder, since a file can be renamed within a file system alone, and for nobody else to read. `name` is that of the
    /// file whose place it will take.
    pub(super) fn create(folder: &Path, name: &str) -> io::Result<(Self, File)> {
        let mut number = 0_u32;
        loop {
            let path = folder.join(format!(".{name}.keyward-{}-{number}", process::id()));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok((Self(path), file)),
                // Of a process that was ended in the middle and had the same number.
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists && number < 100 => number += 1,
                Err(cause) => return Err(cause),
            }
        }
    }

    pub(super) fn rename(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.0, target)?;
        // Nothing is left to be removed.
        self.0 = PathBuf::new();
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.0 != Path::new("") {
            let _ = fs::remove_file(&self.0);
        }
    }
}
