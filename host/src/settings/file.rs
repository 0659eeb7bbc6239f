//! The configuration file: where it is, and what it says.
//!
//! One file counts, and nothing is merged: that of `--config`, else that of `KEYWARD_CONFIG`, else the first that there is of
//! `$XDG_CONFIG_HOME/keyward/keyward.toml` (`~/.config` unless set) and `/etc/keyward/keyward.toml`. A file that was named has to be
//! there. `off`, in the place of a name, is none.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::address::{Alias, Endpoint, Patterns};
use super::read::{MAX_BYTES, Unread, read};
use super::sources::{Environment, SettingsError};
use super::value::{CacheMode, FromFile, LogFormat, LogLevel, Store};

const FLAG: &str = "--config";
const VARIABLE: &str = "KEYWARD_CONFIG";
const SYSTEM_FILE: &str = "/etc/keyward/keyward.toml";

/// What looking for a configuration file came to.
#[derive(Debug)]
pub(super) enum Found {
    File(Box<File>),
    /// There is none at the places where one may be.
    Nowhere(Vec<PathBuf>),
    /// By the flag or the variable of this name.
    Off(&'static str),
}

/// A configuration file that was read.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// Why it is this one.
    pub(super) named_by: &'static str,
    pub(super) document: Document,
    /// Where each line begins.
    lines: Vec<usize>,
}

