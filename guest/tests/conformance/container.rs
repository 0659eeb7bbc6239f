//! Where credentials beside a container are asked for: the cases of aws-config and of botocore.

use keyward_ecr::source::container;
use keyward_testbed::vectors::{self, Family, same};
use serde_json::{Value, json};

use crate::metadata_world::first_url;

#[test]
fn the_uris_of_a_container_lead_where_the_aws_sdk_for_rust_goes() {
    let document = vectors::json("container/uris-and-errors.json");
    let mut family = Family::new("container uris", 11);
    for case in vectors::items(&document["tests"]) {
        family.case(case["docs"].as_str().expect("every case has a name"), || check(case));
    }
    family.finish("");
}

fn check(case: &Value) -> Result<(), String> {
    let url = first_url(container::find, &case["env"], &json!({}));
    let expected = match case["result"]["ErrorContains"].as_str() {
        None => return same("url", &url?.as_str(), &case["result"]["Ok"].as_str().ok_or("the case expects no url")?),
        // The errors are texts for people: these are ours for what they mean.
        Some("No environment variables were set to configure ECS provider") => "not configured: ",
        Some("URI did not specify a host") => "invalid: AWS_CONTAINER_CREDENTIALS_FULL_URI is unusable: ",
        Some(unknown) => return Err(format!("the case expects an error that the runner does not know, {unknown}")),
    };
    match url {
        Err(error) if error.starts_with(expected) => Ok(()),
        other => Err(format!("expected {expected:?}, got {other:?}")),
    }
}

#[test]
fn without_tls_the_hosts_are_asked_that_botocore_asks() {
    let mut family = Family::new("container hosts", 11);
    for row in vectors::text("container/uris.tsv").lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [_, uri, allowed, ..] = columns[..] else { panic!("{row}") };
        family.case(uri, || {
            let url = first_url(container::find, &json!({ "AWS_CONTAINER_CREDENTIALS_FULL_URI": uri }), &json!({}));
            match (allowed, url) {
                // A request always has a path.
                ("yes", url) => same("url", &url?.trim_end_matches('/'), &uri),
                ("no", Err(error)) if error.contains("without TLS only ") => Ok(()),
                (allowed, other) => Err(format!("expected {allowed:?}, got {other:?}")),
            }
        });
    }
    family.finish("");
}
