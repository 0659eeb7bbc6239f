//! Error answers: the cases of botocore's protocol tests.

use keyward_ecr::aws::failure::Failure;
use keyward_ecr::wiped::Wiped;
use keyward_ecr::world::Response;
use keyward_testbed::vectors::{self, Family, same};
use serde_json::Value;

#[test]
fn errors_in_json_are_found_where_the_protocol_puts_them() {
    run(Family::new("errors in json", 8), "errors/json.json");
}

#[test]
fn errors_of_a_rest_service_are_found_where_the_protocol_puts_them() {
    run(Family::new("errors of a rest service", 8), "errors/rest-json.json");
}

#[test]
fn errors_in_xml_are_found_where_the_protocol_puts_them() {
    run(Family::new("errors in xml", 2), "errors/query.json");
}

fn run(mut family: Family, file: &str) {
    let document = vectors::json(file);
    for case in vectors::items(&document) {
        family.case(case["id"].as_str().expect("every case has a name"), || check(case));
    }
    family.finish("");
}

fn check(case: &Value) -> Result<(), String> {
    let failure = Failure::parse(&response(&case["response"])?);
    same("status", &Some(u64::from(failure.status)), &case["response"]["status_code"].as_u64())?;
    same("code", &failure.code.as_deref(), &case["errorCode"].as_str())?;
    same("message", &failure.message.as_deref(), &case["errorMessage"].as_str())
}

fn response(expected: &Value) -> Result<Response, String> {
    let status = expected["status_code"].as_u64().and_then(|status| u16::try_from(status).ok());
    let headers = expected["headers"].as_object().ok_or("the case has no headers")?;
    Ok(Response {
        status: status.ok_or("the case has no status")?,
        headers: headers
            .iter()
            // The host hands names over in lower case.
            .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
        // A case without a body is an answer with an empty one.
        body: Wiped::new(expected["body"].as_str().unwrap_or_default().as_bytes().to_vec()),
    })
}
