//! Credentials in files, for other processes and later ones of the same user.

mod entry;
mod error;
mod identity;
mod key;
mod lock;
mod machine;
mod private;
mod prune;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{self, Path, PathBuf};

use crate::config::Config;
use crate::credential::Credential;
use crate::file_cache::entry::{Entry, Term};
pub use crate::file_cache::error::{FileCacheError, FileCacheReason};
use crate::file_cache::identity::Identity;
use crate::file_cache::key::Key;
pub use crate::file_cache::lock::FileCacheLock;
use crate::file_cache::machine::Moment;
use crate::life::Phase;
use crate::request::Request;

/// How the names of entries end, with the number of their format; and those of their locks.
const ENTRY: &str = ".v1.json";
const LOCK: &str = ".lock";

/// Keeps credentials in a folder, for every process of the same user.
///
/// An entry is found before anybody is asked for AWS's credentials: its name is a hash of all that decides them, which are the
/// variables and permissions of a [`Config`], the content of the shared files, the machine, and the [`Request`]. The hash has a key
/// that is made when the folder is, so that names tell nothing. The folder is for this user alone (0700), and so is each file (0600).
/// What is not, or is a symbolic link, or damaged, is not used, and said to be in a [`FileCacheError`].
///
/// Each file is written as a whole, and entries are files of their own, so that any number of processes may use the folder at once.
/// One of them looks up for an entry at a time, if each does it as here. The calls block, where the disk does: a program that must not
/// wait for a dead one makes them on a thread that it can leave alone.
///
/// ```
/// # use keyward::{Config, Credential, FileCache, Request};
/// # let home = tempfile::tempdir()?;
/// # let folder = home.path().join("keyward");
/// # let look_up = |_: &Request| Credential::new("AWS", "password".to_owned(), Some(4_102_444_800));
/// let cache = FileCache::open(&folder, &Config::from_process_environment())?;
/// let request = Request::new("123456789012.dkr.ecr.us-east-1.amazonaws.com");
/// let credential = match cache.find(&request)? {
///     Some(entry) if !entry.is_due => entry.credential,
///     // While `try_lock` gives none, another process looks up: `find` will have what it has found.
///     _ => {
///         let _lock = cache.try_lock(&request)?;
///         let credential = look_up(&request);
///         cache.store(&request, &credential)?;
///         credential
///     }
/// };
/// # assert!(!cache.find(&request)?.unwrap().is_due && credential.username == "AWS");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileCache {
    folder: PathBuf,
    key: Key,
    config: Config,
    identity: Identity,
}

/// What a [`FileCache`] has for a request. It is never one that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileCacheEntry {
    /// The credential.
    pub credential: Credential,
    /// Whether to look for a new one, since half of its life has passed, or up to a twelfth of it more, lest fleets ask together; and to
    /// hand this one out where none is found. It is not due for a minute after [a refresh has failed](FileCache::refresh_failed).
    pub is_due: bool,
    term: Term,
}

impl FileCacheEntry {
    /// `None` for one that is over.
    fn new(entry: &Entry, now: &Moment) -> Option<Self> {
        let is_over = entry.phase(now) == Phase::Over;
        (!is_over).then(|| Self { credential: entry.credential(), is_due: entry.is_due(now), term: entry.term() })
    }

    /// Whether it is over by now, and not to be handed out any more. Nothing is read for that.
    pub fn is_over(&self) -> bool {
        self.term.phase(&Moment::now()) == Phase::Over
    }
}

impl FileCache {
    /// Opens the cache in this folder, for the lookups of a configuration, and makes the folder where there is none. The shared files are read
    /// here, and again when something is [stored](Self::store).
    ///
    /// # Errors
    ///
    /// [`FileCacheError`], where lookups have to do without.
    pub fn open(folder: &Path, config: &Config) -> Result<Self, FileCacheError> {
        Self::with_folder(folder, config, private::create_folder)
    }

    /// As [`open`](Self::open); where there is no folder, none is made, and that is an error.
    pub fn open_existing(folder: &Path, config: &Config) -> Result<Self, FileCacheError> {
        Self::with_folder(folder, config, private::check_folder)
    }

    fn with_folder(
        folder: &Path,
        config: &Config,
        prepare: impl FnOnce(&Path) -> Result<(), FileCacheReason>,
    ) -> Result<Self, FileCacheError> {
        let unused = |reason| FileCacheError::new(folder, reason);
        if config.replay.is_some() {
            return Err(unused(FileCacheReason::Played));
        }
        let absolute = path::absolute(folder).map_err(|error| unused(FileCacheReason::Unavailable(error.kind())))?;
        prepare(&absolute).map_err(unused)?;
        let key = key::obtain(&absolute)?;
        Ok(Self { identity: Identity::new(&key, config), folder: absolute, key, config: config.clone() })
    }

