//! Several registries at once, other formats, and `keyward login-password`.

use std::fs;
use std::process::Command;

use keyward_testbed::{ACCESS_KEY_ID, Answer, DEFAULT_ACCOUNT, FakeAws, SECRET_ACCESS_KEY, private_password};
use serde_json::Value;

use crate::harness::{Call, PRIVATE};

const IRELAND: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const CALIFORNIA: &str = "123456789012.dkr.ecr.us-west-1.amazonaws.com";

fn password(region: &str) -> String {
    private_password(DEFAULT_ACCOUNT, region)
}

#[test]
fn several_registries_are_printed_in_the_order_in_which_they_were_named() {
    let fake = FakeAws::start();
    let get = |arguments: &[&str]| Call::keyward(&[&["get"], arguments].concat()).against(&fake);
    let expected = ["us-west-1", "us-east-1", "eu-west-1"].map(|region| format!("{}\n", password(region))).concat();
    let outcome = get(&[CALIFORNIA, PRIVATE, IRELAND, "--format", "password"]).run();
    assert_eq!((outcome.status, outcome.output.as_str(), outcome.errors.as_str()), (0, expected.as_str(), ""));

    let lines = format!("{CALIFORNIA}\n\n  {PRIVATE}\r\n{IRELAND}");
    for arguments in [&["--format", "password"][..], &["-", "--format", "password"]] {
        let outcome = get(arguments).input(lines.clone()).run();
        assert_eq!((outcome.status, &outcome.output), (0, &expected), "{outcome:?}");
    }
}

/// Two stuck registries once blocked every other one.
#[test]
fn a_registry_that_is_stuck_fails_alone_and_its_line_says_so() {
    let fake = FakeAws::start();
    fake.answer_next(Answer::Silence);
    let call =
        Call::keyward(&["get", CALIFORNIA, PRIVATE, IRELAND, "docker.io", "--format", "json", "--deadline", "1"]);
    let outcome = call.against(&fake).run();
    assert_eq!(outcome.status, 13, "{outcome:?}");
    let lines: Vec<Value> = outcome.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let registries: Vec<&str> = lines.iter().map(|line| line["registry"].as_str().unwrap()).collect();
    assert_eq!(registries, [CALIFORNIA, PRIVATE, IRELAND, "docker.io"]);
    let statuses: Vec<Option<u64>> = lines.iter().map(|line| line["status"].as_u64()).collect();
    assert_eq!(lines.iter().filter(|line| line["password"].is_string()).count(), 2, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == Some(9)).count(), 1, "{statuses:?}");
    assert_eq!(statuses[3], Some(3));
    let errors: Vec<&str> = outcome.errors.lines().collect();
    assert_eq!(errors.len(), 2, "{outcome:?}");
    assert!(errors[0].contains("no credential within 1s"), "{outcome:?}");
    assert!(errors[1].starts_with("error: docker.io: the address is not a registry"), "{outcome:?}");
}

#[test]
fn in_formats_without_a_place_for_errors_an_empty_line_stands_for_a_registry_without_a_credential() {
    let fake = FakeAws::start();
    let call = Call::keyward(&["get", "docker.io", PRIVATE, "--format", "user:pass"]).against(&fake);
    let outcome = call.run();
    assert_eq!((outcome.status, outcome.output), (13, format!("\nAWS:{}\n", password("us-east-1"))));
}

#[test]
fn a_shell_evaluates_the_format_env() {
    let fake = FakeAws::start();
    let outcome = Call::keyward(&["get", PRIVATE, "--format", "env"]).against(&fake).run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let script = "eval \"$1\"; printf '%s %s %s %s' \"$REGISTRY\" \"$REGISTRY_USERNAME\" \"$REGISTRY_PASSWORD\" \
                  \"${REGISTRY_PASSWORD_EXPIRES_AT:+later}\"";
    let shell = Command::new("sh").args(["-c", script, "sh", &outcome.output]).env_clear().output().unwrap();
    let expected = format!("{PRIVATE} AWS {} later", password("us-east-1"));
    assert_eq!(String::from_utf8(shell.stdout).unwrap(), expected);

    let outcome = Call::keyward(&["get", PRIVATE, IRELAND, "--format", "env"]).against(&fake).run();
    assert!(outcome.status == 2 && outcome.errors.contains("name one alone"), "{outcome:?}");
}

#[test]
fn without_any_registry_the_command_says_how_to_name_one() {
    for (arguments, input) in [(&["get"][..], ""), (&["get", "-"], "\n \n")] {
        let outcome = Call::keyward(arguments).input(input).run();
        assert_eq!((outcome.status, outcome.output.as_str()), (2, ""));
        assert!(outcome.errors.contains("no registry is named: name one"), "{outcome:?}");
    }
    // Among others, it is not looked up as a registry of that name.
    for arguments in [&["get", PRIVATE, "-"][..], &["get", "-", "-"]] {
        let outcome = Call::keyward(arguments).input(IRELAND).run();
        assert_eq!((outcome.status, outcome.output.as_str()), (2, ""));
        assert!(outcome.errors.contains("'-' is the standard input: name it alone"), "{outcome:?}");
    }
    let outcome = Call::keyward(&["get", "-"]).input(b"\xff".to_vec()).run();
    assert!(outcome.status == 2 && outcome.errors.contains("not UTF-8"), "{outcome:?}");
}

