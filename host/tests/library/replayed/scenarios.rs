//! Roles that are assumed one after the other: botocore's scenarios. Each call is answered with keys of its own, and the next one has to
//! be signed with them, the last one being ECR's.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use keyward::Error;
use keyward_ecr::token_cache::sso_file;
use keyward_testbed::AccessKeys;
use keyward_testbed::vectors::{self, Family, items, same};
use serde_json::Value;

use super::services::{self, check_metadata, check_registry_token, check_role, given, header, query};
use crate::common::PRIVATE;
use crate::world::{World, settings, settings_with_metadata};

/// What the cases have in the place of a command, and a command that does it.
const PROGRAM: (&str, &str) =
    ("PROCESS_PRINTING_spam_eggs", r#"printf %s '{"Version": 1, "AccessKeyId": "spam", "SecretAccessKey": "eggs"}'"#);

#[tokio::test(start_paused = true)]
async fn roles_are_assumed_as_botocore_assumes_them() {
    let document = vectors::json("profile/assume-role-scenarios.json");
    let mut family = Family::new("scenarios of roles through the component", 14);
    for case in items(&document["scenarios"]).iter().filter(|case| !is_of_process(case)) {
        family.outcome(case["name"].as_str().unwrap(), check(case).await);
    }
    family.finish(", and the one with a program by itself");
}

/// On a clock that goes: a paused one would move on while the program runs.
#[tokio::test]
async fn roles_are_assumed_with_what_a_program_prints_as_botocore_assumes_them() {
    let document = vectors::json("profile/assume-role-scenarios.json");
    let mut family = Family::new("scenarios of roles with a program, through the component", 1);
    for case in items(&document["scenarios"]).iter().filter(|case| is_of_process(case)) {
        family.outcome(case["name"].as_str().unwrap(), check(case).await);
    }
    family.finish("");
}

fn is_of_process(case: &Value) -> bool {
    case["config"].as_str().unwrap().contains(PROGRAM.0)
}

async fn check(case: &Value) -> Result<(), String> {
    let expect = &case["expect"];
    let calls = expect["calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_of_instance = calls.iter().any(|call| call["signed_with"] == "imds");
    let mut settings = if is_of_instance { settings_with_metadata() } else { settings() };
    for (name, value) in texts(&case["env"]) {
        settings = settings.with_variable(&name, &value);
    }
    let mut request = keyward::Request::new(PRIVATE);
    if let Some(profile) = case["profile"].as_str() {
        request = request.with_profile(profile);
    }
    if let Some(region) = expect["sts_region"].as_str() {
        request = request.with_region(region);
    }
    let world = Arc::new(world(case));
    let found = world.look_up(settings.with_credential_process(is_of_process(case)), request).await;
    let requests = world.requests();
    match (expect["error"].as_str(), found) {
        (None, Ok(_)) => {}
        (None, Err(error)) => return Err(format!("expected a token, got {error:?}")),
        (Some(_), Err(Error::Invalid(_))) => return same("requests", &requests.len(), &0),
        (Some(expected), other) => return Err(format!("expected {expected}, got {other:?}")),
    }

    // Those for instance metadata come first, and are not among the calls.
    let before = if is_of_instance { 3 } else { 0 };
    same("requests", &requests.len(), &(before + calls.len() + 1))?;
    if is_of_instance {
        check_metadata(&requests[..before], "http://169.254.169.254")?;
    }
    for (call, request) in calls.iter().zip(&requests[before..]) {
        check_call(call, request, expect)?;
    }
    let last = before + calls.len();
    check_registry_token(&requests[last], &given(last - 1)).map(drop)
}

fn world(case: &Value) -> World {
    let config = case["config"].as_str().unwrap().replace(PROGRAM.0, PROGRAM.1);
    let mut world = World::new(services::any).with_file("/h/.aws/config", config);
    for (path, content) in texts(&case["files"]) {
        let content = content.replace("<future>", "2999-01-01T00:00:00Z");
        world = world.with_file(&path.replace("~/", "/h/"), content);
    }
    // botocore makes the name of a token file of all that belongs to its session, or, as here, of a start URL.
    let legacy = sso_file("https://test.url/start").replace("~/", "/h/");
    world.with_file(&legacy, r#"{"accessToken": "a.token", "expiresAt": "2999-01-01T00:00:00Z"}"#)
}

fn texts(table: &Value) -> Vec<(String, String)> {
    let members = table.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn check_call(call: &Value, request: &Request<Bytes>, expect: &Value) -> Result<(), String> {
    let host = match call["op"].as_str() {
        Some("sso:GetRoleCredentials") => {
            let query = query(request)?;
            same("role", &query.get("role_name").map(String::as_str), &call["role_name"].as_str())?;
            same("account", &query.get("account_id").map(String::as_str), &call["account_id"].as_str())?;
            same("token", &header(request, "x-amz-sso_bearer_token"), &call["access_token"].as_str())?;
            same("signature", &header(request, "authorization"), &None)?;
            format!("portal.sso.{}.amazonaws.com", call["region"].as_str().unwrap())
        }
        Some(operation) => {
            let action = operation.strip_prefix("sts:").ok_or_else(|| format!("not of STS: {operation}"))?;
            let token = call["web_identity_token"].as_str();
            check_role(request, action, call, token, signer(call)?.as_ref())?;
            match expect["sts_region"].as_str() {
                // Every case that says so is of this partition.
                Some(region) => format!("sts.{region}.amazonaws.com.cn"),
                None => "sts.us-east-1.amazonaws.com".to_owned(),
            }
        }
        None => return Err("a call has no operation".to_owned()),
    };
    same("host", &request.uri().host(), &Some(&*host))
}

fn signer(call: &Value) -> Result<Option<AccessKeys>, String> {
    Ok(Some(match call["signed_with"].as_str() {
        None => return Ok(None),
        Some("abc123") => AccessKeys::new("abc123", "def456"),
        Some("env") => AccessKeys::new("access_key", "secret_key"),
        // The third request to instance metadata is the one for keys.
        Some("imds") => given(2),
        Some("spam") => AccessKeys::new("spam", "eggs"),
        Some("call 1") => given(0),
        Some(unknown) => return Err(format!("the case is signed with what the runner does not know, {unknown}")),
    }))
}
