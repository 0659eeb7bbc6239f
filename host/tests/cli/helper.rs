//! docker's credential helper protocol, through the whole program. src/frontend/docker/tests.rs has its details.

use keyward_testbed::{Answer, DEFAULT_ACCOUNT, FakeAws, private_password};

use crate::harness::{Call, NOT_FOUND, PRIVATE};

#[test]
fn get_answers_with_the_address_as_it_was_asked() {
    let fake = FakeAws::start();
    let password = private_password(DEFAULT_ACCOUNT, "us-east-1");
    for address in [PRIVATE.to_owned(), format!("https://{PRIVATE}/v2/"), format!("{PRIVATE}:443")] {
        let outcome = Call::helper(&["get"]).against(&fake).input(format!("{address}\n")).run();
        let expected = format!("{{\"ServerURL\":\"{address}\",\"Username\":\"AWS\",\"Secret\":\"{password}\"}}\n");
        assert_eq!((outcome.status, outcome.output, outcome.errors.as_str()), (0, expected, ""));
    }
}

#[test]
fn not_found_is_said_for_other_registries_alone_and_for_missing_credentials_with_the_detail() {
    let fake = FakeAws::start();
    let other = Call::helper(&["get"]).against(&fake).input("docker.io").run();
    // docker shows its user what stands on the standard error stream, and nothing is wrong here.
    assert_eq!((other.status, other.output.as_str(), other.errors.as_str()), (1, NOT_FOUND, ""));

    let missing = Call::helper(&["get"]).input(PRIVATE).run();
    assert_eq!((missing.status, missing.output.as_str()), (1, NOT_FOUND));
    assert!(missing.errors.contains("AWS_ACCESS_KEY_ID is not set"), "{missing:?}");
}

/// Said of a failure, "not found" makes docker pull anonymously and hides the cause.
#[test]
fn a_failure_is_never_not_found() {
    let fake = FakeAws::start();
    for (answer, text) in [
        (Answer::aws_error(400, "AccessDeniedException", "no"), "AccessDeniedException"),
        (Answer::aws_error(400, "ThrottlingException", "slower"), "ThrottlingException"),
        (Answer::aws_error(500, "ServerException", "oh"), "ServerException"),
        (Answer::DropConnection, "the connection was closed"),
        (Answer::Raw { status: 200, headers: Vec::new(), body: b"<html>".to_vec() }, "not JSON"),
    ] {
        fake.answer_next(answer);
        let call = Call::helper(&["get"]).against(&fake).variable("AWS_MAX_ATTEMPTS", "1");
        let outcome = call.input(PRIVATE).run();
        assert_eq!((outcome.status, outcome.output.lines().count()), (1, 1), "{outcome:?}");
        assert!(outcome.output.contains(text) && outcome.output != NOT_FOUND, "{outcome:?}");
        assert_eq!(outcome.errors, outcome.output);
    }
}

#[test]
fn the_deadline_comes_from_the_environment() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    let get = || Call::helper(&["get"]).against(&fake).input(PRIVATE);
    let outcome = get().variable("KEYWARD_DEADLINE", "0.3").run();
    assert!(outcome.output.starts_with("no credential within 300ms"), "{outcome:?}");
    let outcome = get().variable("KEYWARD_DEADLINE", "soon").run();
    assert_eq!(
        (outcome.status, outcome.output.as_str()),
        (1, "KEYWARD_DEADLINE is 'soon' (not a number): set it to seconds\n")
    );
}

#[test]
fn the_other_actions_work_without_a_network() {
    let version = concat!("docker-credential-keyward (keyward) ", env!("CARGO_PKG_VERSION"), "\n");
    let usage = "Usage: docker-credential-keyward <store|get|erase|list|version>\n";
    let credentials = r#"{"ServerURL":"r.example","Username":"AWS","Secret":"s"}"#;
    for (arguments, input, status, output) in [
        (&["store"][..], credentials, 0, ""),
        (&["erase"], "r.example", 0, ""),
        (&["list"], "unused", 0, "{}\n"),
        (&["version"], "", 0, version),
        (&["--help"], "", 0, usage),
        (&[], "", 1, usage),
        (&["erase"], "", 1, "no credentials server URL\n"),
        (&["guess"], "", 1, "docker-credential-keyward: unknown action: guess\n"),
    ] {
        let outcome = Call::helper(arguments).input(input).run();
        assert_eq!(
            (outcome.status, outcome.output.as_str(), outcome.errors.as_str()),
            (status, output, ""),
            "{arguments:?}"
        );
    }
}
