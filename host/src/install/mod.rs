//! `keyward install` and `uninstall`: the entries in docker's configuration that make its clients ask this helper.
//!
//! They are made in the file and nowhere else: everything that is not the helper's stays as it was.

mod document;
mod draft;
mod file;
pub(crate) mod plugin;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

use keyward_ecr::registry::{Address, RegionMismatch, Registry};

use self::document::{Document, DocumentError};
use self::file::ConfigFile;
use crate::arguments::{Entry, Install, Options, Uninstall};
use crate::settings::{Caller, Settings};

/// What docker puts before the name of a helper to call it.
const PREFIX: &str = "docker-credential-";

/// What docker knows a helper by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HelperName(String);

/// Enters the helper, and returns the exit status.
pub(crate) fn install(arguments: &Install) -> io::Result<u8> {
    say(try_install(arguments))
}

/// Removes what [`install`] has entered, and returns the exit status.
pub(crate) fn uninstall(arguments: &Uninstall) -> io::Result<u8> {
    say(try_uninstall(arguments))
}

impl HelperName {
    /// The program that docker calls.
    fn program(&self) -> String {
        format!("{PREFIX}{self}")
    }
}

impl FromStr for HelperName {
    type Err = String;

    /// The name of the program is understood too.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix(PREFIX).unwrap_or(text);
        // docker makes a program's name of it, and looks for it in PATH.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || !name.bytes().all(is_plain) {
            return Err("a helper's name has letters, digits, '-', '_' and '.'".to_owned());
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for HelperName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why the file stays as it was.
#[derive(Debug, thiserror::Error)]
enum InstallError {
    #[error("neither DOCKER_CONFIG nor HOME says where docker's configuration is: name it with --config-file")]
    NoHome,
    #[error("{0}")]
    Settings(String),
    #[error("'{0}' is no registry that keyward knows: name a registry of Amazon ECR, {EXAMPLE}")]
    NotServed(String),
    #[error(transparent)]
    CannotExist(#[from] RegionMismatch),
    #[error("{} names no registry of Amazon ECR: say which one is meant, {EXAMPLE}", file.display())]
    NoneFound { file: PathBuf },
    #[error("{} has other helpers for {}: --force replaces them", file.display(), entries.join(", "))]
    Taken { file: PathBuf, entries: Vec<String> },
    #[error(
        "{} has logins that docker would not use any more, for {}: name registries instead of --creds-store, or add --force",
        file.display(),
        hosts.join(", ")
    )]
    LoginsLost { file: PathBuf, hosts: Vec<String> },
    #[error("{} is damaged, and stays as it is: {cause}", file.display())]
    Damaged { file: PathBuf, cause: DocumentError },
    #[error("{} could not be read: {cause}", file.display())]
    Read { file: PathBuf, cause: io::Error },
    #[error("{} could not be written: {cause}", file.display())]
    Write { file: PathBuf, cause: io::Error },
    #[error(
        "{} cannot be replaced and keep its owner and its group ({cause}): type the command as its owner, or as root",
        file.display()
    )]
    Owner { file: PathBuf, cause: io::Error },
    #[error("{} was changed by another program meanwhile: try again", file.display())]
    Changed { file: PathBuf },
}

const EXAMPLE: &str = "as in 123456789012.dkr.ecr.us-east-1.amazonaws.com";

/// What is to be said of a file, and what it would be.
struct Outcome {
    /// The file as it would be, for those who wanted to see it.
    printed: Option<String>,
    /// What was done, line by line.
    done: Vec<String>,
    /// What there is to know besides.
    warnings: Vec<String>,
}

fn say(outcome: Result<Outcome, InstallError>) -> io::Result<u8> {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            return Ok(1);
        }
    };
    let mut output = io::stdout().lock();
    match outcome.printed {
        Some(text) => writeln!(output, "{}", text.trim_end())?,
        None => outcome.done.iter().try_for_each(|line| writeln!(output, "{line}"))?,
    }
    output.flush()?;
    for line in &outcome.warnings {
        let _ = writeln!(io::stderr(), "warning: {line}");
    }
    Ok(0)
}

fn try_install(arguments: &Install) -> Result<Outcome, InstallError> {
    let Entry { config_file, helper, print } = &arguments.entry;
    let file = ConfigFile::read(config_file.as_deref())?;
    let mut document = parse(&file)?;
    // Which registries are known, they say too.
    let settings = Settings::load(&Options::default(), Caller::Person).map_err(InstallError::Settings)?;
    let name = helper.to_string();
    let mut done = Vec::new();
    if arguments.creds_store {
        if !arguments.force {
            refuse_to_shadow(&document, &file, &name, &settings)?;
        }
        let says = if document.set_creds_store(&name) { "now" } else { "already" };
        done.push(format!("{}: '{name}' is {says} asked for every registry", file.path().display()));
    } else {
        let hosts = hosts_to_install(arguments, &settings, &document, &file)?;
        if !arguments.force {
            refuse_to_replace(&document, &file, &hosts, &name)?;
        }
        for host in &hosts {
            let says = if document.set_helper(host, &name) { "now" } else { "already" };
            done.push(format!("{}: '{name}' is {says} asked for {host}", file.path().display()));
        }
    }
    finish(&file, &document, *print, done, file::advice(&helper.program()))
}

