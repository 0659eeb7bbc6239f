//! The credential helper's settings: flags of `keyward docker`, Keyward's variables and those of Amazon's own helper.

use keyward_testbed::{Answer, DEFAULT_ACCOUNT, FakeAws, private_password};

use crate::harness::{Call, NOT_FOUND, PRIVATE};

const CREDENTIALS: &str = r#"{"ServerURL":"r.example","Username":"AWS","Secret":"s"}"#;

#[test]
fn a_wrapper_sets_options_and_hands_on_the_action() {
    let fake = FakeAws::start();
    let secret = private_password(DEFAULT_ACCOUNT, "us-east-1");
    let outcome = Call::keyward(&["docker", "--deadline", "20", "get"]).against(&fake).input(PRIVATE).run();
    let expected = format!("{{\"ServerURL\":\"{PRIVATE}\",\"Username\":\"AWS\",\"Secret\":\"{secret}\"}}\n");
    assert_eq!((outcome.status, outcome.output, outcome.errors.as_str()), (0, expected, ""));

    fake.answer_always(Answer::Silence);
    let outcome = Call::keyward(&["docker", "--deadline", "0.3", "get"]).against(&fake).input(PRIVATE).run();
    assert!(outcome.status == 1 && outcome.output.starts_with("no credential within 300ms"), "{outcome:?}");
}

#[test]
fn under_the_name_of_the_command_the_protocol_is_the_same() {
    let version = concat!("docker-credential-keyward (keyward) ", env!("CARGO_PKG_VERSION"), "\n");
    let usage = "Usage: docker-credential-keyward <store|get|erase|list|version>\n";
    for (arguments, input, status, output) in [
        (&["docker", "version"][..], "", 0, version),
        (&["docker", "list"], "unused", 0, "{}\n"),
        (&["docker", "store"], CREDENTIALS, 0, ""),
        (&["docker", "erase"], "r.example", 0, ""),
        (&["docker", "erase"], "", 1, "no credentials server URL\n"),
        (&["docker", "guess"], "", 1, "docker-credential-keyward: unknown action: guess\n"),
        (&["docker"], "", 1, usage),
        (&["docker", "get", "r.example"], "", 1, usage),
    ] {
        let outcome = Call::keyward(arguments).input(input).run();
        let said = (outcome.status, outcome.output.as_str(), outcome.errors.as_str());
        assert_eq!(said, (status, output, ""), "{arguments:?}");
    }
}

/// For chains of helpers that go on only then.
#[test]
fn every_failure_is_not_found_where_that_is_wanted() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::aws_error(400, "AccessDeniedException", "no"));
    for call in [
        Call::helper(&["get"]).variable("KEYWARD_COMPAT", "1"),
        Call::keyward(&["docker", "get"]).variable("KEYWARD_COMPAT", "true"),
        Call::keyward(&["docker", "--compat", "get"]),
        Call::keyward(&["docker", "--compat", "get"]).variable("KEYWARD_COMPAT", "0"),
    ] {
        let outcome = call.against(&fake).input(PRIVATE).run();
        assert_eq!((outcome.status, outcome.output.as_str()), (1, NOT_FOUND));
        assert!(outcome.errors.contains("AccessDeniedException"), "{outcome:?}");
    }
    for call in [Call::helper(&["get"]).variable("KEYWARD_COMPAT", "0"), Call::keyward(&["docker", "get"])] {
        let outcome = call.against(&fake).input(PRIVATE).run();
        assert!(outcome.status == 1 && outcome.output.contains("AccessDeniedException"), "{outcome:?}");
    }
}

/// They stay wrong until somebody sees it.
#[test]
fn wrong_settings_are_never_not_found() {
    for (name, value, said) in [
        ("KEYWARD_DEADLINE", "soon", "KEYWARD_DEADLINE is 'soon' (not a number): set it to seconds\n"),
        ("KEYWARD_STORE", "keep", "KEYWARD_STORE is 'keep': set it to ignore or refuse\n"),
    ] {
        let call = Call::helper(&["get"]).variable("KEYWARD_COMPAT", "1").variable(name, value).input(PRIVATE);
        let outcome = call.run();
        assert_eq!((outcome.status, outcome.output.as_str()), (1, said));
    }
    let outcome = Call::helper(&["get"]).variable("KEYWARD_COMPAT", "perhaps").input(PRIVATE).run();
    assert_eq!(outcome.output, "KEYWARD_COMPAT is 'perhaps': set it to 1 or 0\n");
    let outcome = Call::helper(&["version"]).variable("KEYWARD_COMPAT", "perhaps").run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
}

#[test]
fn what_clients_want_to_be_kept_is_ignored_or_refused_as_the_variables_say() {
    const OTHERS: &str = "AWS_ECR_IGNORE_CREDS_STORAGE";
    for (variables, is_refused) in [
        (&[][..], false),
        (&[("KEYWARD_STORE", "ignore")], false),
        (&[("KEYWARD_STORE", "refuse")], true),
        (&[("KEYWARD_STORE", ""), (OTHERS, "")], false),
        (&[(OTHERS, "true")], false),
        (&[(OTHERS, "false")], true),
        (&[(OTHERS, "TRUE")], true),
        (&[("KEYWARD_STORE", "ignore"), (OTHERS, "false")], false),
        (&[("KEYWARD_STORE", "refuse"), (OTHERS, "true")], true),
    ] {
        for (action, input) in [("store", CREDENTIALS), ("erase", "r.example")] {
            let call = variables.iter().fold(Call::helper(&[action]), |call, (name, value)| call.variable(name, value));
            let outcome = call.input(input).run();
            let expected = if is_refused { (1, "not implemented\n") } else { (0, "") };
            assert_eq!((outcome.status, outcome.output.as_str()), expected, "{action} {variables:?}");
        }
    }
}
