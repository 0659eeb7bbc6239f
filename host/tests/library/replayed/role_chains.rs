//! Where a profile gets its credentials from, call by call: the cases of aws-config.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use keyward::{Credential, Error};
use keyward_ecr::token_cache::sso_file;
use keyward_testbed::AccessKeys;
use keyward_testbed::vectors::{self, Family, items, same};
use serde_json::Value;

use super::services::{self, check_metadata, check_registry_token, check_role, given, header, query};
use crate::common::PRIVATE;
use crate::world::{World, settings, settings_with_metadata};

#[tokio::test(start_paused = true)]
async fn a_profile_leads_to_the_calls_that_aws_config_makes() {
    let document = vectors::json("profile/role-chains.json");
    let mut family = Family::new("role chains through the component", 20);
    for case in items(&document) {
        family.outcome(case["docs"].as_str().unwrap(), check(case).await);
    }
    family.finish("");
}

async fn check(case: &Value) -> Result<(), String> {
    let input = &case["input"];
    let config = text("profile", &input["profiles"]) + &text("sso-session", &input["sso_sessions"]);
    let sso_token = r#"{"accessToken": "sso.token", "expiresAt": "2999-01-01T00:00:00Z"}"#;
    let world = World::new(services::any)
        .with_file("/h/.aws/config", config)
        .with_file("/var/token.jwt", "web.token")
        .with_file(&sso_file("https://foo.bar").replace("~/", "/h/"), sso_token);
    let world = Arc::new(world);
    let chain = case["output"]["ProfileChain"].as_array();
    let is_of_instance = chain.is_some_and(|chain| chain[0]["NamedSource"] == "Ec2InstanceMetadata");
    let settings = if is_of_instance { settings_with_metadata() } else { settings() };
    let profile = input["selected_profile"].as_str().unwrap();
    let found = world.look_up(settings, keyward::Request::new(PRIVATE).with_profile(profile)).await;
    match chain {
        Some(chain) if is_for_tokens_alone(chain) => {
            let says = "profile A is for tokens of IAM Identity Center and not for credentials";
            check_error(&found, "no credentials", says)?;
            same("requests", &world.requests().len(), &0)
        }
        Some(chain) => {
            found.map_err(|error| format!("expected a token, got {error:?}"))?;
            check_chain(chain, &world.requests())
        }
        None => {
            let (kind, says) = error(case["output"]["Error"].as_str().unwrap())?;
            check_error(&found, kind, says)?;
            same("requests", &world.requests().len(), &0)
        }
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

/// A profile of IAM Identity Center without a role has a token, and a lookup needs keys.
fn is_for_tokens_alone(chain: &[Value]) -> bool {
    chain.last().is_some_and(|last| last["Sso"].is_object() && last["Sso"]["sso_role_name"].is_null())
}

/// Follows a chain, in the form of the vectors, through the requests that were made for it. Each link is answered with keys that the
/// next one has to be signed with, and ECR comes last.
fn check_chain(chain: &[Value], requests: &[Request<Bytes>]) -> Result<(), String> {
    let (mut keys, mut place) = (None, 0);
    for link in chain {
        let (kind, link) = link.as_object().and_then(|link| link.iter().next()).ok_or("a link is not an object")?;
        let request = || requests.get(place).ok_or_else(|| format!("no request for {kind}"));
        match kind.as_str() {
            "AccessKey" => {
                let [id, secret] = ["access_key_id", "secret_access_key"].map(|name| link[name].as_str().unwrap());
                keys = Some(AccessKeys::new(id, secret));
                // These are in the profile, and nobody is asked.
                continue;
            }
            "AssumeRole" => check_role(request()?, "AssumeRole", link, None, keys.as_ref())?,
            "NamedSource" if link == "Ec2InstanceMetadata" => {
                let three = requests.get(place..place + 3).ok_or("not even three requests")?;
                check_metadata(three, "http://169.254.169.254")?;
                place += 2;
            }
            "Sso" => check_portal(request()?, link)?,
            "WebIdentityToken" => {
                check_role(request()?, "AssumeRoleWithWebIdentity", link, Some("web.token"), None)?;
            }
            unknown => return Err(format!("the case has a link that the runner does not know, {unknown}")),
        }
        keys = Some(given(place));
        place += 1;
    }
    same("requests", &requests.len(), &(place + 1))?;
    check_registry_token(&requests[place], &keys.ok_or("the case has no links")?).map(drop)
}

fn check_portal(request: &Request<Bytes>, sso: &Value) -> Result<(), String> {
    let region = sso["sso_region"].as_str().unwrap_or_default();
    let host = format!("portal.sso.{region}.amazonaws.com");
    same("host", &request.uri().host(), &Some(&*host))?;
    let query = query(request)?;
    same("role", &query.get("role_name").map(String::as_str), &sso["sso_role_name"].as_str())?;
    same("account", &query.get("account_id").map(String::as_str), &sso["sso_account_id"].as_str())?;
    same("token", &header(request, "x-amz-sso_bearer_token"), &Some("sso.token"))?;
    same("signature", &header(request, "authorization"), &None)
}

/// The errors of aws-config are texts for people: these are ours for what they mean, with the names in them.
fn error(expected: &str) -> Result<(&'static str, &'static str), String> {
    Ok(match expected {
        "profile must contain `source_profile`" => {
            ("invalid", "profile A has role_arn and neither source_profile nor credential_source")
        }
        "profile contained both source_profile and credential_source" => {
            ("invalid", "profile A has both source_profile and credential_source")
        }
        "profile missing aws_access_key_id" => {
            ("invalid", "profile B has aws_secret_access_key and no aws_access_key_id")
        }
        "profile `B` did not contain credential information" => {
            ("invalid", "profile B has no credentials in it, and profile A names it as its source")
        }
        "profile `A` did not contain credential information" => {
            ("no credentials", "profile A has no credentials in it")
        }
        "could not find source profile B referenced from A" => {
            ("invalid", "profile B does not exist, and profile A names it as its source")
        }
        // The request asks for the profile: another identity than that one will not do.
        "No profiles were defined" => ("invalid", "profile A is not in ~/.aws/config"),
        "profile formed an infinite loop" => ("invalid", "the profiles A -> B -> A lead in a circle"),
        "if `sso_role_name` is set, then `sso_account_id` must also be set" => {
            ("invalid", "profile A has sso_role_name and no sso_account_id")
        }
        "sso-session named `oops` (referenced by profile `A`) was not found" => {
            ("invalid", "sso-session oops, which profile A names, does not exist")
        }
        unknown => return Err(format!("the case expects an error that the runner does not know, {unknown}")),
    })
}

fn check_error(found: &Result<Credential, Error>, kind: &str, says: &str) -> Result<(), String> {
    let (got, text) = match found {
        Err(Error::Invalid(text)) => ("invalid", text),
        Err(Error::NoCredentials(text)) => ("no credentials", text),
        other => return Err(format!("expected {kind}, got {other:?}")),
    };
    if got == kind && text.contains(says) { Ok(()) } else { Err(format!("expected {says:?}, got {found:?}")) }
}
