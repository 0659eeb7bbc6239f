//! Error answers of the services that a chain asks: the cases of botocore's protocol tests.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use keyward::Error;
use keyward_ecr::token_cache::sso_file;
use keyward_testbed::vectors::{self, Family, items, same};
use serde_json::Value;

use crate::common::PRIVATE;
use crate::world::{World, settings};

/// A profile that leads to STS.
const ROLE: &str = "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = default\n\
                    aws_access_key_id = id\naws_secret_access_key = secret\n";

/// A profile that leads to the portal of IAM Identity Center.
const SSO: &str = "[default]\nsso_session = admin\nsso_account_id = 123456789012\nsso_role_name = Reader\n\
                   [sso-session admin]\nsso_region = us-east-1\nsso_start_url = https://d-123.awsapps.com/start\n";

#[tokio::test(start_paused = true)]
async fn an_error_of_sts_has_its_code_and_its_message() {
    run(Family::new("errors in xml through the component", 2), "errors/query.json", ROLE).await;
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_rest_service_has_its_code_and_its_message() {
    run(Family::new("errors of a rest service through the component", 8), "errors/rest-json.json", SSO).await;
}

async fn run(mut family: Family, file: &str, profile: &str) {
    let document = vectors::json(file);
    for case in items(&document) {
        family.outcome(case["id"].as_str().unwrap(), check(case, profile).await);
    }
    family.finish("");
}

async fn check(case: &Value, profile: &str) -> Result<(), String> {
    let expected = case["response"].clone();
    let world = World::new(move |_, _| {
        let status = u16::try_from(expected["status_code"].as_u64().unwrap()).unwrap();
        let mut response = Response::builder().status(status);
        for (name, value) in expected["headers"].as_object().unwrap() {
            response = response.header(name, value.as_str().unwrap());
        }
        // A case without a body is an answer with an empty one.
        let body = expected["body"].as_str().unwrap_or_default();
        Ok(response.body(Bytes::copy_from_slice(body.as_bytes())).unwrap())
    });
    let token = r#"{"accessToken": "sso.token", "expiresAt": "2999-01-01T00:00:00Z"}"#;
    let world = world.with_file("/h/.aws/config", profile).with_file(&sso_file("admin").replace("~/", "/h/"), token);
    let world = Arc::new(world);
    let found = world.look_up(settings().with_variable("AWS_MAX_ATTEMPTS", "1"), PRIVATE).await;
    same("requests", &world.requests().len(), &1)?;

    let status = case["response"]["status_code"].as_u64().unwrap();
    let text = match (status, &found) {
        (400, Err(Error::Invalid(text))) | (403, Err(Error::Denied(text))) | (500, Err(Error::Unavailable(text))) => {
            text
        }
        _ => return Err(format!("expected an error by status {status}, got {found:?}")),
    };
    let code = case["errorCode"].as_str().unwrap();
    let message = case["errorMessage"].as_str().map(|message| format!(": {message}")).unwrap_or_default();
    let expected = format!(": {code}{message} (HTTP status {status}");
    if text.contains(&expected) { Ok(()) } else { Err(format!("expected {expected:?} in {text:?}")) }
}
