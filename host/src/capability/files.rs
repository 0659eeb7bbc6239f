//! Which files a lookup sees: exactly those that the settings name, read only and bounded. How it sees them is
//! `filesystem`'s.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{self, Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use zeroize::Zeroizing;

use crate::capability::blocking::Blocking;
use crate::config::Config;
use crate::replay::Replay;

/// The settings that name a file, and the file that takes the place of an unset one.
pub(crate) const FILE_SETTINGS: [(&str, &str); 2] =
    [("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")];

/// The most bytes that a file may have.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The files that lookups may read, by their absolute paths.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    granted: Arc<BTreeSet<String>>,
    reading: Blocking<Result<Bytes, io::ErrorKind>>,
    replay: Option<Arc<dyn Replay>>,
}

impl Files {
    /// The files that the settings name. Paths that are not UTF-8 cannot be named by a setting.
    pub(crate) fn new(config: &Config) -> Self {
        let granted = FILE_SETTINGS
            .into_iter()
            .filter_map(|(variable, default)| absolute(config, config.variable(variable).unwrap_or(default)));
        Self { granted: Arc::new(granted.collect()), reading: Blocking::default(), replay: config.replay.clone() }
    }

    /// The content of a granted file; every other path does not exist. Symbolic links are followed, since what Kubernetes
    /// mounts is made of them: the operator granted what they lead to, and only what is found there is judged.
    pub(crate) async fn open(&self, path: String) -> io::Result<Bytes> {
        if !self.granted.contains(&path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if let Some(replay) = &self.replay {
            return played(&**replay, &path);
        }
        let file = path.clone();
        let read = move || read(Path::new(&file), MAX_FILE_BYTES).map_err(|error| error.kind());
        Ok(self.reading.run(&path, read).await??)
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

/// A path as the settings have it → the one spelling of it that guest and host both use. `None` where it begins at a home
/// folder that is not set, or is not UTF-8.
pub(crate) fn absolute(config: &Config, path: &str) -> Option<String> {
    let path = match path.strip_prefix("~/") {
        Some(below_home) => Path::new(config.variable("HOME")?).join(below_home.trim_start_matches('/')),
        None => PathBuf::from(path),
    };
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

    #[tokio::test]
    async fn a_file_that_was_not_granted_does_not_exist() {
        let files = Files::new(&Config::new().with_variable("AWS_CONFIG_FILE", "/etc/hosts"));
        assert!(!files.open("/etc/hosts".to_owned()).await.unwrap().is_empty());
        let refused = files.open("/etc/resolv.conf".to_owned()).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn the_settings_grant_the_files_that_they_name_and_no_other() {
        let files = Files::new(
            &Config::new()
                .with_variable("HOME", "/home/user")
                .with_variable("AWS_CONFIG_FILE", "/etc/aws/config")
                .with_variable("AWS_CA_BUNDLE", "/etc/bundle"),
        );
        assert_eq!(files.granted.iter().collect::<Vec<_>>(), ["/etc/aws/config", "/home/user/.aws/credentials"]);
        assert!(Files::new(&Config::new()).granted.is_empty());
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
            files.open(link.to_str().unwrap().to_owned()).await
        };
        assert!(!open("/etc/hosts").await.unwrap().is_empty());
        assert_eq!(open("/dev/zero").await.unwrap_err().kind(), io::ErrorKind::Unsupported);
        assert_eq!(open("/").await.unwrap_err().kind(), io::ErrorKind::IsADirectory);
        open("credentials").await.expect_err("a link to itself leads nowhere");
        // The path is the grant: what a link leads to is not granted under its own name.
        let refused = files.open("/etc/hosts".to_owned()).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::NotFound);
    }
}
