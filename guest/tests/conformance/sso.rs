//! Tokens of IAM Identity Center: botocore's cases of which profile has one, and of when it is renewed.

use std::fmt::Write as _;

use keyward_ecr::context::Context;
use keyward_ecr::error::Error;
use keyward_ecr::source::{Found, profile};
use keyward_ecr::world::{Local, Method, Request};
use keyward_testbed::vectors::{self, Family, same};
use serde_json::{Map, Value, json};

use crate::world::TableWorld;

const VECTORS: &str = "sso/token-cases.json";

/// Of the session `admin`, as the vectors have it.
const TOKEN_FILE: &str = "/home/.aws/sso/cache/d033e22ae348aeb5660fc2140aec35850c4da997.json";

/// The profile of the cases about renewals; a role makes the token visible, in the request for the role's keys.
const CONFIG: &str = "[profile test]\nsso_session = admin\nsso_account_id = 123456789012\nsso_role_name = Reader\n\
                      [sso-session admin]\nsso_region = us-west-2\nsso_start_url = https://d-123.awsapps.com/start\n";

const KEYS: &str =
    r#"{"roleCredentials":{"accessKeyId":"i","secretAccessKey":"s","sessionToken":"t","expiration":1651516560000}}"#;

#[test]
fn a_profile_has_a_token_where_botocore_finds_one() {
    let document = vectors::json(VECTORS);
    let mut family = Family::new("sso profiles", 6);
    for case in vectors::items(&document["sso_provider_resolution_cases"]) {
        family.case(name(case), || check_resolution(case));
    }
    family.finish("");
}

#[test]
fn a_token_is_renewed_when_botocore_renews_it() {
    let document = vectors::json(VECTORS);
    let mut family = Family::new("sso tokens", 6);
    for case in vectors::items(&document["sso_provider_refresh_cases"]) {
        family.case(name(case), || check_refresh(case));
    }
    family.finish("");
}

fn name(case: &Value) -> &str {
    case["documentation"].as_str().expect("every case has a name")
}

/// A token that is found is one of which the profile says that it is for no credentials; botocore's exception is an error, and
/// whatever else does not resolve is not configured.
fn check_resolution(case: &Value) -> Result<(), String> {
    let world = world("2021-12-25T13:30:00Z")?.with_file("/home/.aws/config", config(&case["config"])?);
    let found = found(&world)?;
    let expected = match (case["resolves"].as_bool(), case["expectedException"].as_str()) {
        (Some(true), None) => "a token",
        (Some(false), None) => "nothing",
        (Some(false), Some("InvalidConfigError")) => "an error",
        unknown => return Err(format!("the case expects what the runner does not know, {unknown:?}")),
    };
    let got = match &found {
        Ok(Found::NotConfigured(reason)) if reason.contains("is for tokens of IAM Identity Center") => "a token",
        Ok(Found::NotConfigured(_) | Found::NotReached(_)) => "nothing",
        Ok(Found::Credentials(_)) => "credentials",
        Err(Error::Invalid(_)) => "an error",
        Err(_) => "another error",
    };
    same("result", &got, &expected).map_err(|difference| format!("{difference} ({found:?})"))
}

fn check_refresh(case: &Value) -> Result<(), String> {
    let cached = case["cachedToken"].to_string();
    let mut world = world(text(case, "currentTime")?)?
        .with_file("/home/.aws/config", CONFIG)
        .with_file(TOKEN_FILE, cached.as_str());
    let answer = &case["refreshResponse"];
    if !answer.is_null() {
        world = world.with_answer(200, &answer.to_string());
    }
    let world = world.with_answer(200, KEYS);
    let found = found(&world)?;

    let file = world.file(TOKEN_FILE).map_err(|error| error.to_string())?;
    let file: Value = serde_json::from_slice(&file).map_err(|error| error.to_string())?;
    let written = &case["expectedTokenWriteback"];
    // Member by member, in both directions; without a token to write, the file is what it was.
    same("token file", &file, if written.is_null() { &case["cachedToken"] } else { written })?;

    if let Some(exception) = case["expectedException"].as_str() {
        same("requests", &world.requests(), &Vec::new())?;
        return check_exception(&found, exception);
    }
    let Ok(Found::Credentials(_)) = found else { return Err(format!("expected credentials, got {found:?}")) };
    same("answers that nobody asked for", &world.answers_left(), &0)?;
    let requests = world.requests();
    let [renewals @ .., portal] = requests.as_slice() else { return Err("no request was sent".to_owned()) };
    match renewals {
        [] => same("answer to a renewal", answer, &Value::Null)?,
        [renewal] => check_renewal(renewal, &case["cachedToken"])?,
        _ => return Err(format!("{} requests to renew the token", renewals.len())),
    }
    same("host", &portal.authority.as_str(), &"portal.sso.us-west-2.amazonaws.com")?;
    let expected = &case["expectedToken"];
    let token =
        portal.headers.iter().find(|(name, _)| name == "x-amz-sso_bearer_token").map(|(_, token)| token.as_str());
    same("token", &token, &expected["token"].as_str())?;
    same("expiration", &file["expiresAt"], &expected["expiration"])
}

fn check_renewal(request: &Request, cached: &Value) -> Result<(), String> {
    same("method", &request.method, &Method::Post)?;
    same("host", &request.authority.as_str(), &"oidc.us-west-2.amazonaws.com")?;
    same("path", &request.path.as_str(), &"/token")?;
    let body: Value = serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
    let expected = json!({
        "clientId": cached["clientId"],
        "clientSecret": cached["clientSecret"],
        "grantType": "refresh_token",
        "refreshToken": cached["refreshToken"],
    });
    same("body", &body, &expected)
}

/// botocore's exceptions are classes; what they mean is the error's kind, and what it says.
fn check_exception(found: &Result<Found, Error>, exception: &str) -> Result<(), String> {
    let is_expected = match (exception, found) {
        ("TokenRetrievalError", Err(Error::Denied(text))) => text.contains("has expired"),
        ("SSOTokenLoadError", Err(Error::Invalid(text))) => text.contains("it has no accessToken"),
        _ => false,
    };
    let advises = matches!(found, Err(error) if error.to_string().ends_with("run 'aws sso login --sso-session admin'"));
    if is_expected && advises { Ok(()) } else { Err(format!("expected {exception}, got {found:?}")) }
}

fn world(now: &str) -> Result<TableWorld, String> {
    TableWorld::new(&[("HOME", "/home"), ("AWS_PROFILE", "test")], now)
}

fn found(world: &TableWorld) -> Result<Result<Found, Error>, String> {
    world.in_lookup(&Context::default(), "eu-central-1", profile::find)
}

fn text<'a>(case: &'a Value, member: &str) -> Result<&'a str, String> {
    case[member].as_str().ok_or_else(|| format!("the case has no {member}"))
}

/// The config file that botocore would have read a case's tables from.
fn config(tables: &Value) -> Result<String, String> {
    let mut file = String::new();
    for (table, kind) in [("profiles", "profile"), ("sso_sessions", "sso-session")] {
        for (section, properties) in tables[table].as_object().unwrap_or(&Map::new()) {
            // Writing to a String cannot fail.
            let _ = writeln!(file, "[{kind} {section}]");
            for (property, value) in properties.as_object().ok_or("a section is not an object")? {
                let _ = writeln!(file, "{property} = {}", value.as_str().ok_or("a property is not a text")?);
            }
        }
    }
    Ok(file)
}
