//! The chain of sources: the first one that is configured decides.
//!
//! Order and rules are those of aws-config 1.13 (`default_provider/credentials.rs`, `meta/credentials/chain.rs`): a source
//! that is not configured passes the question on, and one that is configured and fails ends the chain, since the next one
//! would be another identity than the one that was meant.

use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::{Found, SourceError, environment, profile};
use crate::world::World;

/// The sources that other programs have and this version has not, each with the groups of variables that configure
/// it: one group is enough, if all of it is set, as one is in every pod of EKS and every task of ECS. It ends the
/// chain, since docker takes "not configured" for "pull anonymously".
const UNSUPPORTED: [(&str, &[&[&str]]); 2] = [
    ("web identity", &[&["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"]]),
    ("container", &[&["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"], &["AWS_CONTAINER_CREDENTIALS_FULL_URI"]]),
];

/// The credentials of the first source that is configured.
///
/// # Errors
///
/// [`Error::Invalid`] when a configured source failed; [`Error::NoCredentials`] when none is configured, with every
/// source, in order, and why it is not.
pub fn resolve(world: &impl World) -> Result<Credentials, Error> {
    let mut attempts = Vec::new();
    let unusable = |error: SourceError| Error::Invalid(format!("the credentials are unusable: {error}"));

    match environment::find(world) {
        Found::Credentials(credentials) => return Ok(credentials),
        Found::NotConfigured(reason) => attempts.push(format!("environment: {reason}")),
    }
    match profile::find(world) {
        Ok(Found::Credentials(credentials)) => return Ok(credentials),
        Ok(Found::NotConfigured(reason)) => attempts.push(format!("profile: {reason}")),
        Err(error) => return Err(unusable(error)),
    }
    let is_set = |variable: &&str| world.environment(variable).is_some_and(|value| !value.is_empty());
    for (source, groups) in UNSUPPORTED {
        if let Some(group) = groups.iter().find(|group| group.iter().all(is_set)) {
            let variable = group[0];
            return Err(unusable(SourceError(format!(
                "{variable} asks for the source {source}, which this version does not support: set AWS_ACCESS_KEY_ID \
                 and AWS_SECRET_ACCESS_KEY, or use a profile with static keys"
            ))));
        }
        attempts.push(format!("{source}: not supported by this version"));
    }
    attempts.push("instance metadata: not supported by this version".to_owned());

    Err(Error::NoCredentials(format!(
        "no AWS credentials are configured ({}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or add a profile",
        attempts.join("; ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::TestWorld;

    const PROFILE: &str = "[default]\naws_access_key_id = profile\naws_secret_access_key = secret\n";

    #[test]
    fn the_environment_goes_before_the_profile() {
        let world = TestWorld::with_environment(&[
            ("HOME", "/h"),
            ("AWS_ACCESS_KEY_ID", "environment"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ])
        .file("/h/.aws/credentials", PROFILE);
        assert_eq!(resolve(&world).unwrap().access_key_id, "environment");
    }

    #[test]
    fn a_source_that_is_not_configured_passes_the_question_on() {
        let world = TestWorld::with_environment(&[("HOME", "/h"), ("AWS_ACCESS_KEY_ID", "half")])
            .file("/h/.aws/credentials", PROFILE);
        assert_eq!(resolve(&world).unwrap().access_key_id, "profile");
    }

    #[test]
    fn a_source_that_is_configured_and_fails_ends_the_chain() {
        let world = TestWorld::with_environment(&[("HOME", "/h")])
            .file("/h/.aws/credentials", "[default]\naws_access_key_id = half\n");
        assert!(matches!(resolve(&world), Err(Error::Invalid(_))));
    }

    #[test]
    fn a_source_that_is_configured_and_not_supported_ends_the_chain() {
        for (variables, variable, source) in [
            (
                &[("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"), ("AWS_ROLE_ARN", "arn")][..],
                "AWS_WEB_IDENTITY_TOKEN_FILE",
                "web identity",
            ),
            (
                &[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials")],
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "container",
            ),
            (
                &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials")],
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "container",
            ),
        ] {
            let text = format!(
                "the credentials are unusable: {variable} asks for the source {source}, which this version does not \
                 support: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a profile with static keys"
            );
            assert_eq!(resolve(&TestWorld::with_environment(variables)), Err(Error::Invalid(text)));
        }
    }

    #[test]
    fn a_profile_with_keys_goes_before_a_source_that_is_not_supported() {
        let variables = [("HOME", "/h"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"), ("AWS_ROLE_ARN", "arn")];
        let world = TestWorld::with_environment(&variables).file("/h/.aws/credentials", PROFILE);
        assert_eq!(resolve(&world).unwrap().access_key_id, "profile");
    }

    #[test]
    fn without_credentials_the_error_lists_every_source_and_why() {
        let half = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"), ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")];
        let world = TestWorld::with_environment(&[&[("HOME", "/h")], &half[..]].concat());
        assert_eq!(
            resolve(&world).unwrap_err().to_string(),
            "no AWS credentials are configured (environment: AWS_ACCESS_KEY_ID is not set; profile: profile default \
             is not in ~/.aws/config (no such file) or ~/.aws/credentials (no such file); web identity: not supported \
             by this version; container: not supported by this version; instance metadata: not supported by this version): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
             add a profile"
        );
    }
}
