//! The settings of the command: what was typed, what the environment says, what the configuration file says → what it means.
//!
//! One order holds for every setting: the flag, then the variable, then the configuration file, then what is built in. A list is taken
//! from one of them as a whole.

mod address;
mod daemon;
mod ecr_login;
mod file;
pub(crate) mod read;
mod report;
mod rules;
pub(crate) mod service_account;
mod sources;
mod value;

use std::env;
use std::path::{Path, PathBuf};

use keyward::{Budget, Config, Request};

use self::address::{Mapping, compare};
pub(crate) use self::daemon::Daemon;
use self::file::{Found, user_folder};
pub(crate) use self::report::check;
pub(crate) use self::rules::MatchedRule;
use self::rules::Rule;
pub(crate) use self::rules::{Identity, Role};
use self::sources::{
    ALIAS, ALLOW, ALLOW_PROCESS, CACHE, CACHE_DIR, COMPAT, DEADLINE, ENDPOINT, EXTERNAL_ID, FUEL, LOG, LOG_FORMAT,
    MEMORY, PROFILE, REGION, REQUEST_BYTES, REQUESTS, RESPONSE_BYTES, ROLE_ARN, SESSION_NAME, STORE, WRITE_SSO_CACHE,
};
use self::sources::{Environment, Origin, SettingsError, Shown, Sources};
pub(crate) use self::value::{CacheMode, LogFormat, LogLevel, Store, count, seconds, switch};
use crate::arguments::Options;

/// Every setting of one run of the command.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Addresses that stand for registries, whatever the rules say.
    aliases: Vec<Mapping>,
    /// Destinations that lookups may reach besides those of AWS.
    allow: Vec<String>,
    /// Whether `credential_process` may be run.
    allow_process: bool,
    /// What each lookup may use.
    pub(crate) budget: Budget,
    /// The folder in which credentials are kept for other runs; `None` where they are not.
    pub(crate) cache: Option<PathBuf>,
    /// Whether the credential helper says of every failure what clients take as "no credentials".
    pub(crate) compat: bool,
    #[cfg(feature = "compile")]
    component: Option<PathBuf>,
    /// The configuration file.
    found: Found,
    /// Whether it was named for this call.
    has_typed_file: bool,
    /// Whose credentials lookups ask with, whatever the rules say.
    identity: Identity,
    /// What is logged.
    pub(crate) log: Log,
    /// Of the configuration file. The first that matches counts.
    rules: Vec<Rule>,
    /// Each setting as it is shown.
    shown: Vec<Shown>,
    /// Where the daemon listens, and is asked.
    socket: Option<PathBuf>,
    /// What the credential helper makes of credentials that it is told to store.
    pub(crate) store: Store,
    /// Whether refreshed tokens of IAM Identity Center are written back.
    write_sso_cache: bool,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    pub(crate) level: LogLevel,
    pub(crate) format: LogFormat,
}

/// For whom the command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A client that speaks the protocol of docker's credential helpers.
    Docker,
    /// The kubelet.
    Kubelet,
    /// A person or a script.
    Person,
}

/// One lookup: what was asked for, and what that means by the settings.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The address as it was asked for.
    pub(crate) address: String,
    /// What the resolver is asked. Its registry is the one that the address stands for.
    pub(crate) request: Request,
    /// Whose credentials it asks with.
    pub(crate) identity: Identity,
    /// The rule of the configuration file that says so.
    pub(crate) rule: Option<MatchedRule>,
}

impl Settings {
    /// Of this process.
    pub(crate) fn load(options: &Options, caller: Caller) -> Result<Self, String> {
        Self::of(options, caller, &|name| env::var_os(name)).map_err(|error| error.to_string())
    }

