//! `keyward get` and `keyward version`.

use keyward_testbed::{Answer, DEFAULT_ACCOUNT, FakeAws, private_password, public_password};

use crate::harness::{Call, PRIVATE};

#[test]
fn every_format_prints_the_credential() {
    let fake = FakeAws::start();
    let password = private_password(DEFAULT_ACCOUNT, "us-east-1");
    let get = |format: &[&str]| {
        let arguments = [&["get", PRIVATE], format].concat();
        let outcome = Call::keyward(&arguments).against(&fake).run();
        assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{format:?}");
        outcome.output
    };
    let docker = format!("{{\"ServerURL\":\"{PRIVATE}\",\"Username\":\"AWS\",\"Secret\":\"{password}\"}}\n");
    assert_eq!(get(&[]), docker);
    assert_eq!(get(&["--format", "docker"]), docker);
    assert_eq!(get(&["--format", "password"]), format!("{password}\n"));
    let json: serde_json::Value = serde_json::from_str(&get(&["--format", "json"])).unwrap();
    assert_eq!(json["registry"], PRIVATE);
    assert_eq!((json["username"].as_str(), json["password"].as_str()), (Some("AWS"), Some(password.as_str())));
    assert!(json["expiresAt"].is_u64(), "{json}");
    let header = get(&["--format", "header"]);
    assert!(header.starts_with("Authorization: Basic QVdTOm"), "{header}");
}

#[test]
fn the_public_registry_works_too() {
    let fake = FakeAws::start();
    let outcome = Call::keyward(&["get", "--format", "password", "public.ecr.aws/amazonlinux"]).against(&fake).run();
    assert_eq!((outcome.status, outcome.output), (0, format!("{}\n", public_password())));
}

#[test]
fn the_exit_status_says_what_to_do_next() {
    let fake = FakeAws::start();
    for (answer, status) in [
        (Answer::aws_error(400, "AccessDeniedException", "no"), 5),
        (Answer::aws_error(400, "ThrottlingException", "slower"), 6),
        (Answer::aws_error(500, "ServerException", "oh"), 7),
        (Answer::aws_error(400, "InvalidParameterException", "what"), 8),
        (Answer::Silence, 9),
    ] {
        fake.answer_next(answer);
        let call = Call::keyward(&["get", PRIVATE, "--deadline", "0.5"]).against(&fake);
        let outcome = call.variable("AWS_MAX_ATTEMPTS", "1").run();
        assert_eq!((outcome.status, outcome.output.as_str()), (status, ""), "{outcome:?}");
        assert!(outcome.errors.starts_with("error: ") && outcome.errors.lines().count() == 1, "{outcome:?}");
    }
    assert_eq!(Call::keyward(&["get", "docker.io"]).run().status, 3);
    assert_eq!(Call::keyward(&["get", PRIVATE]).run().status, 4);
    assert_eq!(Call::keyward(&["get"]).run().status, 2);
    assert_eq!(Call::keyward(&["get", PRIVATE, "--deadline", "never"]).run().status, 2);
}

#[test]
fn a_lookup_that_is_too_slow_says_what_it_waited_for() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    let outcome = Call::keyward(&["get", PRIVATE, "--deadline", "0.3"]).against(&fake).run();
    let text = format!("error: no credential within 300ms, while it waited for the answer of {} for 0.", fake.url());
    assert!(outcome.errors.starts_with(&text), "{outcome:?}");
    fake.wait_until("the connection is closed", |fake| fake.connections_open() == 0);
}

#[test]
fn the_deadline_may_come_from_the_environment_too() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    let get = || Call::keyward(&["get", PRIVATE]).against(&fake);
    let outcome = get().variable("KEYWARD_DEADLINE", "0.3").run();
    assert!(outcome.errors.starts_with("error: no credential within 300ms"), "{outcome:?}");
    let outcome = get().variable("KEYWARD_DEADLINE", "5s").run();
    assert_eq!(outcome.status, 8, "{outcome:?}");
    assert_eq!(outcome.errors, "error: KEYWARD_DEADLINE is '5s' (not a number): set it to seconds\n");
    let outcome =
        Call::keyward(&["get", PRIVATE, "--deadline", "0.2"]).against(&fake).variable("KEYWARD_DEADLINE", "60").run();
    assert!(outcome.errors.starts_with("error: no credential within 200ms"), "{outcome:?}");
}

#[test]
fn the_version_is_that_of_the_package() {
    let outcome = Call::keyward(&["version"]).run();
    assert_eq!(outcome.output, concat!("keyward ", env!("CARGO_PKG_VERSION"), "\n"));
}
