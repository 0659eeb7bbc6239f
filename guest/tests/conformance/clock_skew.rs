//! Clocks that are wrong: the cases of aws-runtime.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use keyward_ecr::aws::client::{Call, Client};
use keyward_ecr::context::Context;
use keyward_ecr::settings::{Settings, SharedFiles};
use keyward_ecr::time::Timestamp;
use keyward_ecr::wiped::Wiped;
use keyward_ecr::world::{FileError, HttpError, Local, Method, Patience, Request, Response, Scheme, World};
use keyward_testbed::vectors::{self, Family, items, same};
use serde_json::{Value, json};

#[test]
fn requests_are_signed_for_the_time_of_the_server() {
    let document = vectors::json("retry/clock-skew.json");
    let mut family = Family::new("clock skew", 7);
    for case in items(&document["tests"]) {
        family.case(case["description"].as_str().expect("every case has a name"), || check(case));
    }
    family.finish("");
}

fn check(case: &Value) -> Result<(), String> {
    for operation in items(&case["operations"]) {
        let initial = operation["initialClientSkew"].as_i64().ok_or("the case does not say the skew before")?;
        let attempts = items(&operation["attempts"]);
        let world = Script::of(attempts)?;
        let (files, context) = (SharedFiles::read(&world), Context::default());
        let client =
            Client::new(&world, &Settings::new(&world, &context, &files)).map_err(|error| error.to_string())?;
        let client = client.with_skew(initial);
        let signing_times = RefCell::new(Vec::new());
        let call = Call { name: "operation", secrets: &[], transient_codes: &[], attempts: 3 };
        let outcome = client.call(&call, |time| {
            signing_times.borrow_mut().push(time.rfc3339());
            request()
        });
        let expected = attempts.iter().map(|attempt| attempt["expectedSigningTime"].as_str().unwrap_or_default());
        same("signing times", &signing_times.into_inner(), &expected.map(str::to_owned).collect())?;
        same("skew", &Some(client.skew()), &operation["expectedClientSkew"].as_i64())?;
        let outcome = if outcome.is_ok() { "success" } else { "error" };
        same("outcome", &Some(outcome), &operation["expectedOutcome"].as_str())?;
        same("answers that nobody asked for", &world.answers.borrow().len(), &0)?;
    }
    Ok(())
}

/// A clock that shows what it is told, one time after the other, and answers likewise.
struct Script {
    times: RefCell<VecDeque<Timestamp>>,
    /// What the clock shows after that.
    last: Cell<Timestamp>,
    answers: RefCell<VecDeque<Response>>,
}

impl Script {
    fn of(attempts: &[Value]) -> Result<Self, String> {
        let (mut times, mut answers) = (VecDeque::new(), VecDeque::new());
        for attempt in attempts {
            for time in ["clientTimeAtSend", "clientTimeAtReceive"] {
                let time = attempt[time].as_str().and_then(Timestamp::parse_rfc3339);
                times.push_back(time.ok_or("the case has no time")?);
            }
            let response = &attempt["response"];
            let status = response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
            let headers = response["headers"].as_object().into_iter().flatten();
            let code = response.get("errorCode").map(|code| json!({ "__type": code }).to_string());
            answers.push_back(Response {
                status: status.ok_or("the case has no status")?,
                headers: headers
                    .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap_or_default().to_owned()))
                    .collect(),
                body: Wiped::new(code.unwrap_or_default().into_bytes()),
            });
        }
        Ok(Self {
            times: RefCell::new(times),
            last: Cell::new(Timestamp { seconds: 0 }),
            answers: RefCell::new(answers),
        })
    }
}

impl Local for Script {
    fn environment(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, _path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        Err(FileError::NotFound)
    }
}

impl World for Script {
    fn now(&self) -> Timestamp {
        if let Some(time) = self.times.borrow_mut().pop_front() {
            self.last.set(time);
        }
        self.last.get()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _duration: Duration) {}

    fn random(&self) -> u64 {
        0
    }

    fn http(&self, _request: &Request) -> Result<Response, HttpError> {
        self.answers.borrow_mut().pop_front().ok_or(HttpError::Refused)
    }

    fn replace_file(&self, _path: &str, _content: &[u8]) -> Result<(), FileError> {
        Err(FileError::NotGranted)
    }
}

fn request() -> Request {
    Request {
        method: Method::Get,
        scheme: Scheme::Https,
        authority: "service.test".to_owned(),
        path: "/".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        patience: Patience::default(),
    }
}
