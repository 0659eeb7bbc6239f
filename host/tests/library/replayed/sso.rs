//! Tokens of IAM Identity Center: botocore's cases of which profile has one, and of when it is renewed.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use keyward::{Credential, Error};
use keyward_testbed::vectors::{self, Family, items, same};
use serde_json::{Value, json};

use super::services::{self, check_registry_token, given, header, ok};
use crate::common::PRIVATE;
use crate::world::{World, settings, time};

const VECTORS: &str = "sso/token-cases.json";

/// Of the session `admin`, as the vectors have it.
const TOKEN_FILE: &str = "/h/.aws/sso/cache/d033e22ae348aeb5660fc2140aec35850c4da997.json";

/// The profile of the cases about renewals; a role makes the token visible, in the request for the role's keys.
const CONFIG: &str = "[profile test]\nsso_session = admin\nsso_account_id = 123456789012\nsso_role_name = Reader\n\
                      [sso-session admin]\nsso_region = us-west-2\nsso_start_url = https://d-123.awsapps.com/start\n";

#[tokio::test(start_paused = true)]
async fn a_profile_has_a_token_where_botocore_finds_one() {
    let document = vectors::json(VECTORS);
    let mut family = Family::new("sso profiles through the component", 6);
    for case in items(&document["sso_provider_resolution_cases"]) {
        family.outcome(name(case), check_resolution(case).await);
    }
    family.finish("");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_when_botocore_renews_it_and_kept_where_that_is_allowed() {
    let document = vectors::json(VECTORS);
    let mut family = Family::new("sso tokens through the component", 6);
    for case in items(&document["sso_provider_refresh_cases"]) {
        family.outcome(name(case), check_refresh(case, true).await);
    }
    family.finish("");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_when_botocore_renews_it_and_used_also_where_it_may_not_be_kept() {
    let document = vectors::json(VECTORS);
    let mut family = Family::new("sso tokens that may not be written, through the component", 6);
    for case in items(&document["sso_provider_refresh_cases"]) {
        family.outcome(name(case), check_refresh(case, false).await);
    }
    family.finish("");
}

fn name(case: &Value) -> &str {
    case["documentation"].as_str().unwrap()
}

/// A token that is found is one of which the profile says that it is for no credentials; botocore's exception is an error, and
/// whatever else does not resolve is not configured.
async fn check_resolution(case: &Value) -> Result<(), String> {
    let world = Arc::new(World::new(services::any).with_file("/h/.aws/config", config(&case["config"])));
    let found = world.look_up(settings().with_variable("AWS_PROFILE", "test"), PRIVATE).await;
    same("requests", &world.requests().len(), &0)?;
    let expected = match (case["resolves"].as_bool(), case["expectedException"].as_str()) {
        (Some(true), None) => "a token",
        (Some(false), None) => "nothing",
        (Some(false), Some("InvalidConfigError")) => "an error",
        unknown => return Err(format!("the case expects what the runner does not know, {unknown:?}")),
    };
    let got = match &found {
        Err(Error::NoCredentials(text)) if text.contains("is for tokens of IAM Identity Center") => "a token",
        Err(Error::NoCredentials(_)) => "nothing",
        Err(Error::Invalid(_)) => "an error",
        _ => "something else",
    };
    same("result", &got, &expected).map_err(|difference| format!("{difference} ({found:?})"))
}

/// The config file that botocore would have read a case's tables from.
fn config(tables: &Value) -> String {
    let mut file = String::new();
    for (table, kind) in [("profiles", "profile"), ("sso_sessions", "sso-session")] {
        for (section, properties) in tables[table].as_object().into_iter().flatten() {
            writeln!(file, "[{kind} {section}]").unwrap();
            for (property, value) in properties.as_object().unwrap() {
                writeln!(file, "{property} = {}", value.as_str().unwrap()).unwrap();
            }
        }
    }
    file
}

async fn check_refresh(case: &Value, may_write: bool) -> Result<(), String> {
    let (cached, answer) = (&case["cachedToken"], case["refreshResponse"].clone());
    let world = World::new(move |request, place| match request.uri().path() {
        "/token" => ok(&answer.to_string()),
        _ => services::any(request, place),
    });
    let world = world
        .with_clock([time(case["currentTime"].as_str().unwrap())])
        .with_file("/h/.aws/config", CONFIG)
        .with_file(TOKEN_FILE, cached.to_string());
    let world = Arc::new(world);
    let settings = settings().with_variable("AWS_PROFILE", "test").with_sso_cache_writes(may_write);
    let found = world.look_up(settings, PRIVATE).await;

    let content = world.content(TOKEN_FILE);
    let written = &case["expectedTokenWriteback"];
    if may_write && !written.is_null() {
        // Member by member, in both directions.
        let content: Value = serde_json::from_slice(&content).map_err(|error| error.to_string())?;
        same("token file", &content, written)?;
        same("expiration", &content["expiresAt"], &case["expectedToken"]["expiration"])?;
    } else {
        same("token file that was not to be written", &content, &cached.to_string().into_bytes())?;
    }
    let requests = world.requests();
    match case["expectedException"].as_str() {
        Some(exception) => {
            same("requests", &requests.len(), &0)?;
            check_exception(&found, exception)
        }
        None => {
            found.map_err(|error| format!("expected a token, got {error:?}"))?;
            check_requests(case, &requests)
        }
    }
}

fn check_requests(case: &Value, requests: &[Request<Bytes>]) -> Result<(), String> {
    let [renewals @ .., portal, for_token] = requests else { return Err(format!("too few requests: {requests:?}")) };
    match renewals {
        [] => same("answer to a renewal", &case["refreshResponse"], &Value::Null)?,
        [renewal] => check_renewal(renewal, &case["cachedToken"])?,
        _ => return Err(format!("{} requests to renew the token", renewals.len())),
    }
    same("host", &portal.uri().host(), &Some("portal.sso.us-west-2.amazonaws.com"))?;
    let token = header(portal, "x-amz-sso_bearer_token");
    same("token", &token, &case["expectedToken"]["token"].as_str())?;
    check_registry_token(for_token, &given(renewals.len())).map(drop)
}

fn check_renewal(request: &Request<Bytes>, cached: &Value) -> Result<(), String> {
    same("method", &request.method().as_str(), &"POST")?;
    same("url", &request.uri().to_string().as_str(), &"https://oidc.us-west-2.amazonaws.com/token")?;
    let body: Value = serde_json::from_slice(request.body()).map_err(|error| error.to_string())?;
    let expected = json!({
        "clientId": cached["clientId"],
        "clientSecret": cached["clientSecret"],
        "grantType": "refresh_token",
        "refreshToken": cached["refreshToken"],
    });
    same("body", &body, &expected)
}

/// botocore's exceptions are classes; what they mean is the error's kind, and what it says.
fn check_exception(found: &Result<Credential, Error>, exception: &str) -> Result<(), String> {
    let is_expected = match (exception, found) {
        ("TokenRetrievalError", Err(Error::Denied(text))) => text.contains("has expired"),
        ("SSOTokenLoadError", Err(Error::Invalid(text))) => text.contains("it has no accessToken"),
        _ => false,
    };
    let advises = matches!(found, Err(error) if error.to_string().ends_with("run 'aws sso login --sso-session admin'"));
    if is_expected && advises { Ok(()) } else { Err(format!("expected {exception}, got {found:?}")) }
}
