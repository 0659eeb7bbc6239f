//! The chain of sources: the first one that is configured decides.
//!
//! Order and rules are those of aws-config 1.13 (`default_provider/credentials.rs`, `meta/credentials/chain.rs`): a source
//! that is not configured passes the question on, and one that is configured and fails ends the chain, since the next one
//! would be another identity than the one that was meant.

use crate::aws::sts::{self, RoleRequest};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::role_chain::{Base, RoleChain};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::source::{Found, Lookup, container, environment, imds, profile, web_identity};
use crate::steps::{self, Asked};
use crate::world::{Local, World};

/// The credentials that the settings and the request lead to.
///
/// # Errors
///
/// [`Error`] of the source that is configured and failed; [`Error::NoCredentials`] when none is configured, with every source, in order,
/// and why it is not.
pub fn resolve(lookup: &Lookup<'_, impl World>) -> Result<Credentials, Error> {
    let context = lookup.settings.context;
    let Some(role_arn) = context.role_arn.as_deref() else {
        return match &context.service_account_token {
            None => default_chain(lookup),
            Some(_) => Err(Error::Invalid(
                "the request has a service-account-token and no role-arn: name the role that it is good for".to_owned(),
            )),
        };
    };
    let role = RoleRequest {
        role_arn,
        session_name: context.session_name.as_deref(),
        external_id: context.external_id.as_deref(),
        duration_seconds: None,
    };
    let assume = |name, assume: &dyn Fn() -> Result<Credentials, Error>| {
        let (asked, assumed) = (Asked::new(lookup.settings, name), assume());
        match (&asked, &assumed) {
            (None, _) => {}
            (Some(asked), Ok(credentials)) => asked.found(credentials),
            (Some(asked), Err(error)) => asked.failed(error),
        }
        assumed
    };
    match &context.service_account_token {
        Some(token) => assume("service account token", &|| web_identity::with_token(lookup, &role, token)),
        None => {
            // Before anybody is asked for keys: settings that are wrong stay wrong whatever the sources have.
            let sts = match lookup.sts() {
                Ok(sts) => sts,
                Err(error) => return assume("role", &|| Err(error.clone())),
            };
            let credentials = default_chain(lookup)?;
            assume("role", &|| sts::assume_role(lookup.client, &sts, &credentials, &role))
        }
    }
}

/// A `credential_process`, which the host runs, where its operator allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The profile that has it.
    pub profile: String,
    /// The command line.
    pub command: Secret,
}

/// The program that a lookup with these settings would come to, and to no source before it.
pub fn credential_process<L: Local>(settings: &Settings<'_, L>) -> Option<Program> {
    let is_asked = settings.context.service_account_token.is_none()
        && (skips_environment(settings) || !matches!(environment::find(settings.local), Found::Credentials(_)));
    let chain = is_asked.then(|| RoleChain::of(settings.profiles().ok()?, settings.profile_name()).ok())??;
    match chain.base {
        Base::Process { command, .. } => Some(Program { profile: chain.base_profile, command }),
        _ => None,
    }
}

/// A profile that the request names goes before the environment: whoever names one means it.
fn skips_environment<L>(settings: &Settings<'_, L>) -> bool {
    settings.context.profile.is_some()
}

fn default_chain<W: World>(lookup: &Lookup<'_, W>) -> Result<Credentials, Error> {
    /// Its name, whether it is the environment's, and how to ask it.
    type Source<'a, W> = (&'a str, bool, fn(&Lookup<'_, W>) -> Result<Found, Error>);
    let sources: [Source<'_, W>; 5] = [
        ("environment", true, |lookup| Ok(environment::find(lookup.settings.local))),
        ("profile", false, profile::find),
        ("web identity", true, web_identity::find),
        ("container", false, container::find),
        ("instance metadata", false, imds::find),
    ];
    let mut attempts = Vec::new();
    for (name, is_of_environment, find) in sources {
        if is_of_environment && skips_environment(lookup.settings) {
            attempts.push(format!("{name}: passed over, since the request names a profile"));
            steps::passed_over(lookup.settings, name, "the request names a profile");
            continue;
        }
        let (asked, found) = (Asked::new(lookup.settings, name), find(lookup));
        match (&asked, &found) {
            (None, _) => {}
            (Some(asked), Ok(Found::Credentials(credentials))) => asked.found(credentials),
            (Some(asked), Ok(Found::NotConfigured(reason))) => asked.came_to("not configured", reason),
            (Some(asked), Ok(Found::NotReached(reason))) => asked.came_to("not reached", reason),
            (Some(asked), Err(error)) => asked.failed(error),
        }
        match found? {
            Found::Credentials(credentials) => return Ok(credentials),
            Found::NotConfigured(reason) | Found::NotReached(reason) => attempts.push(format!("{name}: {reason}")),
        }
    }
    Err(Error::NoCredentials(format!(
        "no AWS credentials are configured ({}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or add a profile",
        attempts.join("; ")
    )))
}

#[cfg(test)]
mod tests;
