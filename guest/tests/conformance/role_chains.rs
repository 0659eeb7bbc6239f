//! Where a profile gets its credentials from: the cases of aws-config.

use keyward_ecr::profile::{FileKind, Profiles};
use keyward_ecr::role_chain::{Base, NamedSource, RoleChain, RoleChainError};
use keyward_testbed::vectors::{self, Family, same};
use serde_json::{Map, Value, json};

#[test]
fn a_profile_leads_where_aws_config_says() {
    let mut family = Family::new("role chains", 20);
    for case in vectors::items(&vectors::json("profile/role-chains.json")) {
        family.case(case["docs"].as_str().expect("every case has a name"), || check(case));
    }
    family.finish("");
}

fn check(case: &Value) -> Result<(), String> {
    let input = &case["input"];
    let text = text("profile", &input["profiles"]) + &self::text("sso-session", &input["sso_sessions"]);
    let mut profiles = Profiles::default();
    profiles.add(FileKind::Config, &text).map_err(|error| error.to_string())?;
    let chain = RoleChain::of(&profiles, input["selected_profile"].as_str().ok_or("no profile is selected")?);
    match (&case["output"]["Error"], chain) {
        (Value::Null, Ok(chain)) => same("chain", &shown(&chain), &case["output"]["ProfileChain"]),
        (Value::Null, Err(error)) => Err(error.to_string()),
        (Value::String(expected), Err(error)) => check_error(expected, &error),
        (expected, chain) => Err(format!("expected the error {expected}, got {chain:?}")),
    }
}

/// The sections of a config file.
fn text(prefix: &str, sections: &Value) -> String {
    let mut text = String::new();
    for (name, properties) in sections.as_object().into_iter().flatten() {
        text += &format!("[{prefix} {name}]\n");
        for (key, value) in properties.as_object().into_iter().flatten() {
            text += &format!("{key} = {}\n", value.as_str().unwrap_or_default());
        }
    }
    text
}

/// A chain in the form of the vectors.
fn shown(chain: &RoleChain) -> Value {
    let base = match &chain.base {
        Base::Source(source) => json!({ "NamedSource": match source {
            NamedSource::Ec2InstanceMetadata => "Ec2InstanceMetadata",
            NamedSource::EcsContainer => "EcsContainer",
            NamedSource::Environment => "Environment",
        }}),
        Base::StaticKeys(keys) => json!({ "AccessKey": {
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key.expose(),
        }}),
        Base::WebIdentity { role_arn, session_name, token_file, .. } => json!({ "WebIdentityToken": present([
            ("role_arn", Some(role_arn)),
            ("role_session_name", session_name.as_ref()),
            ("web_identity_token_file", Some(token_file)),
        ])}),
        Base::Sso(sso) => json!({ "Sso": present([
            ("sso_account_id", sso.role.as_ref().map(|role| &role.account_id)),
            ("sso_region", Some(&sso.region)),
            ("sso_role_name", sso.role.as_ref().map(|role| &role.role_name)),
            ("sso_session", sso.session.as_ref()),
            ("sso_start_url", Some(&sso.start_url)),
        ])}),
        Base::Login { session } => json!({ "LoginSession": { "login_session_arn": session } }),
        Base::Process { command, .. } => json!({ "CredentialProcess": command.expose() }),
    };
    let roles = chain.roles.iter().map(|role| {
        json!({ "AssumeRole": present([
            ("external_id", role.external_id.as_ref()),
            ("role_arn", Some(&role.role_arn)),
            ("role_session_name", role.session_name.as_ref()),
        ])})
    });
    Value::Array([base].into_iter().chain(roles).collect())
}

fn present<const N: usize>(members: [(&str, Option<&String>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect()
}

/// The errors of aws-config are texts for people; what they mean is the variant.
fn check_error(expected: &str, error: &RoleChainError) -> Result<(), String> {
    use RoleChainError as Error;
    let is_expected = match expected {
        "profile must contain `source_profile`" => matches!(error, Error::NoSource { .. }),
        "profile contained both source_profile and credential_source" => matches!(error, Error::BothSources { .. }),
        "profile missing aws_access_key_id" => matches!(error, Error::Half { missing: "aws_access_key_id", .. }),
        "profile `B` did not contain credential information" => {
            matches!(error, Error::NoCredentials { profile, from: Some(_) } if profile == "B")
        }
        "profile `A` did not contain credential information" => {
            matches!(error, Error::NoCredentials { profile, from: None } if profile == "A")
        }
        "could not find source profile B referenced from A" => {
            matches!(error, Error::MissingProfile { profile, from: Some(from) } if profile == "B" && from == "A")
        }
        "No profiles were defined" => matches!(error, Error::MissingProfile { from: None, .. }),
        "profile formed an infinite loop" => matches!(error, Error::Loop(_)),
        "if `sso_role_name` is set, then `sso_account_id` must also be set" => {
            matches!(error, Error::Half { there: "sso_role_name", missing: "sso_account_id", .. })
        }
        "sso-session named `oops` (referenced by profile `A`) was not found" => {
            matches!(error, Error::MissingSession { session, .. } if session == "oops")
        }
        unknown => return Err(format!("the case expects an error that the runner does not know, {unknown}")),
    };
    if is_expected { Ok(()) } else { Err(format!("expected {expected:?}, got {error:?}")) }
}
