//! The settings of the command: what was typed, what the environment says → what it means.
//!
//! One order holds for every setting: the flag, then the variable, then what is built in.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use keyward::{Budget, Config, Request};

use crate::arguments::Options;

/// The variables that set what no argument does.
const ALLOW: &str = "KEYWARD_ALLOW";
const ALLOW_PROCESS: &str = "KEYWARD_ALLOW_PROCESS";
const CACHE: &str = "KEYWARD_CACHE";
const CACHE_DIR: &str = "KEYWARD_CACHE_DIR";
const DEADLINE: &str = "KEYWARD_DEADLINE";
const WRITE_SSO_CACHE: &str = "KEYWARD_WRITE_SSO_CACHE";

/// Every setting of one run of the command.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Destinations that lookups may reach besides those of AWS.
    allow: Vec<String>,
    /// Whether `credential_process` may be run.
    allow_process: bool,
    /// What each lookup may use.
    pub(crate) budget: Budget,
    /// The folder in which credentials are kept for other runs; `None` where they are not.
    pub(crate) cache: Option<PathBuf>,
    /// For whom the command is run.
    #[expect(dead_code, reason = "the settings of the front ends come next")]
    caller: Caller,
    #[cfg(feature = "compile")]
    component: Option<PathBuf>,
    /// Whose credentials lookups ask with.
    identity: Identity,
    /// Whether refreshed tokens of IAM Identity Center are written back.
    write_sso_cache: bool,
}

/// For whom the command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A client that speaks the protocol of docker's credential helpers.
    Docker,
    /// A person or a script.
    Person,
}

/// Whose credentials a lookup asks with; where nothing is said, the environment and the shared files decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) external_id: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) session_name: Option<String>,
}

/// One lookup: what was asked for, and what that means by the settings.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The address as it was asked for.
    pub(crate) address: String,
    /// What the resolver is asked.
    pub(crate) request: Request,
}

impl Settings {
    /// What was typed counts, else the environment does. An empty variable is as good as none: service managers and scripts set
    /// variables to nothing where others unset them.
    pub(crate) fn load(options: &Options, caller: Caller) -> Result<Self, String> {
        let deadline = match (options.deadline, variable(DEADLINE)) {
            (None, Some(text)) => {
                Some(seconds(&text).map_err(|reason| format!("{DEADLINE} is '{text}' ({reason}): set it to seconds"))?)
            }
            (deadline, _) => deadline,
        };
        let allow = if options.allow.is_empty() {
            let named = variable(ALLOW).unwrap_or_default();
            named.split(',').filter(|text| !text.is_empty()).map(str::to_owned).collect()
        } else {
            options.allow.clone()
        };
        let budget = Budget::default();
        Ok(Self {
            allow,
            allow_process: options.allow_process || switch(ALLOW_PROCESS)?,
            budget: match deadline {
                Some(deadline) => budget.with_deadline(deadline),
                None => budget,
            },
            cache: cache_folder(options)?,
            caller,
            #[cfg(feature = "compile")]
            component: options.component.clone(),
            identity: Identity {
                external_id: options.external_id.clone(),
                profile: options.profile.clone(),
                region: options.region.clone(),
                role_arn: options.role_arn.clone(),
                session_name: options.session_name.clone(),
            },
            write_sso_cache: options.write_sso_cache || switch(WRITE_SSO_CACHE)?,
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

    /// What asking for a registry means.
    pub(crate) fn question(&self, address: &str) -> Question {
        let Identity { external_id, profile, region, role_arn, session_name } = &self.identity;
        type With = fn(Request, &str) -> Request;
        let given: [(_, With); 5] = [
            (profile, Request::with_profile),
            (role_arn, Request::with_role_arn),
            (external_id, Request::with_external_id),
            (session_name, Request::with_session_name),
            (region, Request::with_region),
        ];
        let given = given.into_iter().filter_map(|(value, with)| Some((value.as_deref()?, with)));
        let request = given.fold(Request::new(address), |request, (value, with)| with(request, value));
        Question { address: address.to_owned(), request }
    }
}

/// Where credentials are kept: a typed folder goes before KEYWARD_CACHE, since who types it wants one.
fn cache_folder(options: &Options) -> Result<Option<PathBuf>, String> {
    if let Some(folder) = &options.cache_dir {
        return Ok(Some(folder.clone()));
    }
    match variable(CACHE).as_deref() {
        None | Some("file") => {}
        Some("off") => return Ok(None),
        Some(other) => return Err(format!("{CACHE} is '{other}': set it to file or off")),
    }
    let folder = |name: &str| variable(name).map(PathBuf::from);
    // A path that is relative is to be ignored, says the XDG Base Directory Specification.
    let user_caches = folder("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let user_caches = user_caches.or_else(|| Some(folder("HOME").filter(|path| path.is_absolute())?.join(".cache")));
    Ok(folder(CACHE_DIR).or_else(|| Some(user_caches?.join("keyward"))))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// A switch of the environment. What is neither on nor off is an error: it may have been meant to be either.
fn switch(name: &str) -> Result<bool, String> {
    match variable(name).as_deref() {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(other) => Err(format!("{name} is '{other}': set it to 1 or 0")),
    }
}

/// A time in seconds, as it is typed.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "not a number".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("not a time that a lookup can take".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_a_positive_number_of_seconds() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["", "0", "-1", "x", "inf", "NaN", "1e300", "5s"] {
            seconds(text).unwrap_err();
        }
    }
}
