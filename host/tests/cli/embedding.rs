//! What docs/embedding.md has other programs run, as they run it.

use std::fs;
use std::path::Path;
use std::process::Command;

use keyward_testbed::{Answer, DEFAULT_ACCOUNT, FakeAws, private_password};
use serde_json::{Value, json};

use crate::harness::{Call, PRIVATE};

/// distribution starts the command by its name, with one argument, and writes the host to it without the end of a line.
#[test]
fn what_distribution_runs_answers_in_docker_s_format() {
    let fake = FakeAws::start();
    let outcome = Call::named(&setting("command"), &["get"]).against(&fake).input(upstream()).run();
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{outcome:?}");
    let answer: Value = serde_json::from_str(&outcome.output).unwrap();
    let password = private_password(DEFAULT_ACCOUNT, "us-east-1");
    assert_eq!(answer, json!({"ServerURL": upstream(), "Username": "AWS", "Secret": password}));
}

/// The registry holds a lock meanwhile, and has no limit of its own.
#[test]
fn where_aws_is_stuck_what_distribution_runs_ends_at_its_deadline_with_the_reason() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    let deadline = setting("KEYWARD_DEADLINE");
    let call = Call::named(&setting("command"), &["get"]).against(&fake).variable("KEYWARD_DEADLINE", &deadline);
    let outcome = call.input(upstream()).run();
    let reason = format!("no credential within {deadline}s, while it waited for the answer of {}", fake.url());
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.output.starts_with(&reason) && outcome.errors.starts_with(&reason), "{outcome:?}");
}

#[test]
fn the_script_for_argo_cd_image_updater_prints_one_line() {
    let fake = FakeAws::start();
    let script = block("sh").replace("/usr/local/bin/keyward", env!("CARGO_BIN_EXE_keyward"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ecr.sh");
    fs::write(&file, script).unwrap();
    let mut call = Call::keyward(&[]).against(&fake);
    let variables = call.command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    let variables: Vec<_> = variables.collect();
    call.command = Command::new("/bin/sh");
    call.command.env_clear().envs(variables).arg(&file);
    let outcome = call.run();
    let line = format!("AWS:{}\n", private_password(DEFAULT_ACCOUNT, "us-east-1"));
    assert_eq!((outcome.status, outcome.output, outcome.errors.as_str()), (0, line, ""));
}

/// The host of the upstream, as the registry's settings name it.
fn upstream() -> String {
    let host = setting("remoteurl").replace("https://", "");
    assert_eq!(host, PRIVATE);
    host
}

/// The value of a setting, which occurs once in the document as a line of its own.
fn setting(name: &str) -> String {
    let document = document();
    let mut values = document.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
    let value = values.next().unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(values.next(), None, "{name} is there twice");
    value.trim_matches('"').to_owned()
}

/// The one block of a language.
fn block(language: &str) -> String {
    let document = document();
    let (_, rest) = document.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/embedding.md")).unwrap()
}
