//! Where EC2's instance metadata is asked for: the cases of aws-config.

use std::sync::Arc;

use keyward::Error;
use keyward_testbed::vectors::{self, Family, items, same};
use serde_json::Value;

use super::services::{self, check_metadata, check_registry_token, given};
use crate::common::PRIVATE;
use crate::world::{World, settings_with_metadata};

#[tokio::test(start_paused = true)]
async fn the_settings_of_instance_metadata_lead_where_the_aws_sdk_for_rust_goes() {
    let document = vectors::json("imds/endpoint.json");
    let mut family = Family::new("instance metadata endpoints through the component", 12).leaving_out(2);
    for case in items(&document["tests"]) {
        match case["docs"].as_str().unwrap() {
            name @ ("explicit endpoint override" | "explicit mode override") => family.not_run(
                name,
                "the override is an argument of the SDK's own interface, and Keyward has settings alone",
            ),
            name => family.outcome(name, check(case).await),
        }
    }
    family.finish("");
}

async fn check(case: &Value) -> Result<(), String> {
    let mut settings = settings_with_metadata();
    // Where this argument has to give way to a variable, it may as well come as one.
    if let Some(mode) = case["mode_override"].as_str() {
        settings = settings.with_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", mode);
    }
    for (name, value) in case["env"].as_object().unwrap() {
        settings = settings.with_variable(name, value.as_str().unwrap());
    }
    let mut world = World::new(services::any);
    for (path, content) in case["fs"].as_object().unwrap() {
        // The cases name files of the folder that the process is in.
        let path = std::path::absolute(path).unwrap();
        world = world.with_file(path.to_str().unwrap(), content.as_str().unwrap());
    }
    let world = Arc::new(world);
    let found = world.look_up(settings, PRIVATE).await;
    let requests = world.requests();

    let error = match (case["result"]["Ok"].as_str(), case["result"]["Err"].as_str()) {
        (Some(url), None) => {
            found.map_err(|error| format!("expected a token, got {error:?}"))?;
            let base = url.strip_suffix("/latest/api/token").ok_or("the case expects another path")?;
            let [metadata @ .., for_token] = &requests[..] else { return Err("no requests".to_owned()) };
            check_metadata(metadata, base)?;
            return check_registry_token(for_token, &given(2)).map(drop);
        }
        (None, Some(error)) => error,
        _ => return Err("the case expects neither a url nor an error".to_owned()),
    };
    // The errors are texts for people: these are ours for what they mean.
    let expected = match error.split('`').collect::<Vec<_>>()[..] {
        ["", mode, " is not a valid endpoint mode"] => format!(" is '{mode}': set it to IPv4 or IPv6"),
        ["invalid uri character"] => "AWS_EC2_METADATA_SERVICE_ENDPOINT is not a usable URL".to_owned(),
        _ => return Err(format!("the case expects an error that the runner does not know, {error}")),
    };
    same("requests", &requests.len(), &0)?;
    match found {
        Err(Error::Invalid(text)) if text.contains(&expected) => Ok(()),
        other => Err(format!("expected {expected:?}, got {other:?}")),
    }
}
