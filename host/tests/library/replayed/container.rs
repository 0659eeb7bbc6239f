//! Where credentials beside a container are asked for: the cases of aws-config and of botocore.

use std::sync::Arc;

use keyward::Error;
use keyward_testbed::vectors::{self, Family, items, same};
use serde_json::{Value, json};

use super::services::{self, check_registry_token, given, header};
use crate::common::PRIVATE;
use crate::world::{World, settings};

const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

#[tokio::test(start_paused = true)]
async fn the_uris_of_a_container_lead_where_the_aws_sdk_for_rust_goes() {
    let document = vectors::json("container/uris-and-errors.json");
    let mut family = Family::new("container uris through the component", 11);
    for case in items(&document["tests"]) {
        let asked = url_asked(&case["env"]).await;
        family.outcome(case["docs"].as_str().unwrap(), asked.and_then(|asked| check(case, asked)));
    }
    family.finish("");
}

fn check(case: &Value, asked: Result<String, Error>) -> Result<(), String> {
    // The errors are texts for people: these are ours for what they mean.
    match (case["result"]["ErrorContains"].as_str(), asked) {
        (None, asked) => same("url", &asked.as_deref(), &Ok(case["result"]["Ok"].as_str().unwrap())),
        (Some("No environment variables were set to configure ECS provider"), Err(Error::NoCredentials(text)))
            if text
                .contains(&format!("container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor {FULL_URI} is")) =>
        {
            Ok(())
        }
        (Some("URI did not specify a host"), Err(Error::Invalid(text)))
            if text.starts_with(&format!("{FULL_URI} is unusable: ")) =>
        {
            Ok(())
        }
        (Some(expected), other) => Err(format!("expected {expected:?}, got {other:?}")),
    }
}

#[tokio::test(start_paused = true)]
async fn without_tls_the_hosts_are_asked_that_botocore_asks() {
    let mut family = Family::new("container hosts through the component", 11);
    for row in vectors::text("container/uris.tsv").lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [_, uri, allowed, ..] = columns[..] else { panic!("{row}") };
        let asked = url_asked(&json!({ FULL_URI: uri })).await;
        family.outcome(
            uri,
            asked.and_then(|asked| match (allowed, asked) {
                // A request always has a path.
                ("yes", Ok(url)) => same("url", &url.trim_end_matches('/'), &uri),
                ("no", Err(Error::Invalid(text))) if text.contains("without TLS only ") => Ok(()),
                (allowed, other) => Err(format!("expected {allowed:?}, got {other:?}")),
            }),
        );
    }
    family.finish("");
}

/// The URL that a lookup in this environment asks for keys, with which it goes to ECR; or its error, for which nobody was asked.
async fn url_asked(environment: &Value) -> Result<Result<String, Error>, String> {
    let world = Arc::new(World::new(services::any));
    let mut settings = settings().with_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container token");
    for (name, value) in environment.as_object().unwrap() {
        settings = settings.with_variable(name, value.as_str().unwrap());
    }
    let found = world.look_up(settings, PRIVATE).await;
    let requests = world.requests();
    if let Err(error) = found {
        same("requests", &requests.len(), &0)?;
        return Ok(Err(error));
    }
    let [for_keys, for_token] = &requests[..] else { return Err(format!("expected two requests: {requests:?}")) };
    same("method", &for_keys.method().as_str(), &"GET")?;
    same("accept", &header(for_keys, "accept"), &Some("application/json"))?;
    same("authorization", &header(for_keys, "authorization"), &Some("container token"))?;
    check_registry_token(for_token, &given(0))?;
    Ok(Ok(for_keys.uri().to_string()))
}
