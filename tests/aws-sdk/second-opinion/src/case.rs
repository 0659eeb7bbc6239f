//! One case: everything that a chain can see.

use std::collections::BTreeMap;
use std::fmt;

use keyward_ecr::wiped::Wiped;
use keyward_ecr::world::{FileError, Local};

/// The time of all cases, in seconds since 1970: 2026-01-01T00:00:00Z.
pub const NOW: u64 = 1_767_225_600;

/// The region of the registry that the credentials are for.
pub const REGISTRY_REGION: &str = "us-east-1";

/// What a chain can see.
#[derive(Clone, PartialEq, Eq)]
pub struct Case {
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// All files, by their absolute paths.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What the services are like.
    pub services: Services,
}

impl Case {
    /// A variable of the environment.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    /// The same case without a variable.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut case = self.clone();
        case.environment.remove(name);
        case
    }

    /// The same case with a variable.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut case = self.clone();
        case.environment.insert(name.to_owned(), value.to_owned());
        case
    }
}

impl Local for Case {
    fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        self.files.get(path).cloned().map(Wiped::new).ok_or(FileError::NotFound)
    }
}

/// As one would set it up by hand, but for the files that are the same in all cases.
impl fmt::Debug for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            writeln!(formatter, "{name}={value:?}")?;
        }
        let is_generated = |path: &str| !path.contains("/cache/") && !path.contains("/token");
        for (path, content) in self.files.iter().filter(|(path, _)| is_generated(path)) {
            writeln!(formatter, "--- {path}")?;
            match std::str::from_utf8(content) {
                Ok(text) => writeln!(formatter, "{}", text.replace('\r', "\\r").replace('\t', "\\t"))?,
                Err(_) => writeln!(formatter, "{content:?}")?,
            }
        }
        writeln!(formatter, "--- {:?}", self.services)
    }
}

/// What the services are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Services {
    /// The container's endpoint.
    pub container: Container,
    /// The instance metadata service.
    pub imds: Imds,
    /// The portal of IAM Identity Center, and what renews its tokens.
    pub sso: Portal,
    /// The Security Token Service.
    pub sts: Sts,
}

/// The container's endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Gives credentials.
    Works,
    /// Nobody is there.
    Absent,
    /// Answers with status 500.
    Broken,
    /// Answers with status 404.
    NotFound,
    /// Answers with something else than credentials.
    NotCredentials,
    /// Answers with an error, and status 200.
    Refuses,
}

/// The instance metadata service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imds {
    /// Gives credentials.
    Works,
    /// Nobody is there.
    Absent,
    /// Answers with status 500, but for the token.
    Broken,
    /// Does not give out tokens.
    Forbidden,
    /// The instance has no role.
    NoRole,
    /// The role does not trust the instance.
    Untrusted,
    /// The credentials have ended a minute ago.
    Ended,
}

/// The portal of IAM Identity Center.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portal {
    /// Gives credentials.
    Works,
    /// Does not renew tokens.
    NoRenewal,
    /// Does not take the token.
    Refuses,
}

/// The Security Token Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sts {
    /// Gives credentials.
    Works,
    /// Refuses.
    Refuses,
}
