//! The command line: what was typed → what it means.

use std::env;
#[cfg(feature = "compile")]
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use keyward::{Budget, Config, Request};

use crate::frontend::print::Format;

/// The variables that set what no argument does.
const ALLOW: &str = "KEYWARD_ALLOW";
const ALLOW_PROCESS: &str = "KEYWARD_ALLOW_PROCESS";
const DEADLINE: &str = "KEYWARD_DEADLINE";
const WRITE_SSO_CACHE: &str = "KEYWARD_WRITE_SSO_CACHE";

/// Resolves a container registry's credentials inside a WebAssembly sandbox
#[derive(Debug, Parser)]
#[command(
    after_help = "called as docker-credential-keyward, or by another name that begins with docker-credential-, it is a \
                  docker credential helper"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) action: Action,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Print the credential of a registry
    Get(Get),
    /// Print the version
    Version,
}

#[derive(Args, Debug)]
pub(crate) struct Get {
    /// The registry's address: a host, a URL or an image reference
    pub(crate) registry: String,
    /// How the credential is printed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// How long the lookup may take, in seconds; else KEYWARD_DEADLINE has it, else it is 5
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    deadline: Option<Duration>,
    /// Let the lookup reach one more destination, as in https://ecr.example:8443; may be given several times, or with commas
    /// between. Else KEYWARD_ALLOW has them
    #[arg(long, value_name = "DESTINATION", value_delimiter = ',')]
    allow: Vec<String>,
    /// Let the lookup run the program that credential_process of its profile names. It is no part of the sandbox. Else
    /// KEYWARD_ALLOW_PROCESS says it, with 1
    #[arg(long)]
    allow_process: bool,
    /// Let the lookup write a token that it has refreshed to where 'aws sso login' has put it. Else KEYWARD_WRITE_SSO_CACHE says it,
    /// with 1
    #[arg(long)]
    write_sso_cache: bool,
    /// Use this profile of the shared configuration files, before AWS_PROFILE and before the keys of the environment
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    profile: Option<String>,
    /// Assume this role with the credentials that are found
    #[arg(long, value_name = "ARN", value_parser = NonEmptyStringValueParser::new())]
    role_arn: Option<String>,
    /// The external id that the role's trust policy asks for
    #[arg(long, value_name = "ID", requires = "role_arn", value_parser = NonEmptyStringValueParser::new())]
    external_id: Option<String>,
    /// The name of the role's session in AWS's logs
    #[arg(long, value_name = "NAME", requires = "role_arn", value_parser = NonEmptyStringValueParser::new())]
    session_name: Option<String>,
    /// The region of STS, before AWS_REGION; the registry's own region is in its address
    #[arg(long, value_name = "REGION", value_parser = NonEmptyStringValueParser::new())]
    region: Option<String>,
    /// Run the component in FILE instead of the one that is built in
    #[cfg(feature = "compile")]
    #[arg(long, value_name = "FILE.wasm")]
    component: Option<PathBuf>,
}

impl Get {
    /// The configuration that these arguments and the environment mean.
    pub(crate) fn config(&self) -> Result<Config, String> {
        let config = config(self.deadline, &self.allow, self.allow_process, self.write_sso_cache)?;
        #[cfg(feature = "compile")]
        if let Some(file) = &self.component {
            return Ok(config.with_component(file));
        }
        Ok(config)
    }

    /// What is asked of the resolver.
    pub(crate) fn request(&self) -> Request {
        type With = fn(Request, &str) -> Request;
        let given: [(_, With); 5] = [
            (&self.profile, Request::with_profile),
            (&self.role_arn, Request::with_role_arn),
            (&self.external_id, Request::with_external_id),
            (&self.session_name, Request::with_session_name),
            (&self.region, Request::with_region),
        ];
        let given = given.into_iter().filter_map(|(value, with)| Some((value.as_deref()?, with)));
        given.fold(Request::new(&self.registry), |request, (value, with)| with(request, value))
    }
}

/// The configuration of a credential helper, which has no arguments of its own but the environment's.
pub(crate) fn helper_config() -> Result<Config, String> {
    config(None, &[], false, false)
}

/// What was typed counts, else the environment does. An empty variable is as good as none: service managers and scripts set
/// variables to nothing where others unset them.
fn config(
    deadline: Option<Duration>,
    allow: &[String],
    allow_process: bool,
    write_sso_cache: bool,
) -> Result<Config, String> {
    let deadline = match (deadline, variable(DEADLINE)) {
        (None, Some(text)) => {
            Some(seconds(&text).map_err(|reason| format!("{DEADLINE} is '{text}' ({reason}): set it to seconds"))?)
        }
        (deadline, _) => deadline,
    };
    let from_environment = if allow.is_empty() { variable(ALLOW).unwrap_or_default() } else { String::new() };
    let allow = allow.iter().map(String::as_str).chain(from_environment.split(',').filter(|text| !text.is_empty()));

    let config = allow
        .fold(Config::from_process_environment(), Config::with_allowed)
        .with_credential_process(allow_process || switch(ALLOW_PROCESS)?)
        .with_sso_cache_writes(write_sso_cache || switch(WRITE_SSO_CACHE)?);
    Ok(match deadline {
        Some(deadline) => config.with_budget(Budget::default().with_deadline(deadline)),
        None => config,
    })
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

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "not a number".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("not a time that a lookup can take".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_deadline_is_a_positive_number_of_seconds() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["", "0", "-1", "x", "inf", "NaN", "1e300", "5s"] {
            seconds(text).unwrap_err();
        }
    }
}
