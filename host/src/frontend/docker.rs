//! docker's credential helper protocol, as `docker-credential-helpers` 0.9.8 speaks it (`credentials/credentials.go`).
//!
//! Its texts and streams are the protocol: clients compare what stands on the standard output with [`NOT_FOUND`], and
//! nothing else may stand there then. Every error goes to the standard output and ends with exit status 1. The detail
//! behind a text goes to the standard error stream, which docker shows to its user, and which a person who types the command
//! sees. `host/tests/differential.rs` compares all of it with a helper that is written in Go.

mod encode;
mod input;
mod stored;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read, Write};

use keyward::{Credential, Error};

use self::input::{InputError, read_lines};
use self::stored::{Stored, StoredError};
use crate::lookup::{Answer, Failure};
use crate::settings::Store;

pub(crate) use self::encode::credential_json;

/// What clients take as "no credentials: go on without". Unless it is wanted, it stands for nothing else here: a helper
/// that says it of failures makes docker pull anonymously and hides the cause.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// What the helper was called with.
pub(crate) struct Invocation<'a> {
    /// The name that it goes by.
    pub(crate) name: &'a str,
    /// The arguments behind the name.
    pub(crate) arguments: &'a [OsString],
}

/// What stands behind the protocol.
pub(crate) trait Backend {
    /// Whether every failed lookup is called "not found", for chains of helpers that go on only then.
    fn compat(&self) -> bool;

    /// What becomes of credentials that a client wants to be kept or erased.
    fn store(&self) -> Store;

    /// The credential of a registry.
    fn resolve(&self, server: &str) -> Answer;

    /// The hosts whose credentials are at hand, and their users. Asks nobody: docker lists before it does anything else.
    fn list(&self) -> BTreeMap<String, String>;

    /// Forgets what is kept for a registry.
    fn forget(&self, server: &str);
}

/// Whether a program of this name is a credential helper.
pub(crate) fn is_helper(name: &str) -> bool {
    name.starts_with("docker-credential-")
}

/// Serves one invocation and returns the exit status. What stands behind the protocol is opened where it is needed, after
/// the input was found to be right.
pub(crate) fn serve<B: Backend>(
    invocation: &Invocation<'_>,
    input: &mut dyn Read,
    output: &mut dyn Write,
    errors: &mut dyn Write,
    open: impl FnOnce() -> Result<B, String>,
) -> io::Result<u8> {
    let (text, status) = match answer(invocation, input, open) {
        Ok(text) => (text, 0),
        Err(ServeError::Stream(cause)) => return Err(cause),
        Err(error) => {
            // Without a reader of it, the detail is worth nothing: a closed stream is no failure of the helper.
            if let Some(detail) = error.detail() {
                let _ = writeln!(errors, "{detail}");
            }
            let mut text = error.to_string().into_bytes();
            if let ServeError::UnknownAction { action, .. } = error {
                text.extend_from_slice(action.as_encoded_bytes());
            }
            text.push(b'\n');
            (text, 1)
        }
    };
    output.write_all(&text)?;
    output.flush()?;
    Ok(status)
}

/// Why there is no answer. Displayed, it is what the standard output says.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("Usage: {0} <store|get|erase|list|version>")]
    Usage(String),
    /// The action itself follows, byte by byte.
    #[error("{name}: unknown action: ")]
    UnknownAction { name: String, action: OsString },
    #[error("no credentials server URL")]
    MissingServer,
    #[error("no credentials username")]
    MissingUsername,
    #[error(transparent)]
    Input(InputError),
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// The texts of the Go helper.
    #[error("not implemented")]
    NotImplemented,
    #[error("{NOT_FOUND}")]
    NotFound(Failure),
    #[error("{0}")]
    Lookup(Failure),
    /// What stands behind the protocol could not be opened. It is said whatever failures are to be called: settings that
    /// are wrong stay so until somebody sees it.
    #[error("{0}")]
    Settings(String),
    #[error("the standard streams failed: {0}")]
    Stream(#[from] io::Error),
}

impl ServeError {
    /// What a person needs to know besides, or wherever a client hides the standard output.
    fn detail(&self) -> Option<String> {
        match self {
            // Nothing is wrong: with a `credsStore`, docker asks for every registry that it uses, and shows what is written here.
            Self::NotFound(failure) if failure.error == Error::NotOurRegistry => None,
            Self::NotFound(failure) | Self::Lookup(failure) => Some(failure.to_string()),
            Self::Settings(text) => Some(text.clone()),
            Self::NotImplemented => Some(
                "what clients want to be kept or erased is refused, as the settings say: see KEYWARD_STORE".to_owned(),
            ),
            _ => None,
        }
    }
}

impl From<InputError> for ServeError {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Stream(cause) => Self::Stream(cause),
            error => Self::Input(error),
        }
    }
}

fn answer<B: Backend>(
    invocation: &Invocation<'_>,
    input: &mut dyn Read,
    open: impl FnOnce() -> Result<B, String>,
) -> Result<Vec<u8>, ServeError> {
    let open = || open().map_err(ServeError::Settings);
    let name = invocation.name;
    let usage = || ServeError::Usage(name.to_owned());
    let [action] = invocation.arguments else {
        return Err(usage());
    };
    match action.to_str() {
        Some("get") => {
            let server = server(input)?;
            let credential = get(&open()?, &server)?;
            Ok(credential_json(&server, &credential).into_bytes())
        }
        Some("store") => {
            let stored = Stored::parse(&read_lines(input)?)?;
            if stored.server_url.is_empty() {
                return Err(ServeError::MissingServer);
            }
            if stored.username.is_empty() {
                return Err(ServeError::MissingUsername);
            }
            refuse_or_ignore(&open()?)
        }
        Some("erase") => {
            let server = server(input)?;
            let backend = open()?;
            // Whatever is said of it: who logs out wants the credential to be gone.
            backend.forget(&String::from_utf8_lossy(&server));
            refuse_or_ignore(&backend)
        }
        Some("list") => Ok(encode::list_json(&open()?.list()).into_bytes()),
        Some("version" | "--version" | "-v") => {
            Ok(format!("{name} (keyward) {}\n", env!("CARGO_PKG_VERSION")).into_bytes())
        }
        Some("--help" | "-h") => Ok(format!("{}\n", usage()).into_bytes()),
        _ => Err(ServeError::UnknownAction { name: name.to_owned(), action: action.clone() }),
    }
}

fn get(backend: &impl Backend, server: &[u8]) -> Result<Credential, ServeError> {
    // What is not UTF-8 is no registry's host, and the resolver says so.
    backend.resolve(&String::from_utf8_lossy(server)).map_err(|failure| match failure.error {
        Error::NotOurRegistry | Error::NoCredentials(_) => ServeError::NotFound(failure),
        _ if backend.compat() => ServeError::NotFound(failure),
        _ => ServeError::Lookup(failure),
    })
}

/// Nothing is kept, since the next `get` resolves a new credential. An error would make `docker login` and `docker logout`
/// fail, so it is for those who want to hear of it.
fn refuse_or_ignore(backend: &impl Backend) -> Result<Vec<u8>, ServeError> {
    match backend.store() {
        Store::Ignore => Ok(Vec::new()),
        Store::Refuse => Err(ServeError::NotImplemented),
    }
}

/// The registry on the standard input.
fn server(input: &mut dyn Read) -> Result<Vec<u8>, ServeError> {
    let lines = read_lines(input)?;
    let server = input::trim(&lines);
    if server.is_empty() { Err(ServeError::MissingServer) } else { Ok(server.to_vec()) }
}

#[cfg(test)]
pub(crate) mod tests;
