//! Where the services are that a chain asks: the cases of botocore's endpoint rules, and of its settings that name endpoints.
//!
//! All but these of a lookup stays the same: its registry is in us-east-1, wherever the service is.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use keyward::{Config, Error};
use keyward_ecr::token_cache::sso_file;
use keyward_testbed::AccessKeys;
use keyward_testbed::vectors::{self, Family, chain, items, same};
use serde_json::Value;

use super::services::{self, action, header};
use crate::common::PRIVATE;
use crate::world::{World, plain, settings};

/// In a profile, a role that its own keys assume.
const ROLE: &str = "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = default\n";

/// A service, and how a lookup comes to it.
struct Service {
    endpoint_variable: &'static str,
    is_asked: fn(&Request<Bytes>) -> bool,
    /// The config file, with the region of the service.
    config: fn(region: &str) -> String,
    token_expires_at: &'static str,
}

const STS: Service = Service {
    endpoint_variable: "AWS_ENDPOINT_URL_STS",
    is_asked: |request| action(request).is_some(),
    config: |region| {
        format!("[default]\nregion = {region}\naws_access_key_id = id\naws_secret_access_key = secret\n{ROLE}")
    },
    token_expires_at: "2999-01-01T00:00:00Z",
};

const SSO: Service = Service {
    endpoint_variable: "AWS_ENDPOINT_URL_SSO",
    is_asked: |request| header(request, "x-amz-sso_bearer_token").is_some(),
    config: sso_config,
    token_expires_at: "2999-01-01T00:00:00Z",
};

/// Asked where a token is over.
const SSO_OIDC: Service = Service {
    endpoint_variable: "AWS_ENDPOINT_URL_SSO_OIDC",
    is_asked: |request| request.uri().path() == "/token",
    token_expires_at: "2021-01-01T00:00:00Z",
    ..SSO
};

fn sso_config(region: &str) -> String {
    format!(
        "[default]\nsso_session = admin\nsso_account_id = 123456789012\nsso_role_name = Reader\n\
         [sso-session admin]\nsso_region = {region}\nsso_start_url = https://d-123.awsapps.com/start\n"
    )
}

#[tokio::test(start_paused = true)]
async fn every_endpoint_rule_of_sts_that_a_lookup_can_meet_holds() {
    run(Family::new("endpoints of sts through the component", 46).leaving_out(2), "endpoints/sts.json", &STS).await;
}

#[tokio::test(start_paused = true)]
async fn every_endpoint_rule_of_sso_that_a_lookup_can_meet_holds() {
    run(Family::new("endpoints of sso through the component", 27).leaving_out(1), "endpoints/sso.json", &SSO).await;
}

#[tokio::test(start_paused = true)]
async fn every_endpoint_rule_of_sso_oidc_that_a_lookup_can_meet_holds() {
    let family = Family::new("endpoints of sso-oidc through the component", 26).leaving_out(2);
    run(family, "endpoints/sso-oidc.json", &SSO_OIDC).await;
}

async fn run(mut family: Family, file: &str, service: &Service) {
    let document = vectors::json(file);
    for case in items(&document["testCases"]) {
        let name = case["documentation"].as_str().unwrap();
        match case["params"]["Region"].as_str() {
            Some(region) => family.outcome(name, check(service, region, case).await),
            None => family.not_run(name, "a lookup always has a region"),
        }
    }
    family.finish("");
}

async fn check(service: &Service, region: &str, case: &Value) -> Result<(), String> {
    let token = format!(
        r#"{{"accessToken": "sso.token", "expiresAt": "{}", "clientId": "client", "clientSecret": "secret",
            "refreshToken": "refresh", "registrationExpiresAt": "2999-01-01T00:00:00Z"}}"#,
        service.token_expires_at
    );
    let world = World::new(services::any)
        .with_file("/h/.aws/config", (service.config)(region))
        .with_file(&sso_file("admin").replace("~/", "/h/"), token);
    let world = Arc::new(world);
    let found = world.look_up(with_parameters(service, &case["params"])?, PRIVATE).await;
    let requests = world.requests();
    let request = requests.iter().find(|request| (service.is_asked)(request));
    let expected = &case["expect"]["endpoint"];
    let Some(url) = expected["url"].as_str() else {
        same("requests", &request.is_some(), &false)?;
        return check_error(found, &case["expect"]["error"], service);
    };
    found.map_err(|error| format!("expected a token, got {error:?}"))?;
    let request = request.ok_or("the service was not asked")?;
    same("endpoint", &origin(request), &url.to_owned())?;
    if service.endpoint_variable != STS.endpoint_variable {
        return same("signature", &header(request, "authorization"), &None);
    }
    let scope = chain::verify(&plain(request), &AccessKeys::new("id", "secret"))?;
    // Without a word about it, a request is signed for the region that it is sent to.
    let region = expected["properties"]["authSchemes"][0]["signingRegion"].as_str().unwrap_or(region);
    same("scope", &(scope.service.as_str(), scope.region.as_str()), &("sts", region))
}

