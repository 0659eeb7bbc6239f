//! Which files a lookup sees by its variables: exactly those that they name, read only and bounded. What the shared files name
//! besides is `profiles`'; how a lookup sees a file is `filesystem`'s.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{self, Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use zeroize::Zeroizing;

use crate::capability::blocking::Blocking;
use crate::capability::replacement::{self, Ticket};
use crate::config::Config;
use crate::page_cache;
use crate::replay::Replay;

/// The settings that name the shared files, and what takes the place of an unset one.
const SHARED_FILES: [(&str, &str); 2] =
    [("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")];

/// The settings that name a file with a token each.
const TOKEN_FILES: [&str; 2] = ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE"];

/// The setting that names the folder of the sessions of `aws login`.
pub(crate) const LOGIN_FOLDER: &str = "AWS_LOGIN_CACHE_DIRECTORY";

/// The most bytes that a file may have.
pub(crate) const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The files that lookups may read, by their absolute paths.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    granted: Arc<BTreeSet<String>>,
    shared: Arc<[String]>,
    reading: Blocking<Result<Bytes, io::ErrorKind>>,
    replay: Option<Arc<dyn Replay>>,
    replacing: Blocking<Result<Ticket, io::ErrorKind>>,
}

impl Files {
    /// The files that the settings name. Paths that are not UTF-8 cannot be named by a setting.
    pub(crate) fn new(config: &Config) -> Self {
        let shared: Arc<[String]> = SHARED_FILES
            .into_iter()
            .filter_map(|(variable, default)| absolute(config, config.variable(variable).unwrap_or(default)))
            .collect();
        let tokens = TOKEN_FILES.into_iter().filter_map(|variable| absolute(config, config.variable(variable)?));
        let granted = Arc::new(shared.iter().cloned().chain(tokens).collect());
        Self {
            granted,
            shared,
            reading: Blocking::default(),
            replacing: Blocking::default(),
            replay: config.replay.clone(),
        }
    }

    /// Whether a variable, or its default, names this file.
    pub(crate) fn grants(&self, path: &str) -> bool {
        self.granted.contains(path)
    }

    /// The paths of the shared files.
    pub(crate) fn shared(&self) -> &[String] {
        &self.shared
    }

    /// The content of a file that was granted. Symbolic links are followed, since what Kubernetes mounts is made of them: the
    /// operator granted what they lead to, and only what is found there is judged.
    pub(crate) async fn open(&self, path: &str) -> io::Result<Bytes> {
        if let Some(replay) = &self.replay {
            return played(&**replay, path);
        }
        // Nearly always. A thread is for what somebody has to be waited for, and says whatever is wrong.
        if let Some(known) = page_cache::read(Path::new(path)) {
            return known.map(Bytes::from_owner);
        }
        let file = path.to_owned();
        let read = move || read(Path::new(&file), MAX_FILE_BYTES).map_err(|error| error.kind());
        Ok(self.reading.run(path, read).await??)
    }

    /// Puts new content in the place of a file that may be replaced. Where somebody else is doing so at this moment, that is an error:
    /// a second thread would wait beside the first where a disk is dead.
    pub(crate) async fn replace(&self, path: &str, content: Zeroizing<Vec<u8>>) -> io::Result<()> {
        if let Some(replay) = &self.replay {
            return replay.write_file(path, &content);
        }
        let (file, own) = (path.to_owned(), Ticket::next());
        let replace = move || replacement::replace(Path::new(&file), &content).map(|()| own);
        let done = self.replacing.run(path, move || replace().map_err(|error| error.kind())).await??;
        if done == own { Ok(()) } else { Err(io::ErrorKind::ResourceBusy.into()) }
    }
}

/// The content of a file of a world that is played, with the same limit.
fn played(replay: &dyn Replay, path: &str) -> io::Result<Bytes> {
    let content = replay.file(path).unwrap_or(Err(io::ErrorKind::NotFound))?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Bytes::from_owner(Zeroizing::new(content)))
}

/// Whether a variable is a path, which the component gets as an absolute one.
pub(crate) fn is_path(variable: &str) -> bool {
    ["HOME", LOGIN_FOLDER].contains(&variable)
        || TOKEN_FILES.contains(&variable)
        || SHARED_FILES.iter().any(|(name, _)| *name == variable)
}

/// A path as the settings have it → the one spelling of it that guest and host both use. `None` where it begins at a home
/// folder that is not set, or is blank or not UTF-8.
pub(crate) fn absolute(config: &Config, path: &str) -> Option<String> {
    let path = path.trim();
    let path = match path.strip_prefix("~/") {
        Some(below_home) => {
            let home = config.variable("HOME")?.trim();
            Path::new((!home.is_empty()).then_some(home)?).join(below_home.trim_start_matches('/'))
        }
        None => PathBuf::from(path),
    };
    spelled(&path)
}

/// A path as the component opens it, which is below its one folder, `/` → the same spelling.
pub(crate) fn opened(path: &str) -> String {
    let path = format!("/{}", path.trim_start_matches('/'));
    spelled(Path::new(&path)).unwrap_or(path)
}

fn spelled(path: &Path) -> Option<String> {
    path::absolute(path).ok()?.into_os_string().into_string().ok()
}

