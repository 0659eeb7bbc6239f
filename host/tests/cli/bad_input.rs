//! Input that is no registry's address: a clear error or "not found", and never a crash, a secret or a request.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use keyward_testbed::FakeAws;

use crate::harness::{Call, NOT_FOUND, PRIVATE};

fn addresses_of_others() -> Vec<Vec<u8>> {
    let mut inputs: Vec<Vec<u8>> = [
        "user:password@123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "https://user:password@123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com.example.com",
        "https://example.com/123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "example.com#123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com@example.com",
        "public.ecr.aws.example.com",
        "http://123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "../../etc/passwd",
        "$(id)",
        "%s%n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    inputs.push((1..=255).collect());
    inputs.push(b"\xff\xfe".to_vec());
    inputs.push(b"docker.io\0".to_vec());
    inputs.push(vec![b'a'; 60_000]);
    inputs
}

#[test]
fn the_helper_says_not_found_of_what_is_not_ours() {
    let fake = FakeAws::start();
    for input in addresses_of_others() {
        let outcome = Call::helper(&["get"]).against(&fake).input(input.clone()).run();
        assert_eq!((outcome.status, outcome.output.as_str()), (1, NOT_FOUND), "{}", String::from_utf8_lossy(&input));
    }
    assert_eq!(fake.connections_accepted(), 0);
}

#[test]
fn the_helper_takes_several_lines_for_one_address_as_others_do() {
    let fake = FakeAws::start();
    let (begin, end) = PRIVATE.split_at(20);
    let outcome = Call::helper(&["get"]).against(&fake).input(format!("{begin}\n{end}\n")).run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let outcome = Call::helper(&["get"]).against(&fake).input(format!("{PRIVATE}\n{PRIVATE}\n")).run();
    assert_eq!((outcome.status, outcome.output.as_str()), (1, NOT_FOUND));
}

#[test]
fn the_helper_refuses_empty_and_endless_input() {
    for input in ["", " ", "\n\n\n", "\t\r\n"] {
        let outcome = Call::helper(&["get"]).input(input).run();
        assert_eq!((outcome.status, outcome.output.as_str()), (1, "no credentials server URL\n"));
    }
    let outcome = Call::helper(&["get"]).input(vec![b'a'; 10 * 1024 * 1024]).run();
    assert_eq!((outcome.status, outcome.output.as_str()), (1, "bufio.Scanner: token too long\n"));
    let outcome = Call::helper(&["get"]).input(b"a\n".repeat(1024 * 1024)).run();
    assert_eq!(outcome.status, 1);
    assert!(outcome.output.starts_with("the input is longer than 1048576 bytes"), "{outcome:?}");
}

#[test]
fn get_says_of_what_is_not_ours_that_it_is_not() {
    let fake = FakeAws::start();
    for input in addresses_of_others() {
        // An argument can hold neither a zero byte nor, beyond some kilobytes, everything.
        if input.contains(&0) {
            continue;
        }
        let outcome = Call::keyward(&["get", "--"]).argument(OsStr::from_bytes(&input)).against(&fake).run();
        // Not UTF-8: clap refuses the argument.
        let expected = if std::str::from_utf8(&input).is_ok() { 3 } else { 2 };
        assert_eq!((outcome.status, outcome.output.as_str()), (expected, ""), "{outcome:?}");
        assert!(outcome.errors.starts_with("error: "), "{outcome:?}");
    }
    for input in ["", " ", "\n"] {
        assert_eq!(Call::keyward(&["get", input]).against(&fake).run().status, 3);
    }
    assert_eq!(fake.connections_accepted(), 0);
}

/// The variables that a lookup sees may hold anything too.
#[test]
fn settings_that_make_no_sense_are_clear_errors() {
    let fake = FakeAws::start();
    for (variable, value, text) in [
        ("AWS_ENDPOINT_URL", "not a url", "AWS_ENDPOINT_URL is not a usable URL"),
        ("AWS_ENDPOINT_URL_ECR", "https://user:hunter2@example.com", "it has user information"),
        ("AWS_USE_FIPS_ENDPOINT", "maybe", "AWS_USE_FIPS_ENDPOINT is 'maybe': set it to true or false"),
        ("SSL_CERT_FILE", "/no/such/file", "SSL_CERT_FILE names /no/such/file"),
        ("AWS_CA_BUNDLE", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "has no certificate in it"),
    ] {
        let outcome = Call::keyward(&["get", PRIVATE]).against(&fake).variable(variable, value).run();
        assert_eq!(outcome.status, 8, "{variable}: {outcome:?}");
        assert!(outcome.errors.contains(text) && !outcome.errors.contains("hunter2"), "{outcome:?}");
    }
}

#[test]
fn what_cannot_be_allowed_is_named_and_nothing_is_asked() {
    let fake = FakeAws::start();
    let text = |wrong: &str| {
        let example = "give scheme, host and port, as in https://ecr.example:8443";
        format!("'{wrong}' is not a destination that can be allowed: {example}\n")
    };
    for (given, wrong) in [
        ("ecr.example:8443", "ecr.example:8443"),
        ("ftp://ecr.example", "ftp://ecr.example"),
        ("https://ecr.example,nonsense", "nonsense"),
        ("https://", "https://"),
        ("https://user:hunter2@ecr.example/", "https://***@ecr.example/"),
    ] {
        let outcome = Call::keyward(&["get", PRIVATE, "--allow", given]).against(&fake).run();
        assert_eq!((outcome.status, outcome.output.as_str()), (8, ""), "{outcome:?}");
        assert_eq!(outcome.errors, format!("error: {}", text(wrong)));
        let outcome = Call::keyward(&["get", PRIVATE]).against(&fake).variable("KEYWARD_ALLOW", given).run();
        assert_eq!((outcome.status, outcome.errors), (8, format!("error: {}", text(wrong))));
        let outcome = Call::helper(&["get"]).input(PRIVATE).against(&fake).variable("KEYWARD_ALLOW", given).run();
        assert_eq!((outcome.status, outcome.output, outcome.errors), (1, text(wrong), text(wrong)));
    }
    assert_eq!(fake.connections_accepted(), 0);
}

/// Service managers and scripts set variables to nothing where others unset them.
#[test]
fn an_empty_setting_is_none() {
    let fake = FakeAws::start();
    for setting in ["KEYWARD_ALLOW", "KEYWARD_DEADLINE"] {
        for call in [Call::keyward(&["get", PRIVATE]), Call::helper(&["get"]).input(PRIVATE)] {
            let outcome = call.against(&fake).variable(setting, "").run();
            assert_eq!(outcome.status, 0, "{setting}: {outcome:?}");
        }
    }
}

/// With a variable of a shell that is not set, the lookup would otherwise be that of another identity.
#[test]
fn an_argument_that_names_an_identity_is_not_empty() {
    let fake = FakeAws::start();
    for argument in ["--profile", "--role-arn", "--region"] {
        let outcome = Call::keyward(&["get", PRIVATE, argument, ""]).against(&fake).run();
        assert_eq!((outcome.status, outcome.output.as_str()), (2, ""), "{outcome:?}");
    }
    for argument in ["--external-id", "--session-name"] {
        let outcome = Call::keyward(&["get", PRIVATE, "--role-arn", "arn", argument, ""]).against(&fake).run();
        assert_eq!((outcome.status, outcome.output.as_str()), (2, ""), "{outcome:?}");
    }
    assert_eq!(fake.connections_accepted(), 0);
}

/// A wrong key is a secret too: whose it is, nobody knows.
#[test]
fn a_value_that_cannot_be_sent_is_not_repeated() {
    let fake = FakeAws::start();
    let outcome =
        Call::keyward(&["get", PRIVATE]).against(&fake).variable("AWS_SESSION_TOKEN", "hunter2\u{7}\nhunter3").run();
    assert_ne!(outcome.status, 0);
    assert!(!outcome.errors.contains("hunter2") && !outcome.errors.contains("hunter3"), "{outcome:?}");
}
