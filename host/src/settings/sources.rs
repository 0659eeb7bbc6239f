//! Where the value of a setting comes from: the flag, then the variable, then the configuration file, then what is built in.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use super::file::{Document, File, InFile};
use super::value::Value;

/// The environment of a process: the value of a name.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The names of a setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    /// That of the configuration file, with its table; of what only rules have, that in a rule.
    pub(super) key: &'static str,
    /// Without the hyphens before it.
    pub(super) flag: &'static str,
}

pub(super) const DEADLINE: Name = Name { key: "budget.deadline", flag: "deadline" };
pub(super) const FUEL: Name = Name { key: "budget.fuel", flag: "fuel" };
pub(super) const MEMORY: Name = Name { key: "budget.memory", flag: "memory" };
pub(super) const REQUESTS: Name = Name { key: "budget.requests", flag: "requests" };
pub(super) const REQUEST_BYTES: Name = Name { key: "budget.request-bytes", flag: "request-bytes" };
pub(super) const RESPONSE_BYTES: Name = Name { key: "budget.response-bytes", flag: "response-bytes" };
pub(super) const CACHE: Name = Name { key: "cache.mode", flag: "cache" };
pub(super) const CACHE_DIR: Name = Name { key: "cache.dir", flag: "cache-dir" };
pub(super) const ALLOW: Name = Name { key: "egress.allow", flag: "allow" };
pub(super) const ALLOW_PROCESS: Name = Name { key: "permissions.process", flag: "allow-process" };
pub(super) const WRITE_SSO_CACHE: Name = Name { key: "permissions.write-sso-cache", flag: "write-sso-cache" };
pub(super) const COMPAT: Name = Name { key: "docker.compat", flag: "compat" };
pub(super) const STORE: Name = Name { key: "docker.store", flag: "store" };
pub(super) const LOG: Name = Name { key: "log.level", flag: "log" };
pub(super) const LOG_FORMAT: Name = Name { key: "log.format", flag: "log-format" };
pub(super) const SOCKET: Name = Name { key: "serve.socket", flag: "socket" };
pub(super) const MAX_CLIENTS: Name = Name { key: "serve.max-clients", flag: "max-clients" };
pub(super) const CLIENT_TIMEOUT: Name = Name { key: "serve.client-timeout", flag: "client-timeout" };
pub(super) const IDLE_EXIT: Name = Name { key: "serve.idle-exit", flag: "idle-exit" };
pub(super) const PROFILE: Name = Name { key: "profile", flag: "profile" };
pub(super) const ROLE_ARN: Name = Name { key: "role-arn", flag: "role-arn" };
pub(super) const EXTERNAL_ID: Name = Name { key: "external-id", flag: "external-id" };
pub(super) const SESSION_NAME: Name = Name { key: "session-name", flag: "session-name" };
pub(super) const REGION: Name = Name { key: "region", flag: "region" };
pub(super) const ENDPOINT: Name = Name { key: "endpoint", flag: "endpoint" };
pub(super) const ALIAS: Name = Name { key: "alias", flag: "alias" };

impl Name {
    /// As it is typed.
    pub(super) fn flag(self) -> String {
        format!("--{}", self.flag)
    }

    pub(super) fn variable(self) -> String {
        format!("KEYWARD_{}", self.flag.replace('-', "_").to_ascii_uppercase())
    }

    /// What a person may set, besides the configuration file.
    pub(super) fn places(self) -> String {
        format!("{} ({})", self.flag(), self.variable())
    }
}

/// What set a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    BuiltIn,
    /// A line of the configuration file.
    File(usize),
    Flag(String),
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => formatter.write_str("built in"),
            Self::File(line) => write!(formatter, "line {line} of the file"),
            Self::Flag(name) | Self::Variable(name) => formatter.write_str(name),
        }
    }
}

/// One setting, for who asks what is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) key: &'static str,
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// A setting, or a file of settings, that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SettingsError {
    /// Of the configuration file, with the place in it.
    #[error("{file}:{line}:{column}: {text}")]
    InFile { file: String, line: usize, column: usize, text: String },
    /// What belongs to a role, without one.
    #[error("{name} is set, and no role is: name the role that it belongs to, with {}", ROLE_ARN.places())]
    NoRole { name: String },
    #[error("{name} is not UTF-8: correct it")]
    NotUtf8 { name: String },
    #[error("{file} was not read within {deadline:?}: see what its disk is waiting for, or set KEYWARD_CONFIG to off")]
    Slow { file: String, deadline: Duration },
    #[error("{file} is longer than {limit} bytes: set --config or KEYWARD_CONFIG to a configuration file")]
    TooLong { file: String, limit: u64 },
    #[error("{file}, which {named_by}, cannot be read ({cause}): correct that, or set KEYWARD_CONFIG to off")]
    Unreadable { file: String, named_by: &'static str, cause: String },
    /// Of a flag or a variable.
    #[error("{name} {complaint}")]
    Value { name: String, complaint: String },
}

