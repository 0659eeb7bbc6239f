//! The profile: keys, roles, and whatever else it leads to.

use crate::aws::sts::{self, RoleRequest};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::role_chain::{Base, NamedSource, Role, RoleChain};
use crate::source::{Found, Lookup, container, environment, imds, login, process, sso, web_identity};
use crate::world::World;

/// The credentials of the selected profile.
///
/// # Errors
///
/// [`Error`]: for a file that makes no sense, or cannot be read where the profile may be in it; for a profile that contradicts itself;
/// for what its sources and its roles came to.
pub fn find(lookup: &Lookup<'_, impl World>) -> Result<Found, Error> {
    let settings = lookup.settings;
    let unusable = |reason: String| Error::Invalid(format!("the credentials are unusable: {reason}"));
    let profiles = settings.profiles().map_err(|error| unusable(error.to_string()))?;
    let name = settings.profile_name();
    let chain = match RoleChain::of(profiles, name) {
        Ok(chain) => chain,
        Err(error) if error.is_not_configured() => {
            // Somebody put a file there: passing on would hide that its credentials were meant.
            if let Some(unreadable) = settings.files.unreadable() {
                return Err(unusable(format!(
                    "the credentials of profile {name} may be in {unreadable}; make that a readable text in UTF-8, or set \
                     AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                )));
            }
            if !settings.has_profile() {
                let reason = format!("profile {name} is not in {}", settings.files.list());
                return match settings.context.profile {
                    Some(_) => Err(unusable(format!("{reason}, and the request asks for it"))),
                    None => Ok(Found::NotConfigured(reason)),
                };
            }
            return Ok(Found::NotConfigured(error.to_string()));
        }
        Err(error) => return Err(unusable(error.to_string())),
    };
    let base = match base(lookup, &chain)? {
        Found::Credentials(credentials) => credentials,
        // With a role on top, or another source named, this is where its credentials should have been.
        Found::NotConfigured(reason) if !chain.roles.is_empty() || matches!(chain.base, Base::Source(_)) => {
            return Err(unusable(format!("profile {} has none to give: {reason}", chain.base_profile)));
        }
        not_configured @ Found::NotConfigured(_) => return Ok(not_configured),
        // It is asked because the profile says so, with a role on top or without.
        Found::NotReached(reason) => {
            return Err(Error::Unavailable(format!(
                "there are no credentials for profile {}: {reason}; try again later",
                chain.base_profile
            )));
        }
    };
    let credentials = chain.roles.iter().try_fold(base, |credentials, role| assume(lookup, &credentials, role))?;
    Ok(Found::Credentials(credentials))
}

fn base(lookup: &Lookup<'_, impl World>, chain: &RoleChain) -> Result<Found, Error> {
    let profile = &chain.base_profile;
    Ok(Found::Credentials(match &chain.base {
        Base::Source(NamedSource::Ec2InstanceMetadata) => return imds::find(lookup),
        Base::Source(NamedSource::EcsContainer) => return container::find(lookup),
        Base::Source(NamedSource::Environment) => return Ok(environment::find(lookup.settings.local)),
        Base::Sso(sso) => return sso::get(lookup, profile, sso),
        Base::Login { session } => login::get(lookup, profile, session)?,
        Base::Process { command: _, account_id } => process::get(lookup, profile, account_id.as_ref())?,
        Base::StaticKeys(credentials) => credentials.clone(),
        Base::WebIdentity { role_arn, session_name, duration_seconds, token_file } => {
            let role = RoleRequest {
                role_arn,
                session_name: session_name.as_deref(),
                external_id: None,
                duration_seconds: *duration_seconds,
            };
            let setting = format!("web_identity_token_file of profile {profile}");
            web_identity::with_token_file(lookup, &role, token_file, &setting)?
        }
    }))
}

fn assume(lookup: &Lookup<'_, impl World>, credentials: &Credentials, role: &Role) -> Result<Credentials, Error> {
    if role.mfa_serial.is_some() {
        return Err(Error::Invalid(format!(
            "profile {} has mfa_serial, and there is nobody to type a code: log in with the AWS CLI (aws sso login, aws login), or \
             remove mfa_serial and let the role's trust policy go without it",
            role.profile
        )));
    }
    let request = RoleRequest {
        role_arn: &role.role_arn,
        session_name: role.session_name.as_deref(),
        external_id: role.external_id.as_deref(),
        duration_seconds: role.duration_seconds,
    };
    sts::assume_role(lookup.client, &lookup.sts()?, credentials, &request)
}
