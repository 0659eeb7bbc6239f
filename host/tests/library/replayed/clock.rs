//! Clocks that are wrong: the cases of aws-runtime. A case's operation is a call of STS; what it leaves behind is seen in the call
//! of ECR that follows it. After one that ends the lookup, nobody can see it.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use keyward_ecr::time::Timestamp;
use keyward_testbed::vectors::{self, Family, items, same};
use serde_json::Value;

use super::services::{self, action, header};
use crate::common::PRIVATE;
use crate::world::{Answer, World, settings, time};

/// A profile that leads to STS.
const ROLE: &str = "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = default\n\
                    aws_access_key_id = id\naws_secret_access_key = secret\n";

#[tokio::test(start_paused = true)]
async fn requests_are_signed_for_the_time_of_the_server() {
    let document = vectors::json("retry/clock-skew.json");
    let mut family = Family::new("clock skew through the component", 6).leaving_out(1);
    for case in items(&document["tests"]) {
        let name = case["description"].as_str().unwrap();
        let operations = items(&case["operations"]);
        if operations.iter().any(|operation| operation["initialClientSkew"] != 0) {
            family.not_run(name, "it begins with a skew, and every lookup begins anew");
        } else {
            family.outcome(name, check(operations).await);
        }
    }
    family.finish("");
}

async fn check(operations: &[Value]) -> Result<(), String> {
    for operation in operations {
        check_operation(operation).await?;
    }
    Ok(())
}

async fn check_operation(operation: &Value) -> Result<(), String> {
    let attempts = items(&operation["attempts"]).to_vec();
    let at = |attempt: &Value, name: &str| time(attempt[name].as_str().unwrap());
    let first = at(&attempts[0], "clientTimeAtSend");
    let last = at(attempts.last().unwrap(), "clientTimeAtReceive");
    let rounds =
        attempts.iter().flat_map(|attempt| ["clientTimeAtSend", "clientTimeAtReceive"].map(|name| at(attempt, name)));
    // The session's name has a time too. When ECR is asked, no more time has passed.
    let times: Vec<_> = [first].into_iter().chain(rounds).chain([last]).collect();
    let answers = attempts.clone();
    let world = World::new(move |request, place| answer(answers.get(place), request, place));
    let world = Arc::new(world.with_clock(times).with_file("/h/.aws/config", ROLE));
    let found = world.look_up(settings(), PRIVATE).await;

    let is_success = operation["expectedOutcome"] == "success";
    same("success", &found.is_ok(), &is_success).map_err(|difference| format!("{difference} ({found:?})"))?;
    let mut expected: Vec<String> =
        attempts.iter().map(|attempt| basic_format(attempt["expectedSigningTime"].as_str().unwrap())).collect();
    if is_success {
        let skew = operation["expectedClientSkew"].as_i64().unwrap();
        let time = Timestamp { seconds: last.as_secs() }.shifted_by(skew).unwrap();
        expected.push(basic_format(&time.rfc3339()));
    }
    let requests = world.requests();
    let signed = requests.iter().map(|request| header(request, "x-amz-date").unwrap().to_owned());
    same("signing times", &signed.collect(), &expected)?;
    same("times that the clock has not shown", &world.times_left(), &0)
}

/// The answer of an attempt's server, to a call of STS.
fn answer(attempt: Option<&Value>, request: &Request<Bytes>, place: usize) -> Answer {
    let Some(attempt) = attempt.filter(|_| action(request).is_some()) else { return services::any(request, place) };
    let expected = &attempt["response"];
    let (mut head, body) = services::any(request, place)?.into_parts();
    head.status = u16::try_from(expected["statusCode"].as_u64().unwrap()).unwrap().try_into().unwrap();
    let body = match expected["errorCode"].as_str() {
        Some(code) => format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>").into(),
        None => body,
    };
    for (name, value) in expected["headers"].as_object().unwrap() {
        let name: http::HeaderName = name.parse().unwrap();
        head.headers.insert(name, value.as_str().unwrap().parse().unwrap());
    }
    Ok(Response::from_parts(head, body))
}

/// A time of RFC 3339 as signatures have it.
fn basic_format(time: &str) -> String {
    time.replace(['-', ':'], "")
}