fn try_uninstall(arguments: &Uninstall) -> Result<Outcome, InstallError> {
    let Entry { config_file, helper, print } = &arguments.entry;
    let file = ConfigFile::read(config_file.as_deref())?;
    let mut document = parse(&file)?;
    let name = helper.to_string();
    let is_meant = |host: &str| {
        let is_it = |address: &String| address == host || host_of(address).as_deref() == Some(host);
        arguments.registries.is_empty() || arguments.registries.iter().any(is_it)
    };
    let ours = document.helpers().into_iter().filter(|(host, helper)| *helper == name && is_meant(host));
    let ours: Vec<String> = ours.map(|(host, _)| host).collect();
    let mut done = Vec::new();
    for host in &ours {
        document.remove_helper(host, &name);
        done.push(format!("{}: '{name}' is no longer asked for {host}", file.path().display()));
    }
    if arguments.registries.is_empty() && document.creds_store().as_deref() == Some(name.as_str()) {
        document.remove_creds_store(&name);
        done.push(format!("{}: '{name}' is no longer asked for every registry", file.path().display()));
    }
    if done.is_empty() {
        done.push(format!("{}: there is no such entry of '{name}'", file.path().display()));
    }
    finish(&file, &document, *print, done, None)
}

fn parse(file: &ConfigFile) -> Result<Document, InstallError> {
    Document::parse(file.text()).map_err(|cause| InstallError::Damaged { file: file.path().to_owned(), cause })
}

/// Writes the file, unless nothing is new or it is wanted on the screen alone.
fn finish(
    file: &ConfigFile,
    document: &Document,
    print: bool,
    done: Vec<String>,
    warning: Option<String>,
) -> Result<Outcome, InstallError> {
    let printed = print.then(|| document.redacted());
    if printed.is_none() && document.is_changed() {
        file.replace(&document.text())?;
    }
    Ok(Outcome { printed, done, warnings: warning.into_iter().collect() })
}

/// The hosts that were named, or else those of Amazon ECR that the file has: from `docker login`, or of helpers.
fn hosts_to_install(
    arguments: &Install,
    settings: &Settings,
    document: &Document,
    file: &ConfigFile,
) -> Result<Vec<String>, InstallError> {
    let mut hosts: Vec<String> = if arguments.registries.is_empty() {
        let named = document.logins().into_iter().chain(document.helpers().into_iter().map(|(host, _)| host));
        named.filter_map(|address| host_to_install(&address, settings).ok()).collect()
    } else {
        let named = arguments.registries.iter();
        named.map(|address| host_to_install(address, settings)).collect::<Result<_, _>>()?
    };
    if hosts.is_empty() {
        return Err(InstallError::NoneFound { file: file.path().to_owned() });
    }
    hosts.sort();
    hosts.dedup();
    Ok(hosts)
}

/// The host of a registry that there can be, and that is this command's: by itself, or by what the settings say.
fn host_to_install(address: &str, settings: &Settings) -> Result<String, InstallError> {
    let question = settings.question(address);
    let host = host_of(address).filter(|_| settings.serves(&question));
    let host = host.ok_or_else(|| InstallError::NotServed(address.to_owned()))?;
    if let Ok(registry) = Registry::parse(question.request.registry()) {
        registry.check_region()?;
    }
    Ok(host)
}

fn refuse_to_replace(document: &Document, file: &ConfigFile, hosts: &[String], name: &str) -> Result<(), InstallError> {
    let others = document.helpers().into_iter().filter(|(host, helper)| helper != name && hosts.contains(host));
    let entries: Vec<String> = others.map(|(host, helper)| format!("{host} ('{helper}')")).collect();
    if entries.is_empty() { Ok(()) } else { Err(InstallError::Taken { file: file.path().to_owned(), entries }) }
}

/// docker asks a `credsStore` for every registry and reads no login of the file then, and this helper knows nothing of other
/// registries.
fn refuse_to_shadow(
    document: &Document,
    file: &ConfigFile,
    name: &str,
    settings: &Settings,
) -> Result<(), InstallError> {
    let is_served = |address: &str| settings.serves(&settings.question(address));
    if let Some(store) = document.creds_store().filter(|store| store != name) {
        let entries = vec![format!("every registry ('{store}')")];
        return Err(InstallError::Taken { file: file.path().to_owned(), entries });
    }
    let hosts: Vec<String> = document.logins().into_iter().filter(|address| !is_served(address)).collect();
    if hosts.is_empty() { Ok(()) } else { Err(InstallError::LoginsLost { file: file.path().to_owned(), hosts }) }
}

/// What docker looks a registry up by: the host, with the port if there is one. `None` where docker would have no such host.
fn host_of(address: &str) -> Option<String> {
    let Address { host, port, .. } = Address::with_schemes(address, &["https", "http"])?;
    Some(port.map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_looked_up_by_its_host_and_port() {
        for (address, host) in [
            ("r.example", "r.example"),
            ("https://R.example/v2/", "r.example"),
            ("r.example:8443/team/app:1@sha256:00", "r.example:8443"),
            ("r.example/a://b", "r.example"),
            ("r.example#://other.example", "r.example"),
            ("r.example?://other.example", "r.example"),
            ("r.example./team/app", "r.example"),
            ("r.example.:8443", "r.example:8443"),
        ] {
            assert_eq!(host_of(address).as_deref(), Some(host), "{address}");
        }
        for address in [
            "",
            ".",
            "https://",
            "ftp://r.example",
            "user@r.example",
            "r..example",
            "r.example:",
            "r.example:x",
            "-r",
            "a b",
        ] {
            assert_eq!(host_of(address), None, "{address}");
        }
    }

    #[test]
    fn a_helper_is_named_with_or_without_what_docker_puts_before_it() {
        for text in ["ecr-login", "docker-credential-ecr-login"] {
            assert_eq!(HelperName::from_str(text), Ok(HelperName("ecr-login".to_owned())));
        }
        for text in ["", "docker-credential-", "a/b", "a b", "ä", "a\n"] {
            HelperName::from_str(text).unwrap_err();
        }
    }
}
