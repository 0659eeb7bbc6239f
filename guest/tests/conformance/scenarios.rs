//! Roles that are assumed one after the other: botocore's scenarios. Each call is answered with keys of its own, and the next one has to
//! be signed with them.

use keyward_ecr::chain;
use keyward_ecr::context::Context;
use keyward_ecr::error::Error;
use keyward_ecr::secret::Secret;
use keyward_ecr::token_cache::sso_file;
use keyward_ecr::world::Request;
use keyward_testbed::AccessKeys;
use keyward_testbed::vectors::chain::verify;
use keyward_testbed::vectors::{self, Family, same};
use serde_json::Value;

use crate::player_world::plain;
use crate::world::TableWorld;

const NOW: &str = "2021-12-25T13:30:00Z";
const METADATA_TTL: [(&str, &str); 1] = [("x-aws-ec2-metadata-token-ttl-seconds", "21600")];

#[test]
fn roles_are_assumed_in_the_order_of_botocore_and_each_call_is_signed_with_the_keys_before_it() {
    let document = vectors::json("profile/assume-role-scenarios.json");
    let mut family = Family::new("scenarios of roles", 15);
    for case in vectors::items(&document["scenarios"]) {
        family.case(case["name"].as_str().expect("every case has a name"), || check(case));
    }
    family.finish("");
}

fn check(case: &Value) -> Result<(), String> {
    let expect = &case["expect"];
    let calls = expect["calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let world = world(case, calls)?;
    let context = Context {
        profile: case["profile"].as_str().map(str::to_owned),
        region: expect["sts_region"].as_str().map(str::to_owned),
        process_credentials: case["config"]
            .as_str()
            .filter(|config| config.contains("PROCESS_PRINTING"))
            .map(|_| Secret::new(r#"{"Version": 1, "AccessKeyId": "spam", "SecretAccessKey": "eggs"}"#.to_owned())),
        ..Context::default()
    };
    let result = world.in_lookup(&context, "us-east-1", chain::resolve)?;
    match (expect["error"].as_str(), result) {
        (None, Ok(credentials)) => same("credentials", &credentials.access_key_id, &given(calls.len()).access_key_id)?,
        (None, Err(error)) => return Err(error.to_string()),
        (Some(_), Err(Error::Invalid(_))) => {}
        (Some(expected), other) => return Err(format!("expected {expected}, got {other:?}")),
    }
    same("answers that nobody asked for", &world.answers_left(), &0)?;
    // Those for instance metadata come first, and are not among the calls.
    let requests = world.requests();
    let requests = &requests[requests.len() - calls.len()..];
    calls.iter().zip(requests).try_for_each(|(call, request)| check_call(call, request, expect))
}

fn world(case: &Value, calls: &[Value]) -> Result<TableWorld, String> {
    let texts = |table: &Value| -> Vec<(String, String)> {
        let members = table.as_object().into_iter().flatten();
        members.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
    };
    let environment = texts(&case["env"]);
    let mut variables: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    variables.push(("HOME", "/h"));
    let mut world = TableWorld::new(&variables, NOW)?
        .with_file("/h/.aws/config", case["config"].as_str().ok_or("the case has no config")?);
    for (path, content) in texts(&case["files"]) {
        let path = path.replace("~/", "/h/");
        world = world.with_file(&path, content.replace("<future>", "2999-01-01T00:00:00Z"));
    }
    // botocore makes the name of a token file of all that belongs to its session, or, as here, of a start URL.
    let legacy = sso_file("https://test.url/start").replace("~/", "/h/");
    world = world.with_file(&legacy, r#"{"accessToken": "a.token", "expiresAt": "2999-01-01T00:00:00Z"}"#);
    if calls.iter().any(|call| call["signed_with"] == "imds") {
        let keys = r#"{"Code": "Success", "AccessKeyId": "imds", "SecretAccessKey": "imds-secret", "Token": "imds-token",
                       "Expiration": "2999-01-01T00:00:00Z"}"#;
        world =
            world.with_answer_and_headers(200, &METADATA_TTL, "token").with_answer(200, "role").with_answer(200, keys);
    }
    for (index, call) in calls.iter().enumerate() {
        let keys = given(index + 1);
        let (id, secret, token) = (keys.access_key_id, keys.secret_access_key, keys.session_token.unwrap_or_default());
        world = world.with_answer(
            200,
            &match call["op"].as_str() {
                Some("sso:GetRoleCredentials") => format!(
                    r#"{{"roleCredentials": {{"accessKeyId": "{id}", "secretAccessKey": "{secret}", "sessionToken": "{token}",
                        "expiration": 32472144000000}}}}"#
                ),
                operation => {
                    let result = operation.unwrap_or_default().replace("sts:", "");
                    format!(
                        "<{result}Response><{result}Result><Credentials><AccessKeyId>{id}</AccessKeyId>\
                         <SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>\
                         <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></{result}Result></{result}Response>"
                    )
                }
            },
        );
    }
    Ok(world)
}

