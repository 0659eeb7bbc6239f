//! A role for the bearer of a token: IAM roles for service accounts (EKS), and whoever else writes a token into a file.
//!
//! Sources: `aws-config`, `web_identity_token.rs`;
//! <https://docs.aws.amazon.com/sdkref/latest/guide/access-assume-role-web.html>.

use crate::aws::sts::{self, RoleRequest};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::secret::Secret;
use crate::settings::{self, NoText};
use crate::source::{Found, Lookup};
use crate::world::{FileError, World};

const ROLE_ARN: &str = "AWS_ROLE_ARN";
const SESSION_NAME: &str = "AWS_ROLE_SESSION_NAME";
const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

/// The role and the token file of the environment.
///
/// # Errors
///
/// [`Error`], where both are set and do not lead to credentials.
pub fn find(lookup: &Lookup<'_, impl World>) -> Result<Found, Error> {
    let variable = |name| lookup.settings.variable(name).map(|setting| setting.value);
    let Some(token_file) = variable(TOKEN_FILE) else {
        return Ok(Found::NotConfigured(format!("{TOKEN_FILE} is not set")));
    };
    let Some(role_arn) = variable(ROLE_ARN) else {
        return Ok(Found::NotConfigured(format!("{TOKEN_FILE} is set, {ROLE_ARN} is not")));
    };
    let session_name = variable(SESSION_NAME);
    let role = RoleRequest {
        role_arn: &role_arn,
        session_name: session_name.as_deref(),
        external_id: None,
        duration_seconds: None,
    };
    with_token_file(lookup, &role, &token_file, TOKEN_FILE).map(Found::Credentials)
}

/// By a token in a file, which is read again by every lookup: such tokens live for an hour.
///
/// `setting` is what names the file.
///
/// # Errors
///
/// [`Error::Invalid`] for a file that gives no token, else by what STS answered.
pub fn with_token_file(
    lookup: &Lookup<'_, impl World>,
    role: &RoleRequest<'_>,
    token_file: &str,
    setting: &str,
) -> Result<Credentials, Error> {
    let text = settings::read_text(lookup.settings.local, token_file).map_err(|reason| {
        let advice = match reason {
            NoText::File(FileError::NotGranted) => "name it in AWS_WEB_IDENTITY_TOKEN_FILE, or in a profile",
            _ => "make that a readable token",
        };
        Error::Invalid(format!("{setting} names {token_file} ({reason}): {advice}"))
    })?;
    if text.trim().is_empty() {
        return Err(Error::Invalid(format!("{setting} names {token_file}, which is empty: put a token into it")));
    }
    with_token(lookup, role, &Secret::new(text.to_string()))
}

/// By a token. It is sent as it is: whoever issued it knows what belongs to it.
///
/// # Errors
///
/// [`Error`], by what STS answered.
pub fn with_token(
    lookup: &Lookup<'_, impl World>,
    role: &RoleRequest<'_>,
    token: &Secret,
) -> Result<Credentials, Error> {
    sts::assume_role_with_web_identity(lookup.client, &lookup.sts()?, token, role)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::test_world::{TestWorld, in_lookup};

    fn found(world: &TestWorld) -> Result<Found, Error> {
        in_lookup(world, &Context::default(), find)
    }

    #[test]
    fn without_a_role_or_a_token_file_the_source_is_not_configured() {
        for (variables, reason) in [
            (&[(ROLE_ARN, "r")][..], "AWS_WEB_IDENTITY_TOKEN_FILE is not set"),
            (&[(TOKEN_FILE, "/t"), (ROLE_ARN, " ")], "AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is not"),
        ] {
            let world = TestWorld::with_environment(variables);
            assert_eq!(found(&world), Ok(Found::NotConfigured(reason.to_owned())));
        }
    }

    #[test]
    fn a_token_file_that_gives_no_token_ends_the_chain_and_nothing_is_asked() {
        let world = || TestWorld::with_environment(&[(TOKEN_FILE, "/t"), (ROLE_ARN, "r")]);
        let granted = "AWS_WEB_IDENTITY_TOKEN_FILE names /t";
        for (world, reason) in [
            (world(), " (no such file): make that a readable token"),
            (
                world().no_file("/t", FileError::NotGranted),
                " (not granted): name it in AWS_WEB_IDENTITY_TOKEN_FILE, or in a profile",
            ),
            (world().file("/t", b"\xff"), " (not readable: not UTF-8): make that a readable token"),
            (world().file("/t", " \n"), ", which is empty: put a token into it"),
        ] {
            assert_eq!(found(&world), Err(Error::Invalid(format!("{granted}{reason}"))));
            assert!(world.requests.borrow().is_empty());
        }
    }

    #[test]
    fn the_region_of_sts_is_that_of_the_settings_and_else_that_of_the_registry() {
        let host = |variables: &[(&str, &str)]| {
            let world = TestWorld::with_environment(&[&[(TOKEN_FILE, "/t"), (ROLE_ARN, "r")], variables].concat());
            let world = world.file("/t", "token");
            found(&world).unwrap_err();
            world.requests.take().remove(0).authority
        };
        assert_eq!(host(&[]), "sts.us-east-1.amazonaws.com");
        assert_eq!(host(&[("AWS_DEFAULT_REGION", "eu-west-1")]), "sts.eu-west-1.amazonaws.com");
        assert_eq!(
            host(&[("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_REGION", "cn-north-1")]),
            "sts.cn-north-1.amazonaws.com.cn"
        );
    }
}
