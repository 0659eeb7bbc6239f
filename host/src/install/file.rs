//! Where docker's configuration is, and how it is replaced: at once, or not at all.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process;

use super::InstallError;

/// How many links are followed one after another: as many as Linux does.
const MAX_LINKS: usize = 40;

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
            let text = text(&target)?;
            Ok((target, text))
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
        let (draft, mut file) = Draft::create(folder).map_err(failed)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        written.and_then(|()| self.hand_over_mode(&draft)).map_err(failed)?;
        // docker takes no lock that could be waited for. This leaves little time for a login to be lost in.
        if self::text(&self.target).map_err(failed)? != self.text {
            return Err(InstallError::Changed { file: self.path.clone() });
        }
        draft.rename(&self.target).map_err(failed)
    }

    fn hand_over_mode(&self, draft: &Draft) -> io::Result<()> {
        let metadata = match fs::metadata(&self.target) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
            metadata => metadata?,
        };
        // Only root may give a file away. Others own it already, or could write the folder alone.
        let _ = chown(&draft.0, Some(metadata.uid()), Some(metadata.gid()));
        fs::set_permissions(&draft.0, fs::Permissions::from_mode(metadata.mode() & 0o7777))
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

fn text(target: &Path) -> io::Result<String> {
    match fs::read_to_string(target) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(String::new()),
        text => text,
    }
}

/// A file that is to take another's place. It is removed where it does not come to that.
struct Draft(PathBuf);

impl Draft {
    /// In the same folder, since a file can be renamed within a file system alone.
    fn create(folder: &Path) -> io::Result<(Self, File)> {
        let mut number = 0_u32;
        loop {
            let path = folder.join(format!(".config.json.keyward-{}-{number}", process::id()));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok((Self(path), file)),
                // Of a process that was ended in the middle and had the same number.
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists && number < 100 => number += 1,
                Err(cause) => return Err(cause),
            }
        }
    }

    fn rename(mut self, target: &Path) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
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
