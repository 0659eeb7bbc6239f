//! docker's credential helper protocol, as `docker-credential-helpers` 0.9.8 speaks it (`credentials/credentials.go`).
//!
//! Its texts and streams are the protocol: clients compare what stands on the standard output with
//! [`NOT_FOUND`], and nothing else may stand there then. Every error goes to the standard output and ends with exit
//! status 1. The detail behind a text goes to the standard error stream, where docker shows it to nobody and a person
//! who types the command sees it.

use std::io::{self, Read, Write};

use keyward::{Credential, Error};
use serde_json::Value;

use crate::frontend::go_json;
use crate::lookup::Failure;

/// What clients take as "no credentials: go on without". It stands for nothing else here: a helper that says it of
/// failures makes docker pull anonymously and hides the cause.
const NOT_FOUND: &str = "credentials not found in native keychain";

const MISSING_SERVER: &str = "no credentials server URL";
const MISSING_USERNAME: &str = "no credentials username";

/// The most that is read of the standard input: the length to which Go's scanner, which reads it in other helpers, takes
/// a line.
const MAX_INPUT_BYTES: u64 = 64 * 1024;

/// What the helper was called with.
pub(crate) struct Invocation<'a> {
    /// The name that it was called by.
    pub(crate) name: &'a str,
    /// The arguments behind the name.
    pub(crate) arguments: &'a [String],
}

/// Whether a program of this name is a credential helper.
pub(crate) fn is_helper(name: &str) -> bool {
    name.starts_with("docker-credential-")
}

/// Serves one invocation and returns the exit status.
pub(crate) fn serve(
    invocation: &Invocation<'_>,
    input: &mut dyn Read,
    output: &mut dyn Write,
    errors: &mut dyn Write,
    resolve: impl FnOnce(&str) -> Result<Credential, Failure>,
) -> io::Result<u8> {
    let name = invocation.name;
    let usage = format!("Usage: {name} <store|get|erase|list|version>");
    let [action] = invocation.arguments else {
        writeln!(output, "{usage}")?;
        return Ok(1);
    };
    let answer = match action.as_str() {
        "get" => get(input, errors, resolve)?,
        "store" => store(input)?,
        "erase" => server(input)?.map(|_| String::new()),
        // Credentials are resolved when they are asked for and kept nowhere: there are none to list.
        "list" => Ok("{}\n".to_owned()),
        "version" | "--version" | "-v" => Ok(format!("{name} (keyward) {}\n", env!("CARGO_PKG_VERSION"))),
        "--help" | "-h" => Ok(format!("{usage}\n")),
        other => Err(format!("{name}: unknown action: {other}")),
    };
    let (text, status) = match answer {
        Ok(text) => (text, 0),
        Err(text) => (format!("{text}\n"), 1),
    };
    output.write_all(text.as_bytes())?;
    Ok(status)
}

type Answer<T> = Result<T, String>;

fn get(
    input: &mut dyn Read,
    errors: &mut dyn Write,
    resolve: impl FnOnce(&str) -> Result<Credential, Failure>,
) -> io::Result<Answer<String>> {
    let server = match server(input)? {
        Ok(server) => server,
        Err(text) => return Ok(Err(text)),
    };
    let failure = match resolve(&server) {
        Ok(credential) => return Ok(Ok(credential_json(&server, &credential))),
        Err(failure) => failure,
    };
    // Without a reader of it, the detail is worth nothing: a closed stream is no failure of the helper.
    let _ = writeln!(errors, "{failure}");
    Ok(Err(match failure.error {
        Error::NotOurRegistry | Error::NoCredentials(_) => NOT_FOUND.to_owned(),
        _ => failure.to_string(),
    }))
}

/// Takes credentials and keeps none: the next `get` resolves new ones. An error here would make `docker login` fail.
fn store(input: &mut dyn Read) -> io::Result<Answer<String>> {
    let text = match read(input)? {
        Ok(text) => text,
        Err(text) => return Ok(Err(text)),
    };
    let Ok(credentials) = serde_json::from_str::<Value>(&text) else {
        return Ok(Err("the credentials to store are not JSON".to_owned()));
    };
    let is_missing = |name: &str| credentials.get(name).and_then(Value::as_str).is_none_or(str::is_empty);
    Ok(if is_missing("ServerURL") {
        Err(MISSING_SERVER.to_owned())
    } else if is_missing("Username") {
        Err(MISSING_USERNAME.to_owned())
    } else {
        Ok(String::new())
    })
}

/// The registry on the standard input.
fn server(input: &mut dyn Read) -> io::Result<Answer<String>> {
    Ok(read(input)?.and_then(|text| {
        // As in the reference: lines are put together, and blanks around the whole are dropped.
        let server = text.lines().collect::<String>().trim().to_owned();
        if server.is_empty() { Err(MISSING_SERVER.to_owned()) } else { Ok(server) }
    }))
}

fn read(input: &mut dyn Read) -> io::Result<Answer<String>> {
    let mut bytes = Vec::new();
    input.take(MAX_INPUT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_INPUT_BYTES {
        return Ok(Err(format!("the input is longer than {MAX_INPUT_BYTES} bytes: send the registry's address alone")));
    }
    // What is not UTF-8 is no registry's address, and the resolver says so.
    Ok(Ok(String::from_utf8_lossy(&bytes).into_owned()))
}

/// One line, with the characters escaped that Go's encoder escapes.
pub(crate) fn credential_json(server: &str, credential: &Credential) -> String {
    format!(
        "{{\"ServerURL\":{},\"Username\":{},\"Secret\":{}}}\n",
        go_json::string(server),
        go_json::string(&credential.username),
        go_json::string(credential.secret.expose())
    )
}

#[cfg(test)]
pub(crate) mod tests;