    fn of(options: &Options, caller: Caller, environment: Environment<'_>) -> Result<Self, SettingsError> {
        let built_in = Budget::default();
        // Whoever sets a deadline does not wait longer for the file that may have another one.
        let deadline = Sources::new(environment, None).find(DEADLINE, &options.deadline, |_| &None)?;
        let deadline = deadline.map_or(built_in.deadline, |(deadline, _)| deadline);
        let found = Found::search(options.config.as_deref(), environment, deadline)?;
        let rules = found.file().map(Rule::all).transpose()?.unwrap_or_default();
        let mut from = Sources::new(environment, found.file());
        let budget = budget(options, &mut from)?;
        let cache = cache_folder(options, caller, environment, &mut from)?;
        let allow = Some(options.allow.clone()).filter(|allow| !allow.is_empty());
        let aliases = Some(options.alias.join(",")).filter(|alias| !alias.is_empty());
        Ok(Self {
            budget,
            has_typed_file: options.config.is_some(),
            cache,
            allow: from.value(ALLOW, &allow, |file| &file.egress.allow, Vec::new())?,
            allow_process: {
                from.value(ALLOW_PROCESS, &options.allow_process, |file| &file.permissions.process, false)?
            },
            write_sso_cache: {
                let flag = &options.write_sso_cache;
                from.value(WRITE_SSO_CACHE, flag, |file| &file.permissions.write_sso_cache, false)?
            },
            compat: from.value(COMPAT, &options.compat, |file| &file.docker.compat, false)?,
            store: store(options, caller, environment, &mut from)?,
            aliases: from.optional_text(ALIAS, aliases.as_deref())?.unwrap_or_default(),
            identity: identity(options, &mut from)?,
            log: log(options, &mut from)?,
            socket: daemon::socket(options, caller, environment, &mut from)?,
            shown: from.into_shown(),
            rules,
            found,
            #[cfg(feature = "compile")]
            component: options.component.clone(),
        })
    }

    /// What the resolver of this run may use.
    pub(crate) fn config(&self) -> Config {
        let config = Config::from_process_environment()
            .with_budget(self.budget.clone())
            .with_credential_process(self.allow_process)
            .with_sso_cache_writes(self.write_sso_cache);
        let config = self.allow.iter().fold(config, |config, destination| config.with_allowed(destination));
        #[cfg(feature = "compile")]
        if let Some(file) = &self.component {
            return config.with_component(file);
        }
        config
    }

    /// Whether the component may know the registry. Of another component than the one that is built in, it alone can tell.
    pub(crate) fn serves(&self, question: &Question) -> bool {
        #[cfg(feature = "compile")]
        if self.component.is_some() {
            return true;
        }
        keyward::serves(question.request.registry())
    }

    /// What asking for a registry means: by the first rule that matches, and by what was typed or is in the environment, which goes
    /// before what the rule says.
    pub(crate) fn question(&self, address: &str) -> Question {
        self.question_at(address, address)
    }

    /// As [`question`](Self::question), of somebody who says whose credentials are meant: that goes before what the settings say.
    pub(crate) fn question_as(&self, address: &str, asked: &Identity) -> Question {
        self.question_of(address, address, &asked.or(&self.identity))
    }

    /// As [`question`](Self::question), of a registry that more is known of than its own address: the rules are looked for by that.
    fn question_at(&self, address: &str, registry: &str) -> Question {
        self.question_of(address, registry, &self.identity)
    }

    /// As [`question_at`](Self::question_at), with the identity that goes before that of the rules.
    fn question_of(&self, address: &str, registry: &str, identity: &Identity) -> Question {
        let matched =
            self.rules.iter().zip(1..).find_map(|(rule, number)| Some((rule, number, rule.matching(address)?)));
        let mapping = self.aliases.iter().find(|mapping| compare(&mapping.pattern, address).is_ok());
        let alias = mapping.map(|mapping| &mapping.alias).or_else(|| matched?.0.alias.as_ref());
        let registry = alias.map_or(registry, |alias| &alias.0.host);
        let identity = matched.map_or_else(|| identity.clone(), |(rule, ..)| identity.or(&rule.identity));
        let rule = matched.map(|(rule, number, pattern)| MatchedRule {
            number,
            pattern: pattern.as_str().to_owned(),
            line: rule.line,
        });
        Question { address: address.to_owned(), request: identity.ask(Request::new(registry)), identity, rule }
    }

    /// Whose credentials lookups ask with, whatever the rules say.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The configuration file; `None` where there is none.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.found.file().map(|file| file.path.as_path())
    }
}

/// What each lookup may use.
fn budget(options: &Options, from: &mut Sources<'_>) -> Result<Budget, SettingsError> {
    let built_in = Budget::default();
    let deadline = from.value(DEADLINE, &options.deadline, |file| &file.budget.deadline, built_in.deadline)?;
    let fuel = from.value(FUEL, &options.fuel, |file| &file.budget.fuel, built_in.fuel)?;
    let memory = from.value(MEMORY, &options.memory, |file| &file.budget.memory, built_in.memory)?;
    let requests = from.value(REQUESTS, &options.requests, |file| &file.budget.requests, built_in.requests)?;
    let (flag, value) = (&options.request_bytes, built_in.request_bytes);
    let request_bytes = from.value(REQUEST_BYTES, flag, |file| &file.budget.request_bytes, value)?;
    let (flag, value) = (&options.response_bytes, built_in.response_bytes);
    let response_bytes = from.value(RESPONSE_BYTES, flag, |file| &file.budget.response_bytes, value)?;
    Ok(Budget::default()
        .with_deadline(deadline)
        .with_fuel(fuel)
        .with_memory(memory)
        .with_requests(requests)
        .with_request_bytes(request_bytes)
        .with_response_bytes(response_bytes))
}