/// What there is of each kind, while settings are looked for.
pub(super) struct Sources<'a> {
    environment: Environment<'a>,
    file: Option<&'a File>,
    shown: Vec<Shown>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(environment: Environment<'a>, file: Option<&'a File>) -> Self {
        Self { environment, file, shown: Vec::new() }
    }

    /// Every setting that was asked for, in that order.
    pub(super) fn into_shown(self) -> Vec<Shown> {
        self.shown
    }

    /// A setting that something is built in for.
    pub(super) fn value<V: Value + Clone>(
        &mut self,
        name: Name,
        flag: &Option<V>,
        in_file: impl FnOnce(&Document) -> &Option<InFile<V>>,
        built_in: V,
    ) -> Result<V, SettingsError> {
        self.value_behind(name, flag, None, in_file, built_in)
    }

    /// As [`value`](Self::value), with what a variable of another program says.
    pub(super) fn value_behind<V: Value + Clone>(
        &mut self,
        name: Name,
        flag: &Option<V>,
        other: Option<(V, &'static str)>,
        in_file: impl FnOnce(&Document) -> &Option<InFile<V>>,
        built_in: V,
    ) -> Result<V, SettingsError> {
        let found = self.find_behind(name, flag, other, in_file)?;
        let (value, origin) = found.unwrap_or((built_in, Origin::BuiltIn));
        self.show(name.key, &value, origin);
        Ok(value)
    }

    /// A setting that may be none. In the configuration file, it is rules that have it.
    pub(super) fn optional<V: Value + Clone>(
        &mut self,
        name: Name,
        flag: &Option<V>,
    ) -> Result<Option<V>, SettingsError> {
        let Some((value, origin)) = self.find(name, flag, |_| &None)? else { return Ok(None) };
        self.show(name.key, &value, origin);
        Ok(Some(value))
    }

    /// As [`optional`](Self::optional), of a flag whose text was not looked at when it was typed.
    pub(super) fn optional_text<V: Value + Clone>(
        &mut self,
        name: Name,
        flag: Option<&str>,
    ) -> Result<Option<V>, SettingsError> {
        let flag = flag.map(|text| parse(name.flag(), text)).transpose()?;
        self.optional(name, &flag)
    }

    /// The value of a setting, and what set it.
    pub(super) fn find<V: Value + Clone>(
        &self,
        name: Name,
        flag: &Option<V>,
        in_file: impl FnOnce(&Document) -> &Option<InFile<V>>,
    ) -> Result<Option<(V, Origin)>, SettingsError> {
        self.find_behind(name, flag, None, in_file)
    }

    /// As [`find`](Self::find), with what a variable of another program says. It goes behind the one that means the same here, and before
    /// the configuration file.
    pub(super) fn find_behind<V: Value + Clone>(
        &self,
        name: Name,
        flag: &Option<V>,
        other: Option<(V, &'static str)>,
        in_file: impl FnOnce(&Document) -> &Option<InFile<V>>,
    ) -> Result<Option<(V, Origin)>, SettingsError> {
        if let Some(value) = flag {
            return Ok(Some((value.clone(), Origin::Flag(name.flag()))));
        }
        let variable = name.variable();
        if let Some(text) = text(self.environment, &variable)? {
            return Ok(Some((parse(variable.clone(), &text)?, Origin::Variable(variable))));
        }
        if let Some((value, variable)) = other {
            return Ok(Some((value, Origin::Variable(variable.to_owned()))));
        }
        let Some(file) = self.file else { return Ok(None) };
        let in_file = in_file(&file.document).as_ref();
        Ok(in_file.map(|in_file| (in_file.value.clone(), Origin::File(file.line(in_file.at)))))
    }

    /// Notes what a setting is, and what set it.
    pub(super) fn show(&mut self, key: &'static str, value: &impl Value, origin: Origin) {
        self.shown.push(Shown { key, value: value.show(), origin });
    }
}

/// The text of a variable. An empty one is as good as none: service managers and scripts set variables to nothing where others unset
/// them.
pub(super) fn text(environment: Environment<'_>, name: &str) -> Result<Option<String>, SettingsError> {
    let Some(value) = environment(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    value.into_string().map(Some).map_err(|_| SettingsError::NotUtf8 { name: name.to_owned() })
}

fn parse<V: Value>(name: String, text: &str) -> Result<V, SettingsError> {
    V::parse(text).map_err(|reason| SettingsError::Value { name, complaint: V::complaint(text, &reason) })
}
