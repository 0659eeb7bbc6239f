//! The settings of `keyward serve`, and of those who ask it.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::rules::{Identity, Role};
use super::sources::{
    ALIAS, ALLOW, ALLOW_PROCESS, CACHE, CACHE_DIR, CLIENT_TIMEOUT, ENDPOINT, Environment, FUEL, IDLE_EXIT, MAX_CLIENTS,
    MEMORY, Name, Origin, REQUEST_BYTES, REQUESTS, RESPONSE_BYTES, SOCKET, SettingsError, Sources, WRITE_SSO_CACHE,
};
use super::{Caller, Settings, at_home};
use crate::arguments::{DaemonOptions, Options};

const BUILT_IN_MAX_CLIENTS: u32 = 64;
const BUILT_IN_CLIENT_TIMEOUT: Duration = Duration::from_secs(30);

/// What a daemon never does for a client, since no request has a place for it: whoever says it for one call looks up by itself.
const OF_THE_CALL: [Name; 5] = [ALIAS, ALLOW, ALLOW_PROCESS, ENDPOINT, WRITE_SSO_CACHE];

/// What the daemon has of its own, so that a variable that is there for every call does not keep anybody from asking it. Typed for one call, it is
/// meant for that.
const TYPED_FOR_THE_CALL: [Name; 7] = [CACHE, CACHE_DIR, FUEL, MEMORY, REQUESTS, REQUEST_BYTES, RESPONSE_BYTES];

/// The settings of the daemon alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Daemon {
    pub(crate) client_timeout: Duration,
    /// `None` where it goes on for ever.
    pub(crate) idle_exit: Option<Duration>,
    pub(crate) max_clients: usize,
}

/// There is no place for the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("XDG_RUNTIME_DIR is not set, and so there is no place for the socket: name it with {}", SOCKET.places())]
pub(crate) struct NoPlace;

impl Settings {
    /// As [`load`](Self::load), with those of the daemon. They are shown with the others.
    pub(crate) fn load_with_daemon(
        options: &Options,
        daemon: &DaemonOptions,
        caller: Caller,
    ) -> Result<(Self, Daemon), String> {
        let environment: Environment<'_> = &|name| env::var_os(name);
        let settings = Self::of(options, caller, environment).and_then(|all| all.with_daemon(daemon, environment));
        settings.map_err(|error| error.to_string())
    }

    pub(super) fn with_daemon(
        mut self,
        options: &DaemonOptions,
        environment: Environment<'_>,
    ) -> Result<(Self, Daemon), SettingsError> {
        let mut from = Sources::new(environment, self.found.file());
        let daemon = daemon(options, &mut from)?;
        let shown = from.into_shown();
        self.shown.extend(shown);
        Ok((self, daemon))
    }

    /// Where the daemon listens.
    pub(crate) fn socket(&self) -> Result<PathBuf, NoPlace> {
        let is_root = rustix::process::geteuid().is_root();
        self.socket.clone().or_else(|| usual_socket(&|name| env::var_os(name), is_root)).ok_or(NoPlace)
    }

    /// The socket of the daemon that is asked instead of looking up; `None` where none is named, and where something is said for this call
    /// that a daemon would not know of.
    pub(crate) fn daemon_to_ask(&self) -> Option<&Path> {
        let is = |names: &[Name], key| names.iter().any(|name| name.key == key);
        let is_of_the_call = self.shown.iter().any(|shown| match shown.origin {
            Origin::Flag(_) => is(&OF_THE_CALL, shown.key) || is(&TYPED_FOR_THE_CALL, shown.key),
            Origin::Variable(_) => is(&OF_THE_CALL, shown.key),
            Origin::BuiltIn | Origin::File(_) => false,
        });
        #[cfg(feature = "compile")]
        if self.component.is_some() {
            return None;
        }
        self.socket.as_deref().filter(|_| !is_of_the_call && !self.has_typed_file)
    }
}

impl Identity {
    /// What a client of the daemon says.
    pub(crate) fn of_client(
        profile: Option<String>,
        role: Option<Role>,
        session_name: Option<String>,
        region: Option<String>,
    ) -> Self {
        Self { endpoint: None, profile, region, role, session_name }
    }
}

/// Where the daemon listens, and is asked. The kubelet asks for pods too, whose tokens are nobody's but its own: it asks no daemon.
pub(super) fn socket(
    options: &Options,
    caller: Caller,
    environment: Environment<'_>,
    from: &mut Sources<'_>,
) -> Result<Option<PathBuf>, SettingsError> {
    if caller == Caller::Kubelet {
        return Ok(None);
    }
    let Some((path, origin)) = from.find(SOCKET, &options.socket, |file| &file.serve.socket)? else { return Ok(None) };
    let Some(path) = at_home(path, environment) else { return Ok(None) };
    from.show(SOCKET.key, &path, origin);
    Ok(Some(path))
}

fn daemon(options: &DaemonOptions, from: &mut Sources<'_>) -> Result<Daemon, SettingsError> {
    let max_clients =
        from.value(MAX_CLIENTS, &options.max_clients, |file| &file.serve.max_clients, BUILT_IN_MAX_CLIENTS)?;
    let (flag, built_in) = (&options.client_timeout, BUILT_IN_CLIENT_TIMEOUT);
    let client_timeout = from.value(CLIENT_TIMEOUT, flag, |file| &file.serve.client_timeout, built_in)?;
    let idle_exit = from.find(IDLE_EXIT, &options.idle_exit, |file| &file.serve.idle_exit)?;
    let idle_exit = idle_exit.map(|(idle_exit, origin)| {
        from.show(IDLE_EXIT.key, &idle_exit, origin);
        idle_exit
    });
    let max_clients = usize::try_from(max_clients).unwrap_or(usize::MAX);
    Ok(Daemon { client_timeout, idle_exit, max_clients })
}

/// Where it listens unless a place is named. Root's own place does not depend on whose environment it was given.
fn usual_socket(environment: Environment<'_>, is_root: bool) -> Option<PathBuf> {
    let folder = match is_root {
        true => PathBuf::from("/run"),
        false => environment("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute())?,
    };
    Some(folder.join("keyward/keyward.sock"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn the_socket_is_among_the_users_runtime_files_unless_it_is_named() {
        let set = |name: &str| (name == "XDG_RUNTIME_DIR").then(|| OsString::from("/run/user/7"));
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(usual_socket(&set, false), path("/run/user/7/keyward/keyward.sock"));
        assert_eq!(usual_socket(&set, true), path("/run/keyward/keyward.sock"));
        assert_eq!(usual_socket(&|_| None, true), path("/run/keyward/keyward.sock"));
        assert_eq!(usual_socket(&|_| None, false), None);
        assert_eq!(usual_socket(&|_| Some("relative".into()), false), None);
    }
}