/// The keys that a call is answered with; the calls are counted from one.
fn given(call: usize) -> AccessKeys {
    AccessKeys::new(&format!("call {call}"), &format!("secret {call}")).with_session_token(&format!("token {call}"))
}

fn check_call(call: &Value, request: &Request, expect: &Value) -> Result<(), String> {
    let body = String::from_utf8_lossy(&request.body);
    let field = |name: &str| form_field(&body, name);
    match call["op"].as_str() {
        Some("sso:GetRoleCredentials") => {
            let (_, query) = request.path.split_once('?').ok_or("the request has no query")?;
            same("role", &form_field(query, "role_name").as_deref(), &call["role_name"].as_str())?;
            same("account", &form_field(query, "account_id").as_deref(), &call["account_id"].as_str())?;
            let token = request.headers.iter().find(|(name, _)| name == "x-amz-sso_bearer_token");
            same("token", &token.map(|(_, value)| value.as_str()), &call["access_token"].as_str())?;
            let region = call["region"].as_str().unwrap_or_default();
            same("host", &request.authority, &format!("portal.sso.{region}.amazonaws.com"))?;
        }
        Some(operation) => {
            same("action", &field("Action").as_deref(), &operation.strip_prefix("sts:"))?;
            same("role", &field("RoleArn").as_deref(), &call["role_arn"].as_str())?;
            if let Some(name) = call["role_session_name"].as_str() {
                same("session name", &field("RoleSessionName").as_deref(), &Some(name))?;
            }
            same("token", &field("WebIdentityToken").as_deref(), &call["web_identity_token"].as_str())?;
            if let Some(region) = expect["sts_region"].as_str() {
                same("host", &request.authority, &format!("sts.{region}.amazonaws.com.cn"))?;
            }
        }
        None => return Err("a call has no operation".to_owned()),
    }
    let signed_with = match call["signed_with"].as_str() {
        None => {
            let is_signed = request.headers.iter().any(|(name, _)| name == "authorization");
            return same("signed", &is_signed, &false);
        }
        Some("abc123") => AccessKeys::new("abc123", "def456"),
        Some("env") => AccessKeys::new("access_key", "secret_key"),
        Some("imds") => AccessKeys::new("imds", "imds-secret").with_session_token("imds-token"),
        Some("spam") => AccessKeys::new("spam", "eggs"),
        Some("call 1") => given(1),
        Some(unknown) => return Err(format!("the case is signed with what the runner does not know, {unknown}")),
    };
    verify(&plain(request), &signed_with).map(drop)
}

fn form_field(form: &str, name: &str) -> Option<String> {
    let value = form.split('&').filter_map(|field| field.split_once('=')).find(|(key, _)| *key == name)?.1;
    Some(value.replace("%3A", ":").replace("%2F", "/"))
}
