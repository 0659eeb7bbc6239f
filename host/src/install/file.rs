//! Where docker's configuration is, and how it is replaced: at once, or not at all.

use std::env;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::InstallError;
use super::draft::Draft;

/// How many links are followed one after another: as many as Linux does.
const MAX_LINKS: usize = 40;

/// The most that is read: more than any file has that docker or a person has written.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The configuration file, which may not be there yet.
pub(super) struct ConfigFile {
    /// As it was named.
    path: PathBuf,
    /// What the links lead to.
    target: PathBuf,
    /// What it said when it was read; nothing where it is not there.
    text: String,
}

impl ConfigFile {
    /// Reads the file that was named, or else the one that docker reads.
    pub(super) fn read(named: Option<&Path>) -> Result<Self, InstallError> {
        let path = named.map(Path::to_owned).or_else(dockers_file).ok_or(InstallError::NoHome)?;
        let read = || {
            let target = target(&path)?;
            let found = Found::read(&target)?;
            Ok((target, found.map(|found| found.text).unwrap_or_default()))
        };
        match read() {
            Ok((target, text)) => Ok(Self { path, target, text }),
            Err(cause) => Err(InstallError::Read { file: path, cause }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Puts another text in its place, with the mode and the owner that it has. Readers see the one or the other.
    pub(super) fn replace(&self, text: &str) -> Result<(), InstallError> {
        let failed = |cause| InstallError::Write { file: self.path.clone(), cause };
        let folder = match self.target.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let (draft, mut file) = Draft::create(folder, "config.json").map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        let found = Found::read(&self.target).map_err(failed)?;
        // docker takes no lock that could be waited for. This leaves little time for a login to be lost in.
        if found.as_ref().map_or("", |found| &found.text) != self.text {
            return Err(InstallError::Changed { file: self.path.clone() });
        }
        if let Some(found) = found {
            give_owner(&file, &found.metadata)
                .map_err(|cause| InstallError::Owner { file: self.path.clone(), cause })?;
            file.set_permissions(fs::Permissions::from_mode(found.metadata.mode() & 0o7777)).map_err(failed)?;
        }
        draft.rename(&self.target).map_err(failed)
    }
}

/// What to type where docker will not find a program, or `None` where it will.
pub(super) fn advice(program: &str) -> Option<String> {
    let is_program = |file: &Path| fs::metadata(file).is_ok_and(|file| file.is_file() && file.mode() & 0o111 != 0);
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    if folders.iter().any(|folder| is_program(&folder.join(program))) {
        return None;
    }
    let own = env::current_exe().ok()?;
    // Beside this program, where that is a place in which docker looks.
    let folder = own.parent().filter(|folder| folders.iter().any(|other| other == folder));
    let link = folder.unwrap_or(Path::new("/usr/local/bin")).join(program);
    Some(format!("docker finds no {program} in PATH yet: type 'ln -s {} {}'", own.display(), link.display()))
}

fn dockers_file() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let docker = folder("DOCKER_CONFIG").or_else(|| Some(folder("HOME")?.join(".docker")))?;
    Some(docker.join("config.json"))
}

/// What the links lead to, whether it is there or not: people keep the file elsewhere and have a link to it, which stays one.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&target) {
            Ok(metadata) if metadata.is_symlink() => {
                let link = fs::read_link(&target)?;
                target = target.parent().unwrap_or(Path::new("")).join(link);
            }
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
            _ => return Ok(target),
        }
    }
    Err(io::Error::other("it is a link that leads to itself"))
}

/// A file as it was found.
struct Found {
    text: String,
    metadata: Metadata,
}

impl Found {
    /// Reads a file, or `None` where there is none. What is no file may have no end, or nothing to read for ever.
    fn read(target: &Path) -> io::Result<Option<Self>> {
        // A pipe would be waited for until somebody writes to it.
        let file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(target) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut text = String::new();
        file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(io::Error::other(format!("it is longer than {MAX_BYTES} bytes")));
        }
        Ok(Some(Self { text, metadata }))
    }
}

/// Gives a file the owner and the group of another. Through the open file: whoever may write the folder could put a link to
/// somebody else's file where its name leads.
fn give_owner(file: &File, other: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    // Only root may give a file away, and its owner may choose among their groups: asked for alone, that is permitted.
    let owner = Some(other.uid()).filter(|owner| *owner != own.uid());
    let group = Some(other.gid()).filter(|group| *group != own.gid());
    if owner.is_none() && group.is_none() {
        return Ok(());
    }
    fchown(file, owner, group)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;
    use std::process;

    use super::*;

    /// With a folder of docker's, and what is in it.
    fn folder(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    /// Of what may hold secrets, nothing is shown: so it has no `Debug`, and no `unwrap`.
    fn read(path: &Path) -> ConfigFile {
        ConfigFile::read(Some(path)).unwrap_or_else(|error| panic!("{error}"))
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_another_program_has_written_meanwhile_is_not_lost() {
        let (folder, path) = folder("{}");
        let file = read(&path);
        fs::write(&path, "{\"auths\": {}}").unwrap();
        let error = file.replace("{\"credHelpers\": {}}").unwrap_err();
        assert!(matches!(error, InstallError::Changed { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"auths\": {}}");
        assert_eq!(names(folder.path()), ["config.json"]);
    }

    #[test]
    fn what_a_process_has_left_that_was_ended_in_the_middle_is_in_nobodys_way() {
        let (folder, path) = folder("{}");
        let left = format!(".config.json.keyward-{}-0", process::id());
        fs::write(folder.path().join(&left), "half").unwrap();
        let file = read(&path);
        file.replace("{ }").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{ }");
        assert_eq!(fs::read_to_string(folder.path().join(&left)).unwrap(), "half");
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn the_owner_and_the_group_stay_or_nothing_is_done() {
        let (_folder, path) = folder("{}");
        if chown(&path, Some(1), Some(2)).is_ok() {
            read(&path).replace("{ }").unwrap();
            let metadata = fs::metadata(&path).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (1, 2));
        } else {
            // Who is not root can give nothing to root.
            let file = File::open(&path).unwrap();
            give_owner(&file, &fs::metadata("/").unwrap()).unwrap_err();
        }
    }

    #[test]
    fn what_is_no_file_or_has_no_end_is_not_read() {
        let (folder, path) = folder("{}");
        let said = |path: &Path| match ConfigFile::read(Some(path)) {
            Ok(_) => panic!("read {}", path.display()),
            Err(error) => error.to_string(),
        };
        for path in [Path::new("/dev/zero"), folder.path()] {
            assert!(said(path).ends_with("could not be read: it is no regular file"), "{}", said(path));
        }
        let too_long = File::options().write(true).open(&path).unwrap();
        too_long.set_len(MAX_BYTES + 1).unwrap();
        assert!(said(&path).ends_with("it is longer than 4194304 bytes"), "{}", said(&path));
    }

    #[test]
    fn the_mode_of_the_file_stays() {
        let (_folder, path) = folder("{}");
        for mode in [0o600, 0o644, 0o440] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let file = read(&path);
            file.replace(&format!("{{\"mode\": {mode}}}")).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode);
        }
    }
}