/// Where credentials are kept. Who types a folder wants one, whatever is said elsewhere.
fn cache_folder(
    options: &Options,
    caller: Caller,
    environment: Environment<'_>,
    from: &mut Sources<'_>,
) -> Result<Option<PathBuf>, SettingsError> {
    let mode = options.cache.or(options.cache_dir.as_ref().map(|_| CacheMode::File));
    let (mut disabled, mut other_folder) = (None, None);
    if caller == Caller::Docker {
        disabled = ecr_login::disables_cache(environment)?.then_some((CacheMode::Off, ecr_login::DISABLE_CACHE));
        other_folder = ecr_login::cache_folder(environment)?.map(|folder| (folder, ecr_login::CACHE_DIR));
    }
    let mode = from.value_behind(CACHE, &mode, disabled, |file| &file.cache.mode, CacheMode::File)?;
    let folder = from.find_behind(CACHE_DIR, &options.cache_dir, other_folder, |file| &file.cache.dir)?;
    let (folder, origin) = match folder {
        Some((folder, origin)) => (at_home(folder, environment), origin),
        None => {
            (user_folder(environment, "XDG_CACHE_HOME", ".cache").map(|caches| caches.join("keyward")), Origin::BuiltIn)
        }
    };
    // Without a home, there is none, and nothing is wrong with that.
    let Some(folder) = folder else { return Ok(None) };
    from.show(CACHE_DIR.key, &folder, origin);
    Ok(Some(folder).filter(|_| mode == CacheMode::File))
}

/// What the credential helper makes of credentials that it is told to store. What Amazon's helper is told counts too.
fn store(
    options: &Options,
    caller: Caller,
    environment: Environment<'_>,
    from: &mut Sources<'_>,
) -> Result<Store, SettingsError> {
    let is_refused = caller == Caller::Docker && ecr_login::refuses_storage(environment)?;
    let refused = is_refused.then_some((Store::Refuse, ecr_login::IGNORE_CREDS_STORAGE));
    from.value_behind(STORE, &options.store, refused, |file| &file.docker.store, Store::default())
}

/// What is logged. `-v` is short for the two levels.
fn log(options: &Options, from: &mut Sources<'_>) -> Result<Log, SettingsError> {
    let level = options.log.or(match options.verbose {
        0 => None,
        1 => Some(LogLevel::Info),
        _ => Some(LogLevel::Debug),
    });
    Ok(Log {
        level: from.value(LOG, &level, |file| &file.log.level, LogLevel::default())?,
        format: from.value(LOG_FORMAT, &options.log_format, |file| &file.log.format, LogFormat::default())?,
    })
}

/// A path, with the home folder in the place of a leading `~`. Shells do it for flags and variables; nobody does for files.
fn at_home(path: PathBuf, environment: Environment<'_>) -> Option<PathBuf> {
    let Ok(below_home) = path.strip_prefix("~") else { return Some(path) };
    let home = environment("HOME").map(PathBuf::from).filter(|home| home.is_absolute())?;
    Some(home.join(below_home))
}

/// Whose credentials are meant, whatever the rules say.
fn identity(options: &Options, from: &mut Sources<'_>) -> Result<Identity, SettingsError> {
    let profile = from.optional(PROFILE, &options.profile)?;
    let arn = from.optional(ROLE_ARN, &options.role_arn)?;
    // An external id is that of one role: with a role that was typed, the variable may be there for another one.
    let is_for_variable = options.role_arn.is_some() && options.external_id.is_none();
    let external_id = if is_for_variable { None } else { from.optional(EXTERNAL_ID, &options.external_id)? };
    let session_name = from.optional(SESSION_NAME, &options.session_name)?;
    let region = from.optional(REGION, &options.region)?;
    let endpoint = from.optional_text(ENDPOINT, options.endpoint.as_deref())?;
    let role = match (arn, external_id) {
        (Some(arn), external_id) => Some(Role { arn, external_id }),
        (None, Some(_)) => return Err(SettingsError::NoRole { name: EXTERNAL_ID.places() }),
        (None, None) => None,
    };
    Ok(Identity { endpoint, profile, region, role, session_name })
}

#[cfg(test)]
mod tests;
