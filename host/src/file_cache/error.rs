//! Why the cache, or a file of it, is not used.

use std::io;
use std::path::{Path, PathBuf};

/// A folder or file of a [`FileCache`](crate::FileCache) that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not used: {reason}", path.display())]
#[non_exhaustive]
pub struct FileCacheError {
    /// What is not used.
    pub path: PathBuf,
    /// Why.
    pub reason: FileCacheReason,
}

impl FileCacheError {
    pub(crate) fn new(path: &Path, reason: FileCacheReason) -> Self {
        Self { path: path.to_owned(), reason }
    }

    /// Whether somebody should hear of it. Of a machine that has no place for a cache (no home, a disk that is read-only or full), nobody
    /// has to: lookups work without.
    pub fn is_worth_saying(&self) -> bool {
        !matches!(self.reason, FileCacheReason::Unavailable(_) | FileCacheReason::Played)
    }
}

/// Why a folder or file of the cache is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileCacheReason {
    /// It is not what was written there.
    #[error("its content is damaged")]
    Damaged,
    /// Another user could have put anything there.
    #[error("it belongs to another user (id {owner}): remove it")]
    Foreign {
        /// The user's id.
        owner: u32,
    },
    /// A symbolic link could lead to a file or folder of somebody else.
    #[error("it is a symbolic link: remove it")]
    Link,
    /// Something else has its place.
    #[error("it is not a regular file: remove it")]
    NotAFile,
    /// Something else has its place.
    #[error("it is not a folder: remove it")]
    NotAFolder,
    /// Other users may read or change it, or could when it was written.
    #[error("other users may use it (its mode is {mode:04o}): take that from them with 'chmod go-rwx', or remove it")]
    Open {
        /// The permission bits.
        mode: u32,
    },
    /// The credentials of a world that is [played](crate::replay) are nobody's.
    #[error("the world is played")]
    Played,
    /// Nothing that the cache writes is so large.
    #[error("it is larger than any that is written there")]
    TooLarge,
    /// There is no such folder and none can be made, or it takes no files.
    #[error("{0}")]
    Unavailable(io::ErrorKind),
    /// It is there and cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(io::ErrorKind),
}