/// What a file may have in it. Everything else is a mistake.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Document {
    pub(super) budget: BudgetTable,
    pub(super) cache: CacheTable,
    pub(super) docker: DockerTable,
    pub(super) egress: EgressTable,
    pub(super) log: LogTable,
    pub(super) permissions: PermissionsTable,
    pub(super) registry: Vec<RegistryTable>,
    pub(super) serve: ServeTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct BudgetTable {
    pub(super) deadline: Option<InFile<Duration>>,
    pub(super) fuel: Option<InFile<u64>>,
    pub(super) memory: Option<InFile<u64>>,
    pub(super) requests: Option<InFile<u32>>,
    pub(super) request_bytes: Option<InFile<u64>>,
    pub(super) response_bytes: Option<InFile<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct CacheTable {
    pub(super) dir: Option<InFile<PathBuf>>,
    pub(super) mode: Option<InFile<CacheMode>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DockerTable {
    pub(super) compat: Option<InFile<bool>>,
    pub(super) store: Option<InFile<Store>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct EgressTable {
    pub(super) allow: Option<InFile<Vec<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PermissionsTable {
    pub(super) process: Option<InFile<bool>>,
    pub(super) write_sso_cache: Option<InFile<bool>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct LogTable {
    pub(super) format: Option<InFile<LogFormat>>,
    pub(super) level: Option<InFile<LogLevel>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ServeTable {
    pub(super) client_timeout: Option<InFile<Duration>>,
    pub(super) idle_exit: Option<InFile<Duration>>,
    pub(super) max_clients: Option<InFile<u32>>,
    pub(super) socket: Option<InFile<PathBuf>>,
}

/// One rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RegistryTable {
    #[serde(rename = "match")]
    pub(super) patterns: InFile<Patterns>,
    pub(super) alias: Option<InFile<Alias>>,
    pub(super) endpoint: Option<InFile<Endpoint>>,
    pub(super) external_id: Option<InFile<String>>,
    pub(super) profile: Option<InFile<String>>,
    pub(super) region: Option<InFile<String>>,
    pub(super) role_arn: Option<InFile<String>>,
    pub(super) session_name: Option<InFile<String>>,
}

/// A value, and where it stands in its file.
#[derive(Clone, Debug)]
pub(super) struct InFile<V> {
    pub(super) value: V,
    /// The offset of its first byte.
    pub(super) at: usize,
}

impl<'de, V: FromFile> Deserialize<'de> for InFile<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Spanned::<V::Written>::deserialize(deserializer)?;
        let at = written.span().start;
        let value =
            V::from_file(written.into_inner()).map_err(|complaint| D::Error::custom(format!("this {complaint}")))?;
        Ok(Self { value, at })
    }
}

impl Found {
    /// Looks for the file, and reads it. A disk that does not answer is waited for no longer than a lookup would.
    pub(super) fn search(
        flag: Option<&Path>,
        environment: Environment<'_>,
        deadline: Duration,
    ) -> Result<Self, SettingsError> {
        let variable = || environment(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let named = flag.map(|path| (path.to_owned(), FLAG));
        let named = named.or_else(|| Some((variable()?, VARIABLE)));
        let (paths, named_by, is_named) = match named {
            Some((path, by)) if path == Path::new("off") => return Ok(Self::Off(by)),
            Some((path, FLAG)) => (vec![path], "--config names", true),
            Some((path, _)) => (vec![path], "KEYWARD_CONFIG names", true),
            None => (usual_places(environment), "lies where a configuration file may be", false),
        };
        for path in &paths {
            match text(path, deadline) {
                Ok(text) => return Ok(Self::File(Box::new(File::parse(path, named_by, &text)?))),
                Err(Unread::Failed(cause)) if !is_named && is_absent(path, cause.kind()) => {}
                Err(why) => return Err(unread(why, path, named_by)),
            }
        }
        Ok(Self::Nowhere(paths))
    }

    pub(super) fn file(&self) -> Option<&File> {
        match self {
            Self::File(file) => Some(file),
            Self::Nowhere(_) | Self::Off(_) => None,
        }
    }
}

impl File {
    /// Takes the text of a file apart.
    pub(super) fn parse(path: &Path, named_by: &'static str, text: &str) -> Result<Self, SettingsError> {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut file = Self { path: path.to_owned(), named_by, document: Document::default(), lines };
        match toml::from_str(text) {
            Ok(document) => file.document = document,
            Err(error) => return Err(file.error(error.span().map_or(0, |span| span.start), error.message())),
        }
        Ok(file)
    }

    /// The number of the line that has a byte of the file.
    pub(super) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    /// What is wrong at a place in the file.
    pub(super) fn error(&self, at: usize, text: &str) -> SettingsError {
        let line = self.line(at);
        let column = at - self.lines[line - 1] + 1;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        SettingsError::InFile { file: self.path.display().to_string(), line, column, text }
    }
}

/// Where a file may be that nobody has named.
fn usual_places(environment: Environment<'_>) -> Vec<PathBuf> {
    let user = user_folder(environment, "XDG_CONFIG_HOME", ".config");
    let user = user.map(|folder| folder.join("keyward/keyward.toml"));
    user.into_iter().chain([PathBuf::from(SYSTEM_FILE)]).collect()
}

/// A folder of the XDG Base Directory Specification: a path that is relative is to be ignored.
pub(super) fn user_folder(environment: Environment<'_>, variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute =
        |name: &str| environment(name).map(|value: OsString| PathBuf::from(value)).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)))
}

fn unread(why: Unread, path: &Path, named_by: &'static str) -> SettingsError {
    let file = path.display().to_string();
    match why {
        Unread::Failed(cause) => SettingsError::Unreadable { file, named_by, cause: cause.to_string() },
        Unread::Slow(deadline) => SettingsError::Slow { file, deadline },
        Unread::TooLong => SettingsError::TooLong { file, limit: MAX_BYTES },
    }
}

/// The file is not there, or nobody can tell: its folder is somebody else's, as of a home that was left in the environment.
fn is_absent(path: &Path, kind: io::ErrorKind) -> bool {
    match kind {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => true,
        io::ErrorKind::PermissionDenied => fs::metadata(path).is_err_and(|error| error.kind() == kind),
        _ => false,
    }
}

fn text(path: &Path, deadline: Duration) -> Result<String, Unread> {
    let mut bytes = read(path, deadline)?;
    let not_utf8 = |_| Unread::Failed(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"));
    String::from_utf8(mem::take(&mut *bytes)).map_err(not_utf8)
}

#[cfg(test)]
mod tests;
