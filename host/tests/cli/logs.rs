//! What the command logs: nothing unless it is asked for, on the standard error stream alone, and never a secret.

use std::collections::BTreeSet;
use std::fs::{self, File};

use keyward_testbed::{AccessKeys, Answer, DEFAULT_ACCOUNT, FakeAws, PASSWORD_MARK, private_password};
use serde_json::Value;

use crate::harness::{Call, PRIVATE};

const SECRET: &str = "the-secret-access-key-that-nobody-may-see";
const TOKEN: &str = "the-session-token-that-nobody-may-see";

fn get(fake: &FakeAws, arguments: &[&str]) -> Call {
    Call::keyward(&[&["get", PRIVATE, "--format", "password"], arguments].concat()).against(fake)
}

/// Each line as the object that it is.
fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn messages(lines: &[Value]) -> BTreeSet<&str> {
    lines.iter().map(|line| line["message"].as_str().unwrap()).collect()
}

#[test]
fn nothing_is_logged_unless_it_is_asked_for() {
    let fake = FakeAws::start();
    for call in [
        get(&fake, &[]),
        get(&fake, &["--log", "off"]),
        get(&fake, &["--log-format", "json"]),
        get(&fake, &["--log", "off"]).variable("KEYWARD_LOG", "debug"),
        // What others mean by it is nothing here.
        get(&fake, &[]).variable("RUST_LOG", "trace"),
    ] {
        let outcome = call.run();
        assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""));
    }
}

#[test]
fn once_is_a_line_for_each_lookup_and_twice_is_its_requests_too() {
    let fake = FakeAws::start();
    let outcome = get(&fake, &["-v"]).run();
    let expected = format!("{}\n", private_password(DEFAULT_ACCOUNT, "us-east-1"));
    assert_eq!((outcome.status, outcome.output), (0, expected.clone()));
    let lines: Vec<&str> = outcome.errors.lines().collect();
    let [line] = lines[..] else { panic!("{lines:?}") };
    for part in [" INFO lookup{", PRIVATE, "outcome=\"found\"", "cache=\"miss\"", "requests=1", "the lookup is over"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    let outcome = get(&fake, &["-vv"]).run();
    assert_eq!((outcome.status, &outcome.output), (0, &expected));
    assert!(outcome.errors.contains("DEBUG") && outcome.errors.contains(&fake.url()), "{outcome:?}");
    assert_eq!(outcome.errors.matches("the lookup is over").count(), 1);
    assert!(outcome.errors.contains("the request is over"), "{outcome:?}");
}

#[test]
fn of_several_registries_each_has_a_line_and_so_has_what_nobody_is_asked_for() {
    let fake = FakeAws::start();
    let outcome = get(&fake, &["docker.io", "--log", "info", "--log-format", "json"]).run();
    assert_eq!(outcome.status, 13, "{outcome:?}");
    let logged: Vec<&str> = outcome.errors.lines().filter(|line| line.starts_with('{')).collect();
    let lines = objects(&logged.join("\n"));
    let told: BTreeSet<_> = lines.iter().map(|line| (line["registry"].as_str(), line["outcome"].as_str())).collect();
    assert_eq!(told, [(Some(PRIVATE), Some("found")), (None, Some("not_our_registry"))].into());

    let outcome = Call::keyward(&["get", "docker.io", "-v"]).run();
    assert_eq!(outcome.status, 3, "{outcome:?}");
    assert!(outcome.errors.contains("outcome=\"not_our_registry\""), "{outcome:?}");
}

#[test]
fn a_program_reads_the_log_line_by_line_with_the_fields_of_a_lookup_beside_each_other() {
    let fake = FakeAws::start();
    let outcome = get(&fake, &["-vv", "--log-format", "json"]).run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let lines = objects(&outcome.errors);
    for line in &lines {
        let timestamp = line["timestamp"].as_str().unwrap();
        assert!(timestamp.starts_with("20") && timestamp.ends_with('Z'), "{line}");
        assert!(["INFO", "DEBUG"].contains(&line["level"].as_str().unwrap()), "{line}");
        assert_eq!(line["registry"], PRIVATE, "{line}");
    }
    let over: Vec<&Value> = lines.iter().filter(|line| line["message"] == "the lookup is over").collect();
    let [over] = over[..] else { panic!("{lines:?}") };
    assert_eq!((&over["outcome"], &over["cache"], &over["requests"]), (&"found".into(), &"miss".into(), &1.into()));
    assert!(over["wall_ms"].as_f64().unwrap() > 0.0 && over["fuel"].as_u64().unwrap() > 0, "{over}");
    // Those of this program, and of nothing that it is made of.
    let own = ["answer", "request", "the lookup is over", "the request is over"];
    assert!(messages(&lines).is_subset(&own.into()), "{:?}", messages(&lines));
    let request = lines.iter().find(|line| line["message"] == "the request is over").unwrap();
    assert_eq!(request["status"], 200, "{request}");
}

#[test]
fn no_secret_is_in_the_finest_log() {
    let fake = FakeAws::start();
    fake.add_keys(AccessKeys::new("ASIASECRETS", SECRET).with_session_token(TOKEN));
    for (answer, status) in [
        (Answer::Token, 0),
        (Answer::aws_error(403, "SignatureDoesNotMatch", &format!("no {SECRET} and {TOKEN}")), 5),
        (Answer::Raw { status: 200, headers: Vec::new(), body: PASSWORD_MARK.into() }, 8),
    ] {
        for format in ["text", "json"] {
            fake.answer_next(answer.clone());
            let address = format!("https://somebody:hunter2@{PRIVATE}/v2/");
            let call = Call::keyward(&["get", PRIVATE, "-vv", "--log-format", format]).against(&fake);
            let call = call.variable("AWS_ACCESS_KEY_ID", "ASIASECRETS").variable("AWS_SECRET_ACCESS_KEY", SECRET);
            let outcome = call.variable("AWS_SESSION_TOKEN", TOKEN).run();
            assert_eq!(outcome.status, status, "{outcome:?}");
            // What AWS says is part of the error, which says it without what signs; the log says nothing of it.
            let log: String = outcome.errors.lines().filter(|line| !line.starts_with("error: ")).collect();
            assert!(log.contains("the lookup is over"), "nothing was logged: this test cannot fail: {outcome:?}");
            for secret in [SECRET, TOKEN, PASSWORD_MARK] {
                assert!(!log.contains(secret), "{secret} is in {log}");
            }
            let outcome = Call::keyward(&["get", &address, "-vv", "--log-format", format]).against(&fake).run();
            let log: String = outcome.errors.lines().filter(|line| !line.starts_with("error: ")).collect();
            assert!(!log.contains("hunter2"), "{outcome:?}");
        }
    }
}

#[test]
fn a_helper_has_a_variable_and_a_file_for_what_others_type() {
    let fake = FakeAws::start();
    let helper = || Call::helper(&["get"]).input(PRIVATE).against(&fake);
    let quiet = helper().run();
    assert_eq!((quiet.status, quiet.errors.as_str()), (0, ""));
    let outcome = helper().variable("KEYWARD_LOG", "info").variable("KEYWARD_LOG_FORMAT", "json").run();
    assert_eq!((outcome.status, &outcome.output), (0, &quiet.output));
    assert_eq!(messages(&objects(&outcome.errors)), ["the lookup is over"].into());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyward.toml");
    fs::write(&file, "[log]\nlevel = 'info'\nformat = 'json'\n").unwrap();
    let outcome = helper().variable("KEYWARD_CONFIG", &file).run();
    assert_eq!((outcome.status, &outcome.output), (0, &quiet.output));
    assert_eq!(objects(&outcome.errors).len(), 1);
    // There, it is the protocol's own word.
    let outcome = Call::helper(&["-v"]).variable("KEYWARD_LOG", "debug").run();
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""));
    assert!(outcome.output.starts_with("docker-credential-keyward (keyward) "), "{outcome:?}");
}

