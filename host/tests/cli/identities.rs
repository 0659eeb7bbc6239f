//! `keyward get` with every way in which a machine can have credentials.

use keyward_testbed::{DEFAULT_ACCOUNT, Identities, Identity, SECRET_MARK, private_password};

use crate::harness::{Call, Outcome, PRIVATE};

fn get(identities: &Identities, identity: &Identity, arguments: &[&str]) -> Outcome {
    let arguments = [&["get", PRIVATE, "--format", "password"], arguments].concat();
    let variables = identities.variables().into_iter().chain(identity.variables.clone());
    variables.fold(Call::keyward(&arguments), |call, (name, value)| call.variable(name, value)).run()
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
