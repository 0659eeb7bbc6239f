//! Where EC2's instance metadata is asked for: the cases of aws-config.

use keyward_ecr::source::imds;
use keyward_testbed::vectors::{self, Family, same};
use serde_json::{Value, json};

use crate::metadata_world::first_url;

#[test]
fn the_settings_of_instance_metadata_lead_where_the_aws_sdk_for_rust_goes() {
    let document = vectors::json("imds/endpoint.json");
    let mut family = Family::new("instance metadata endpoints", 12).leaving_out(2);
    for case in vectors::items(&document["tests"]) {
        let name = case["docs"].as_str().expect("every case has a name");
        match name {
            "explicit endpoint override" | "explicit mode override" => {
                family.not_run(
                    name,
                    "the override is an argument of the SDK's own interface, and Keyward has settings alone",
                );
            }
            _ => family.case(name, || check(case)),
        }
    }
    family.finish("");
}

fn check(case: &Value) -> Result<(), String> {
    let mut environment = case["env"].clone();
    // Where this argument has to give way to a variable, it may as well come as one.
    if let Some(mode) = case["mode_override"].as_str() {
        environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = json!(mode);
    }
    let url = first_url(imds::find, &environment, &case["fs"]);
    let error = match (case["result"]["Ok"].as_str(), case["result"]["Err"].as_str()) {
        (Some(expected), None) => return same("url", &url?.as_str(), &expected),
        (None, Some(error)) => error,
        _ => return Err("the case expects neither a url nor an error".to_owned()),
    };
    // The errors are texts for people: these are ours for what they mean.
    let expected = match error.split('`').collect::<Vec<_>>()[..] {
        ["", mode, " is not a valid endpoint mode"] => format!(" is '{mode}': set it to IPv4 or IPv6"),
        ["invalid uri character"] => "AWS_EC2_METADATA_SERVICE_ENDPOINT is not a usable URL".to_owned(),
        _ => return Err(format!("the case expects an error that the runner does not know, {error}")),
    };
    match url {
        Err(error) if error.starts_with("invalid: ") && error.contains(&expected) => Ok(()),
        other => Err(format!("expected {expected:?}, got {other:?}")),
    }
}