#[test]
fn what_is_answered_without_a_lookup_is_logged_too() {
    let (fake, home) = (FakeAws::start(), tempfile::tempdir().unwrap());
    let get = || get(&fake, &["--log", "info", "--log-format", "json"]).variable("HOME", home.path());
    assert_eq!(messages(&objects(&get().run().errors)), ["the lookup is over"].into());
    let lines = objects(&get().run().errors);
    assert_eq!(messages(&lines), ["the cache has answered"].into());
    assert_eq!((&lines[0]["registry"], &lines[0]["outcome"]), (&PRIVATE.into(), &"found".into()));
    assert_eq!(fake.counters().tokens, 1);
}

#[test]
#[cfg(target_os = "linux")]
fn an_error_stream_that_takes_nothing_fails_no_lookup() {
    let fake = FakeAws::start();
    let expected = format!("{}\n", private_password(DEFAULT_ACCOUNT, "us-east-1"));
    assert!(File::open("/dev/full").is_ok());
    for script in [r#"exec "$@" 2>&-"#, r#"exec "$@" 2>/dev/full"#] {
        for format in ["text", "json"] {
            let outcome = get(&fake, &["-vv", "--log-format", format]).by_shell(script).start().finish();
            assert_eq!((outcome.status, outcome.output.as_str()), (0, expected.as_str()), "{script}: {outcome:?}");
        }
    }
}

#[test]
fn a_level_or_a_format_that_there_is_not_is_an_error() {
    let fake = FakeAws::start();
    for (name, said) in [
        ("KEYWARD_LOG", "KEYWARD_LOG is 'loud': set it to off, info or debug"),
        ("KEYWARD_LOG_FORMAT", "KEYWARD_LOG_FORMAT is 'loud': set it to text or json"),
    ] {
        let outcome = get(&fake, &[]).variable(name, "loud").run();
        assert_eq!((outcome.status, outcome.errors), (8, format!("error: {said}\n")));
    }
    assert_eq!(get(&fake, &["-v", "--log", "info"]).run().status, 2);
    assert_eq!(fake.requests().len(), 0);
}
