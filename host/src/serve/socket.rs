//! The socket that the daemon listens at: one that was handed over, as systemd does it, or one of its own.
//!
//! Of its own, there is one daemon for each path at a time: whoever has the lock on the file beside it, which the kernel takes back when its
//! process ends, however it does. So a socket that is there is a dead daemon's, or somebody else's. It is made before anybody can connect
//! to it: with the permissions that it keeps, and only then does it listen.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use rustix::process::geteuid;
use tokio::net::{UnixListener, UnixSocket};

/// How many clients may wait for being taken.
const BACKLOG: u32 = 1024;

/// Somewhere to listen. When it is dropped, its own file is gone.
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    _own: Option<Own>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum SocketError {
    #[error("{path} cannot be listened at ({cause}): name another path with --socket (KEYWARD_SOCKET)")]
    Bind { path: String, cause: io::Error },
    #[error(
        "the folder {folder} cannot be used ({cause}): name a socket in another one with --socket (KEYWARD_SOCKET)"
    )]
    Folder { folder: String, cause: io::Error },
    #[error(
        "the folder {folder} is not this user's alone to write (owner {owner}, mode {mode:o}), so others could put another socket there: name one \
         in a folder of your own with --socket (KEYWARD_SOCKET)"
    )]
    Foreign { folder: String, owner: u32, mode: u32 },
    #[error("a daemon listens at {0} already: ask that one, or end it")]
    Live(String),
    #[error("{path} cannot be locked ({cause}): name a socket in another folder with --socket (KEYWARD_SOCKET)")]
    Lock { path: String, cause: io::Error },
    #[error("{0} is there and is no socket: name another path with --socket (KEYWARD_SOCKET)")]
    NotASocket(String),
    #[error("what was handed over (LISTEN_FDS) is not one listening Unix socket ({0}): correct the socket unit")]
    Passed(String),
}

/// The sockets that the process was handed by whoever has started it. To be taken before any thread is there, since it is forgotten in the
/// environment.
pub(super) fn passed() -> ListenFd {
    ListenFd::from_env()
}

impl Socket {
    /// The one that was handed over, else one at the path.
    pub(super) fn open(mut passed: ListenFd, path: impl FnOnce() -> Result<PathBuf, String>) -> Result<Self, String> {
        if passed.len() > 0 {
            return take(&mut passed).map_err(|error| error.to_string());
        }
        Self::bind(&path()?).map_err(|error| error.to_string())
    }

    /// Where it listens, for the log.
    pub(super) fn name(&self) -> String {
        match &self._own {
            Some(own) => own.path.display().to_string(),
            None => "the socket that was handed over".to_owned(),
        }
    }

    fn bind(path: &Path) -> Result<Self, SocketError> {
        check_folder(path)?;
        let lock = lock(path)?;
        remove_stale(path)?;
        let failed = |cause| SocketError::Bind { path: path.display().to_string(), cause };
        let socket = UnixSocket::new_stream().map_err(failed)?;
        socket.bind(path).map_err(failed)?;
        let found = fs::symlink_metadata(path).map_err(failed)?;
        let own = Own { path: path.to_owned(), file: (found.dev(), found.ino()), _lock: lock };
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Self { listener: socket.listen(BACKLOG).map_err(failed)?, _own: Some(own) })
    }
}

fn take(passed: &mut ListenFd) -> Result<Socket, SocketError> {
    let failed = |cause: io::Error| SocketError::Passed(cause.to_string());
    if passed.len() > 1 {
        return Err(SocketError::Passed(format!("there are {}", passed.len())));
    }
    let listener: StdUnixListener = passed
        .take_unix_listener(0)
        .and_then(|listener| listener.ok_or_else(|| io::ErrorKind::NotFound.into()))
        .map_err(failed)?;
    // Nobody would ever come to one that does not listen.
    if !socket_acceptconn(&listener).map_err(|cause| failed(cause.into()))? {
        return Err(SocketError::Passed("it does not listen".to_owned()));
    }
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(Socket { listener: UnixListener::from_std(listener).map_err(failed)?, _own: None })
}

/// The file of a socket, as long as it is this process's. The lock is given back after it is gone.
struct Own {
    path: PathBuf,
    file: (u64, u64),
    _lock: File,
}

impl Drop for Own {
    fn drop(&mut self) {
        // Whoever has put another one in its place keeps it.
        if fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the folder where there is none. One that others may write would let them put a socket of their own there.
fn check_folder(path: &Path) -> Result<(), SocketError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = |cause| SocketError::Folder { folder: folder.display().to_string(), cause };
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let found = fs::metadata(folder).map_err(failed)?;
    let (owner, mode) = (found.uid(), found.mode() & 0o7777);
    if ![0, geteuid().as_raw()].contains(&owner) || mode & 0o022 != 0 {
        return Err(SocketError::Foreign { folder: folder.display().to_string(), owner, mode });
    }
    Ok(())
}

/// The right to the path. The file stays: with another one in its place, two could have it.
fn lock(path: &Path) -> Result<File, SocketError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let file = path.with_file_name(name);
    let failed = |cause| SocketError::Lock { path: file.display().to_string(), cause };
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let lock = options.open(&file).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(SocketError::Live(path.display().to_string())),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

/// Removes what a dead daemon has left. Where somebody listens, it is another program's, and stays.
fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let name = || path.display().to_string();
    let failed = |cause| SocketError::Bind { path: name(), cause };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(found) if !found.file_type().is_socket() => return Err(SocketError::NotASocket(name())),
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(failed),
        Err(error) => Err(failed(error)),
        Ok(_) => Err(SocketError::Live(name())),
    }
}
