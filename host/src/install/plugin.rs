//! `keyward install-plugin`: this program where a node's kubelet looks for credential providers, and the kubelet's configuration beside
//! it. An image that has the program alone has no shell that could copy it.

use std::env;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::draft::Draft;
use crate::arguments::InstallPlugin;

/// Who may what: the kubelet is root, and whoever else is on the node may look.
const PROGRAM: u32 = 0o755;
const CONFIGURATION: u32 = 0o644;

/// Puts the files there, and returns the exit status.
pub(crate) fn install(arguments: &InstallPlugin) -> io::Result<u8> {
    match try_install(arguments) {
        Ok(installed) => {
            let mut output = io::stdout().lock();
            for Installed { file, is_new } in installed {
                let done = if is_new { "installed" } else { "is up to date" };
                writeln!(output, "{}: {done}", file.display())?;
            }
            output.flush()?;
            Ok(0)
        }
        Err(error) => {
            writeln!(io::stderr(), "error: {error}")?;
            Ok(1)
        }
    }
}

/// Why a file is not there, or is the one that was there before.
#[derive(Debug, thiserror::Error)]
enum PluginError {
    #[error("the program could not be read to copy it: {0}")]
    Program(io::Error),
    #[error("{} could not be read: {cause}", file.display())]
    Configuration { file: PathBuf, cause: io::Error },
    #[error("{} is no folder ({cause}): name folders that the node has, since a kubelet looks nowhere else", folder.display())]
    Folder { folder: PathBuf, cause: io::Error },
    #[error("{} could not be written, and is what it was before: {cause}", file.display())]
    Write { file: PathBuf, cause: io::Error },
}

/// A file that is there now.
struct Installed {
    file: PathBuf,
    /// Whether it was not there before, or not the same.
    is_new: bool,
}

fn try_install(arguments: &InstallPlugin) -> Result<Vec<Installed>, PluginError> {
    // Whatever cannot be read is known before anything is written.
    let program = env::current_exe().and_then(fs::read).map_err(PluginError::Program)?;
    let configuration = match (&arguments.config_from, &arguments.config_to) {
        (Some(from), Some(to)) => {
            let text = fs::read(from).map_err(|cause| PluginError::Configuration { file: from.clone(), cause })?;
            Some((to.clone(), text))
        }
        _ => None,
    };
    // A kubelet that starts in between finds the program that its configuration names.
    let mut installed = vec![put(arguments.folder.join(&arguments.name), &program, PROGRAM)?];
    if let Some((file, text)) = configuration {
        installed.push(put(file, &text, CONFIGURATION)?);
    }
    Ok(installed)
}

/// Puts a file there, with the names that lead to it on the disk too when this returns. One that is the same already is left alone.
fn put(file: PathBuf, bytes: &[u8], mode: u32) -> Result<Installed, PluginError> {
    let folder = folder_of(&file);
    if let Err(cause) = fs::read_dir(folder) {
        return Err(PluginError::Folder { folder: folder.to_owned(), cause });
    }
    if is_there(&file, bytes, mode) {
        return Ok(Installed { file, is_new: false });
    }
    match replace(folder, &file, bytes, mode) {
        Ok(()) => Ok(Installed { file, is_new: true }),
        Err(cause) => Err(PluginError::Write { file, cause }),
    }
}

/// The folder that a file is in, as something that can be opened.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Whether it is a file, and no link to one, with these bytes and this mode.
fn is_there(file: &Path, bytes: &[u8], mode: u32) -> bool {
    let is_alike = fs::symlink_metadata(file).is_ok_and(|found| {
        found.is_file() && found.permissions().mode() & 0o7777 == mode && found.len() == bytes.len() as u64
    });
    is_alike && fs::read(file).is_ok_and(|found| found == bytes)
}

/// A program that runs at the moment cannot be written to; its name can be given to another file.
fn replace(folder: &Path, file: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let name = file.file_name().ok_or_else(|| io::Error::other("it is no name of a file"))?;
    let (draft, mut open) = Draft::create(folder, &name.to_string_lossy())?;
    open.write_all(bytes)?;
    // Of the open file, so that whoever calls this has no say in it by their umask.
    open.set_permissions(Permissions::from_mode(mode))?;
    open.sync_all()?;
    drop(open);
    draft.rename(file)?;
    File::open(folder)?.sync_all()
}