fn with_parameters(service: &Service, parameters: &Value) -> Result<Config, String> {
    let mut config = settings();
    for (name, value) in parameters.as_object().unwrap() {
        let (variable, value) = match (name.as_str(), value) {
            ("Endpoint", Value::String(url)) => (service.endpoint_variable, url.clone()),
            ("Region", _) => continue,
            ("UseDualStack", Value::Bool(is_on)) => ("AWS_USE_DUALSTACK_ENDPOINT", is_on.to_string()),
            ("UseFIPS", Value::Bool(is_on)) => ("AWS_USE_FIPS_ENDPOINT", is_on.to_string()),
            ("UseGlobalEndpoint", Value::Bool(is_on)) => {
                ("AWS_STS_REGIONAL_ENDPOINTS", if *is_on { "legacy" } else { "regional" }.to_owned())
            }
            unknown => return Err(format!("the case has a parameter that the runner does not know, {unknown:?}")),
        };
        config = config.with_variable(variable, &value);
    }
    Ok(config)
}

/// The rules' errors are texts for people: these are ours for what they mean. That it is this service's endpoint which cannot be combined
/// shows that ECR's was no obstacle.
fn check_error<T: std::fmt::Debug>(found: Result<T, Error>, expected: &Value, service: &Service) -> Result<(), String> {
    let setting = match expected.as_str() {
        Some("Invalid Configuration: FIPS and custom endpoint are not supported") => "AWS_USE_FIPS_ENDPOINT",
        Some("Invalid Configuration: Dualstack and custom endpoint are not supported") => "AWS_USE_DUALSTACK_ENDPOINT",
        _ => return Err(format!("the case expects an error that the runner does not know, {expected}")),
    };
    match found {
        Err(Error::Invalid(text)) if text.contains(setting) && text.contains(service.endpoint_variable) => Ok(()),
        other => Err(format!("expected {expected}, got {other:?}")),
    }
}

/// Scheme, host and port of a request.
fn origin(request: &Request<Bytes>) -> String {
    let uri = request.uri();
    format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |authority| authority.as_str()))
}

/// The cases are about services that Keyward does not call: others stand for them.
const STAND_INS: [(&str, &str); 2] = [("s3", "ecr"), ("dynamodb", "sts")];

#[tokio::test(start_paused = true)]
async fn the_settings_name_endpoints_in_the_order_of_the_reference_guide() {
    let text = vectors::text("endpoints/configured-urls.json");
    let text = STAND_INS.iter().fold(text, |text, (theirs, ours)| {
        let variable = |name: &str| format!("AWS_ENDPOINT_URL_{}\"", name.to_uppercase());
        text.replace(&format!("\"{theirs}\""), &format!("\"{ours}\"")).replace(&variable(theirs), &variable(ours))
    });
    let document: Value = serde_json::from_str(&text).unwrap();
    let suite = &document["testSuites"][0];
    let mut family = Family::new("configured endpoints through the component", 13).leaving_out(14);
    for case in items(&suite["endpointUrlTests"]) {
        let name = case["name"].as_str().unwrap();
        match case["client_config"].as_str() {
            Some("default") => family.outcome(name, check_configured(suite, case).await),
            _ => family.not_run(name, "an endpoint is given in code, which a lookup has no code for"),
        }
    }
    family.finish("");
}

async fn check_configured(suite: &Value, case: &Value) -> Result<(), String> {
    let named = |table: &str, key: &str| suite[table][case[key].as_str().unwrap()].as_object().unwrap();
    let mut config = "[default]\n".to_owned();
    for (key, value) in named("profiles", "profile") {
        config += &format!("{key} = {}\n", value.as_str().unwrap());
    }
    let is_asked: fn(&Request<Bytes>) -> bool = match case["service"].as_str() {
        Some("ecr") => |request| header(request, "x-amz-target").is_some(),
        Some("sts") => {
            config += ROLE;
            STS.is_asked
        }
        other => return Err(format!("the case is about another service, {other:?}")),
    };
    for (name, services) in suite["services"].as_object().unwrap() {
        config += &format!("[services {name}]\n");
        for (service, properties) in services.as_object().unwrap() {
            config += &format!("{service} =\n  endpoint_url = {}\n", properties["endpoint_url"].as_str().unwrap());
        }
    }
    let mut settings = settings();
    for (name, value) in named("environments", "environment") {
        settings = settings.with_variable(name, value.as_str().unwrap());
    }
    // The region of the cases does not exist, and the sandbox knows those that may.
    let own = "https://api.ecr.fake-region-10.amazonaws.com";
    let registry = "123456789012.dkr.ecr.fake-region-10.amazonaws.com";
    let world = Arc::new(World::new(services::any).with_file("/h/.aws/config", config));
    world.look_up(settings.with_allowed(own), registry).await.map_err(|error| error.to_string())?;
    let requests = world.requests();
    let request = requests.iter().find(|request| is_asked(request)).ok_or("the service was not asked")?;
    // The service's own endpoint has another name than that of the one it stands for.
    let expected = case["output"]["endpointUrl"].as_str().unwrap();
    let expected = expected.replace("https://s3.fake-region-10.amazonaws.com", own);
    same("endpoint", &origin(request), &expected)
}