#[test]
fn login_password_prints_what_the_aws_command_line_would() {
    let fake = FakeAws::start();
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    fs::write(home.path().join(".aws/config"), "[default]\nregion = eu-west-1\n[profile far]\nregion = us-west-1\n")
        .unwrap();
    let login = |arguments: &[&str]| {
        let call = Call::keyward(&[&["login-password"], arguments].concat()).against(&fake);
        let outcome = call.variable("HOME", home.path()).variable("KEYWARD_CACHE", "off").run();
        assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{arguments:?}");
        outcome.output
    };
    assert_eq!(login(&[]), format!("{}\n", password("eu-west-1")));
    assert_eq!(login(&["--region", "us-east-1"]), format!("{}\n", password("us-east-1")));

    let keys = format!("[far]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n");
    fs::write(home.path().join(".aws/credentials"), keys).unwrap();
    assert_eq!(login(&["--profile", "far"]), format!("{}\n", password("us-west-1")));

    let outcome = Call::keyward(&["login-password"]).against(&fake).run();
    assert_eq!((outcome.status, outcome.output.as_str()), (8, ""));
    assert!(outcome.errors.starts_with("error: the region is missing: name it with --region"), "{outcome:?}");
    let outcome = Call::keyward(&["login-password", "--region", "evil.example/"]).against(&fake).run();
    assert!(outcome.status == 8 && outcome.errors.contains("is not a region"), "{outcome:?}");
}

#[test]
fn a_region_that_was_typed_chooses_the_registries_and_the_variable_of_keyward_does_not() {
    let fake = FakeAws::start();
    let login = |arguments: &[&str]| {
        let call = Call::keyward(&[&["login-password"], arguments].concat()).against(&fake);
        call.variable("KEYWARD_REGION", "us-west-2").variable("AWS_REGION", "eu-west-1").run().output
    };
    assert_eq!(login(&[]), format!("{}\n", password("eu-west-1")));
    assert_eq!(login(&["--region", "us-east-1"]), format!("{}\n", password("us-east-1")));
    let outcome = Call::keyward(&["login-password"]).against(&fake).variable("KEYWARD_REGION", "us-west-2").run();
    assert!(outcome.status == 8 && outcome.errors.contains("the region is missing"), "{outcome:?}");
    let help = |command: &str| Call::keyward(&[command, "--help"]).run().output;
    assert!(help("login-password").contains("The region of the registries"));
    assert!(!help("get").contains("The region of the registries"));
}

/// Of a disk that does not answer, a pipe that nobody writes to is the likeness that needs no mount.
#[test]
fn shared_files_that_are_never_read_to_their_end_hold_nobody_up_who_asks_for_a_password() {
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let call = Call::keyward(&["login-password", "--deadline", "0.2"]).against(&fake);
    let outcome = call.variable("AWS_CONFIG_FILE", &pipe).run();
    assert_eq!((outcome.status, outcome.output.as_str()), (8, ""));
    assert!(outcome.errors.contains("the region is missing"), "{outcome:?}");
    assert!(outcome.errors.contains(&format!("{} (", pipe.display())), "{outcome:?}");
    assert!(outcome.errors.contains("it was not read within 200ms"), "{outcome:?}");
}

#[test]
fn completions_and_manual_pages_know_every_subcommand() {
    for shell in ["bash", "zsh", "fish"] {
        let outcome = Call::keyward(&["completions", shell]).run();
        assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""));
        assert!(outcome.output.contains("login-password") && outcome.output.contains("role-arn"), "{shell}");
    }
    // The shell that most have takes it.
    let bash = Call::keyward(&["completions", "bash"]).run().output;
    let checked =
        Command::new("bash").args(["-c", "eval \"$1\" && complete -p keyward", "bash", &bash]).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");

    let page = Call::keyward(&["man"]).run();
    assert!(page.status == 0 && page.output.contains(".TH keyward 1"), "{page:?}");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert_eq!(Call::keyward(&["man", "--folder"]).argument(&pages).run().status, 0);
    let get = fs::read_to_string(pages.join("keyward-get.1")).unwrap();
    assert!(get.contains("REGISTRY_PASSWORD") && get.contains("deadline"), "{get}");

    let outcome = Call::keyward(&["man", "--folder", "/dev/null/pages"]).run();
    assert!(outcome.status == 1 && outcome.errors.contains("/dev/null/pages"), "{outcome:?}");
}
