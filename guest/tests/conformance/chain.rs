//! The whole chain of sources, and the profile alone: aws-config's recorded lookups. What was asked is compared with the recording in
//! every detail that makes a difference.

use keyward_ecr::aws::client::Client;
use keyward_ecr::chain;
use keyward_ecr::context::Context;
use keyward_ecr::credentials::Credentials;
use keyward_ecr::error::Error;
use keyward_ecr::secret::Secret;
use keyward_ecr::settings::{Settings, SharedFiles};
use keyward_ecr::source::{Found, Lookup, profile};
use keyward_testbed::vectors::chain::{ChainCase, Expected, ExpectedCredentials, Player, cases};
use keyward_testbed::vectors::{Family, same};

use crate::player_world::PlayerWorld;

/// What the programs of the cases print, by the name of the case; none for one that fails.
const PRINTED: [(&str, &str); 2] = [
    (
        "credential_process",
        r#"{"Version": 1, "AccessKeyId": "ASIARTESTID", "SecretAccessKey": "TESTSECRETKEY", "SessionToken": "TESTSESSIONTOKEN",
            "AccountId": "123456789002", "Expiration": "2022-05-02T18:36:00+00:00"}"#,
    ),
    (
        "credential_process_account_id_fallback",
        r#"{"Version": 1, "AccessKeyId": "ASIARTESTID", "SecretAccessKey": "TESTSECRETKEY", "SessionToken": "TESTSESSIONTOKEN",
            "Expiration": "2022-05-02T18:36:00+00:00"}"#,
    ),
];

/// How a lookup ended.
enum Ended {
    Found(Credentials),
    Failed(Error),
    NotConfigured,
}

#[test]
fn every_recorded_lookup_through_the_default_chain_ends_as_it_did() {
    let mut family = Family::new("default chain", 20);
    for case in cases("chain/default") {
        let name = case.name.clone();
        let ended = |lookup: &Lookup<'_, PlayerWorld>| match chain::resolve(lookup) {
            Ok(credentials) => Ended::Found(credentials),
            Err(Error::NoCredentials(_)) => Ended::NotConfigured,
            Err(error) => Ended::Failed(error),
        };
        family.case(&name, || run(case, ended));
    }
    family.finish("");
}

#[test]
fn every_recorded_lookup_through_a_profile_ends_as_it_did() {
    let mut family = Family::new("profiles alone", 13);
    for case in cases("chain/profile") {
        let name = case.name.clone();
        let ended = |lookup: &Lookup<'_, PlayerWorld>| match profile::find(lookup) {
            Ok(Found::Credentials(credentials)) => Ended::Found(credentials),
            Ok(Found::NotConfigured(_) | Found::NotReached(_)) => Ended::NotConfigured,
            Err(error) => Ended::Failed(error),
        };
        family.case(&name, || run(case, ended));
    }
    family.finish(", where the host runs the programs of three of them");
}

fn run(case: ChainCase, end: impl Fn(&Lookup<'_, PlayerWorld>) -> Ended) -> Result<(), String> {
    let printed = PRINTED.iter().find(|(name, _)| *name == case.name);
    let process_credentials = printed.map(|(_, text)| Secret::new((*text).to_owned()));
    let context = &Context { process_credentials, ..Context::default() };
    let world = &PlayerWorld { player: Player::new(case) };
    let files = SharedFiles::read(world);
    let settings = &Settings::new(world, context, &files);
    let client = &Client::new(world, settings).map_err(|error| error.to_string())?;
    let ended = end(&Lookup { client, registry_region: "us-east-1", settings });

    let case = world.player.case();
    match (&case.expected, ended) {
        (Expected::Credentials(expected), Ended::Found(credentials)) => check(&credentials, expected)?,
        (Expected::Credentials(_), Ended::Failed(error)) => return Err(error.to_string()),
        (Expected::Credentials(_), Ended::NotConfigured) => return Err("nothing was configured".to_owned()),
        (Expected::ErrorContains(text), Ended::Found(_)) => return Err(format!("expected an error like {text}")),
        (Expected::ErrorContains(_), Ended::Failed(error)) => check_error(&case.name, &error)?,
        (Expected::ErrorContains(_), Ended::NotConfigured) => {
            same("not configured", &is_not_configured(&case.name), &true)?;
        }
    }
    world.player.check()
}

fn check(found: &Credentials, expected: &ExpectedCredentials) -> Result<(), String> {
    same("access key id", &found.access_key_id, &expected.access_key_id)?;
    same("secret access key", &found.secret_access_key.expose(), &expected.secret_access_key.as_str())?;
    same("session token", &found.session_token.as_ref().map(Secret::expose), &expected.session_token.as_deref())?;
    same("account", &found.account_id, &expected.account_id)?;
    same("expiry", &found.expires_at.map(|time| time.seconds), &expected.expiry)
}

/// The cases in which the next source is to be asked.
fn is_not_configured(case: &str) -> bool {
    ["empty_config", "imds_default_chain_error", "sso_token"].contains(&case)
}

/// The cases in which a source fails, with the class of its error and what its text has to name.
fn check_error(case: &str, error: &Error) -> Result<(), String> {
    let (is_right, named) = match case {
        "credential_process_failure" => (matches!(error, Error::Invalid(_)), "credential_process"),
        "eks_pod_identity_no_token_file" => {
            (matches!(error, Error::Invalid(_)), "/token.jwt cannot be read (no such file)")
        }
        "imds_token_fail" => (matches!(error, Error::Denied(_)), "403"),
        "profile_overrides_web_identity" => (matches!(error, Error::Invalid(_)), "AWS_ACCESS_KEY_ID is not set"),
        "sso_no_token_file" => (matches!(error, Error::Invalid(_) | Error::Denied(_)), "aws sso login"),
        "sso_server_error" => (matches!(error, Error::Unavailable(_)), "503"),
        "web_identity_source_profile_no_env" => (matches!(error, Error::Invalid(_)), "role_arn"),
        "web_identity_token_invalid_jwt" => (matches!(error, Error::Denied(_)), "InvalidIdentityToken"),
        unknown => return Err(format!("{unknown} is not known to fail: {error}")),
    };
    let text = error.to_string();
    if is_right && text.contains(named) {
        Ok(())
    } else {
        Err(format!("expected {named:?} in another class: {error:?}"))
    }
}