/// The content of a regular file of at most `limit` bytes, which is overwritten when it is dropped.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Bytes> {
    let file = open_without_waiting(path)?;
    // What was opened is asked, and not the path, which may lead elsewhere by now.
    let kind = file.metadata()?;
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let size = kind.len().min(limit);
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1));
    // One byte more than allowed shows a file that is too large, also one that grows meanwhile.
    file.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Bytes::from_owner(content))
}

/// Opens a file without waiting for whoever may hold the other end of it: a named pipe in the place of a file would
/// otherwise hold a thread for ever.
fn open_without_waiting(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn failure(path: &str) -> io::ErrorKind {
        read(Path::new(path), MAX_FILE_BYTES).unwrap_err().kind()
    }

    #[test]
    fn the_settings_grant_the_files_that_they_name_and_no_other() {
        let files = Files::new(
            &Config::new()
                .with_variable("HOME", "/home/user")
                .with_variable("AWS_CONFIG_FILE", "/etc/aws/config")
                .with_variable("AWS_WEB_IDENTITY_TOKEN_FILE", "/run//token\n")
                .with_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "~/token")
                .with_variable("AWS_LOGIN_CACHE_DIRECTORY", "/var/login")
                .with_variable("AWS_CA_BUNDLE", "/etc/bundle"),
        );
        let shared = ["/etc/aws/config", "/home/user/.aws/credentials"];
        assert_eq!(files.shared(), shared);
        let granted: Vec<_> = files.granted.iter().map(String::as_str).collect();
        assert_eq!(granted, [&shared[..], &["/home/user/token", "/run/token"]].concat());
        assert!(!files.grants("/var/login") && !files.grants("/etc/bundle"));
        assert!(Files::new(&Config::new().with_variable("AWS_WEB_IDENTITY_TOKEN_FILE", "  ")).granted.is_empty());
    }

    #[test]
    fn a_path_has_one_spelling_whatever_its_setting_looks_like() {
        let config = Config::new().with_variable("HOME", "/home//user/");
        for (path, spelling) in [
            ("/run/secrets//aws", "/run/secrets/aws"),
            ("/x/./creds", "/x/creds"),
            ("~/creds", "/home/user/creds"),
            ("~//creds", "/home/user/creds"),
        ] {
            assert_eq!(absolute(&config, path).as_deref(), Some(spelling));
        }
        assert_eq!(absolute(&Config::new(), "~/creds"), None);
        // A blank one would be the working folder.
        assert_eq!(absolute(&Config::new().with_variable("HOME", " "), "~/creds"), None);
        for (path, spelling) in [("run//token", "/run/token"), ("//./run/token", "/run/token"), ("../x", "/../x")] {
            assert_eq!(opened(path), spelling);
        }
    }

    #[test]
    fn a_regular_file_is_read_up_to_the_limit_and_not_beyond() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let path = path.to_str().unwrap();
        fs::write(path, vec![b'x'; MAX_FILE_BYTES as usize]).unwrap();
        assert_eq!(read(Path::new(path), MAX_FILE_BYTES).unwrap().len() as u64, MAX_FILE_BYTES);
        fs::write(path, vec![b'x'; MAX_FILE_BYTES as usize + 1]).unwrap();
        assert_eq!(failure(path), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn what_is_not_a_regular_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(failure(folder.path().to_str().unwrap()), io::ErrorKind::IsADirectory);
        assert_eq!(failure("/no/such/file"), io::ErrorKind::NotFound);
        assert_eq!(failure("/dev/null"), io::ErrorKind::Unsupported);
    }

    /// Opening a named pipe that nobody writes to waits for ever, unless it is opened without waiting.
    #[test]
    fn a_named_pipe_is_refused_and_does_not_hold_its_reader() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        assert_eq!(failure(path.to_str().unwrap()), io::ErrorKind::Unsupported);
    }

    /// A file that is written to for ever must not be read for ever.
    #[test]
    fn a_file_that_grows_while_it_is_read_is_too_large() {
        use std::io::Write;
        use std::sync::atomic::{AtomicBool, Ordering};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("growing");
        let mut growing = File::create(&path).unwrap();
        growing.write_all(&vec![b'x'; MAX_FILE_BYTES as usize]).unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    growing.write_all(b"x").unwrap();
                }
            });
            while File::open(&path).unwrap().metadata().unwrap().len() <= MAX_FILE_BYTES {
                std::thread::yield_now();
            }
            let failure = failure(path.to_str().unwrap());
            stop.store(true, Ordering::Relaxed);
            assert_eq!(failure, io::ErrorKind::FileTooLarge);
        });
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_symbolic_link_is_followed_and_what_it_leads_to_is_judged() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("credentials");
        let files = Files::new(&Config::new().with_variable("AWS_CONFIG_FILE", link.to_str().unwrap()));
        let open = async |target: &str| {
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(target, &link).unwrap();
            files.open(link.to_str().unwrap()).await
        };
        assert!(!open("/etc/hosts").await.unwrap().is_empty());
        assert_eq!(open("/dev/zero").await.unwrap_err().kind(), io::ErrorKind::Unsupported);
        assert_eq!(open("/").await.unwrap_err().kind(), io::ErrorKind::IsADirectory);
        open("credentials").await.expect_err("a link to itself leads nowhere");
        // The path is the grant: what a link leads to is not granted under its own name.
        assert!(files.grants(link.to_str().unwrap()) && !files.grants("/etc/hosts"));
    }
}
