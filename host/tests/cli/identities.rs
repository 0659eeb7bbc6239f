//! `keyward get` with every way in which a machine can have credentials.

#[cfg(target_os = "linux")]
use std::process::Command;

use keyward_testbed::{DEFAULT_ACCOUNT, Identities, Identity, SECRET_MARK, private_password};

use crate::harness::{Call, Outcome, PRIVATE};

fn get(identities: &Identities, identity: &Identity, arguments: &[&str]) -> Outcome {
    let arguments = [&["get", PRIVATE, "--format", "password"], arguments].concat();
    // The harness turns it off, so that no test asks the machine that it runs on.
    let call = Call::keyward(&arguments).variable("AWS_EC2_METADATA_DISABLED", "false");
    let variables = identities.variables().into_iter().chain(identity.variables.clone());
    variables.fold(call, |call, (name, value)| call.variable(name, value)).run()
}

#[test]
fn every_way_to_have_credentials_gets_a_token_with_the_requests_that_it_takes_and_no_other() {
    let identities = Identities::start();
    for identity in identities.all() {
        let before = identities.asked().len();
        let permission: &[&str] = if identity.runs_program { &["--allow-process"] } else { &[] };
        let outcome = get(&identities, &identity, permission);
        assert_eq!(outcome.errors, "", "{}", identity.name);
        assert_eq!(
            outcome.output,
            format!("{}\n", private_password(DEFAULT_ACCOUNT, "us-east-1")),
            "{}",
            identity.name
        );
        assert_eq!(identities.asked().len() - before, identity.requests.len() + 1, "{}", identity.name);
    }
}

#[test]
fn without_permission_no_program_is_run_and_the_error_says_how_to_give_it() {
    let identities = Identities::start();
    let program = identities.all().into_iter().find(|identity| identity.runs_program).unwrap();
    let outcome = get(&identities, &program, &[]);
    assert_eq!((outcome.status, outcome.output.as_str()), (8, ""));
    assert!(outcome.errors.contains("credential_process") && outcome.errors.contains("--allow-process"), "{outcome:?}");
    assert_eq!(identities.asked().len(), 0);
}

/// In a network namespace of its own no address has a route, and that of instance metadata has none either. (Nothing there can be the
/// instance metadata of the machine that the test runs on.) To make one takes root.
#[test]
#[cfg(target_os = "linux")]
fn without_a_network_there_are_no_credentials_and_the_message_lists_every_source_and_what_was_looked_at() {
    let arguments = ["--net", env!("CARGO_BIN_EXE_keyward"), "get", PRIVATE];
    let ended = Command::new("unshare").args(arguments).env_clear().env("HOME", "/nonexistent").output().unwrap();
    let outcome = Outcome::new(ended.status.code().unwrap(), ended.stdout, ended.stderr);
    assert_eq!(outcome.status, 4, "{outcome:?}");
    for source in [
        "environment: AWS_ACCESS_KEY_ID is not set",
        "profile: profile default is not in ~/.aws/config (no such file) or ~/.aws/credentials (no such file)",
        "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set",
        "container: ",
        "instance metadata: the instance metadata service at 169.254.169.254 was not reached: no connection: not reachable",
    ] {
        assert!(outcome.errors.contains(source), "{source}: {}", outcome.errors);
    }
}

/// With services that refuse everything, the messages are of every kind, and no secret is in them.
#[test]
fn no_message_about_a_source_has_a_secret_in_it() {
    for code in ["AccessDenied", "ExpiredTokenException", "Nonsense"] {
        let identities = Identities::start();
        let refusal = keyward_testbed::Answer::aws_error(400, code, &format!("not with {SECRET_MARK}/token"));
        identities.aws.answer_always(refusal.clone());
        identities.metadata.answer_always(refusal);
        for identity in identities.all() {
            let outcome = get(&identities, &identity, &["--allow-process"]);
            assert_ne!(outcome.status, 0, "{}", identity.name);
            assert_eq!(outcome.output, "", "{}", identity.name);
            // What a service repeats of what it was sent is taken out; what it makes up, nobody can know for a secret.
            let said = outcome.errors.replace(&format!("not with {SECRET_MARK}/token"), "");
            assert!(!said.contains(SECRET_MARK), "{}: {said}", identity.name);
        }
    }
}