    /// The entry of a request; `None` where there is none, or one that is over.
    ///
    /// # Errors
    ///
    /// [`FileCacheError`], for an entry that is not used. The next one that is [stored](Self::store) takes its place.
    pub fn find(&self, request: &Request) -> Result<Option<FileCacheEntry>, FileCacheError> {
        Ok(self.read(&self.entry_path(request))?.and_then(|entry| FileCacheEntry::new(&entry, &Moment::now())))
    }

    /// The right to look up for a request; `None` while another process, or another task of this one, has it. Whoever waits for it
    /// looks [for the entry](Self::find) again and again, and when it has the right: somebody has looked up, or failed to.
    ///
    /// # Errors
    ///
    /// [`FileCacheError`], where no lock is to be had at all.
    pub fn try_lock(&self, request: &Request) -> Result<Option<FileCacheLock>, FileCacheError> {
        let path = self.path(request, LOCK);
        FileCacheLock::try_take(&path).map_err(|reason| FileCacheError::new(&path, reason))
    }

    /// Keeps the credential that was found just now. One without an end is not kept; nor is one that may be another identity's, since
    /// the shared files were changed after the cache was opened: whether the lookup has read the old ones or the new, nothing tells.
    ///
    /// # Errors
    ///
    /// [`FileCacheError`], where it cannot be written.
    pub fn store(&self, request: &Request, credential: &Credential) -> Result<(), FileCacheError> {
        match Entry::new(identity::registry(request), credential, Moment::now()) {
            Some(entry) if self.is_same_identity(request) => self.write(request, &entry),
            _ => Ok(()),
        }
    }

    /// Remembers that no new credential was to be had, if there is an entry.
    ///
    /// # Errors
    ///
    /// [`FileCacheError`], where it cannot be written.
    pub fn refresh_failed(&self, request: &Request) -> Result<(), FileCacheError> {
        let Some(mut entry) = self.read(&self.entry_path(request))? else { return Ok(()) };
        entry.set_refresh_failed(&Moment::now());
        self.write(request, &entry)
    }

    /// Forgets the credential of a request, which its registry may have refused.
    ///
    /// # Errors
    ///
    /// [`FileCacheError`], where it cannot be removed.
    pub fn remove(&self, request: &Request) -> Result<(), FileCacheError> {
        let path = self.entry_path(request);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(FileCacheError::new(&path, FileCacheReason::Unavailable(error.kind())))
            }
            _ => Ok(()),
        }
    }

    /// The entries that there are, by the registry's host and in order: those of this configuration, and of the request that `request`
    /// makes of each host.
    pub fn entries(&self, request: impl Fn(&str) -> Request) -> BTreeMap<String, FileCacheEntry> {
        let now = Moment::now();
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let is_entry = |name: &str| name.strip_suffix(ENTRY).is_some_and(is_name);
        files
            .filter(|file| file.file_name().to_str().is_some_and(is_entry))
            .filter_map(|file| Some((file.path(), self.read(&file.path()).ok()??)))
            // Of other identities, the folder has other entries.
            .filter(|(path, entry)| *path == self.entry_path(&request(&entry.registry)))
            .filter_map(|(_, entry)| Some((entry.registry.clone(), FileCacheEntry::new(&entry, &now)?)))
            .collect()
    }

    /// Removes what nobody will use: entries that are over or damaged, what processes have left behind that were killed, and of more than
    /// 1,000 entries those that end soonest. It reads them all, so it is for when something was [stored](Self::store), and after
    /// whoever waits has got it.
    pub fn prune(&self) {
        prune::prune(&self.folder, prune::MAX_ENTRIES);
    }

    /// Whether what decides a request's answer is what it was when the cache was opened.
    fn is_same_identity(&self, request: &Request) -> bool {
        Identity::new(&self.key, &self.config).name(request) == self.identity.name(request)
    }

    fn read(&self, path: &Path) -> Result<Option<Entry>, FileCacheError> {
        Entry::read(path).map_err(|reason| FileCacheError::new(path, reason))
    }

    fn write(&self, request: &Request, entry: &Entry) -> Result<(), FileCacheError> {
        let name = [self.identity.name(request).as_str(), ENTRY].concat();
        private::write(&self.folder, &name, &entry.to_json())
            .map_err(|error| FileCacheError::new(&self.folder.join(name), FileCacheReason::Unavailable(error.kind())))
    }

    fn entry_path(&self, request: &Request) -> PathBuf {
        self.path(request, ENTRY)
    }

    fn path(&self, request: &Request, end: &str) -> PathBuf {
        self.folder.join([self.identity.name(request).as_str(), end].concat())
    }
}

impl fmt::Debug for FileCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FileCache").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Whether a text is one that [`Identity::name`] makes.
fn is_name(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
