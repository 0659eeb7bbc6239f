//! `credential_process`, the profile and the role of a request, and what may be written, by arguments and by the environment.

use std::fs;
use std::path::Path;

use keyward_testbed::{ACCESS_KEY_ID, FakeAws, SECRET_ACCESS_KEY};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::{Call, PRIVATE};
use crate::running::until;

/// A folder with a config file.
fn config(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config"), text).unwrap();
    folder
}

fn printing_keys() -> String {
    let keys =
        format!(r#"{{"Version": 1, "AccessKeyId": "{ACCESS_KEY_ID}", "SecretAccessKey": "{SECRET_ACCESS_KEY}"}}"#);
    format!("printf %s '{keys}'")
}

/// A call with an endpoint and no keys.
fn without_keys(call: Call, fake: &FakeAws, folder: &Path) -> Call {
    call.variable("SSL_CERT_FILE", fake.authority().ca_file())
        .variable("AWS_ENDPOINT_URL", fake.url())
        .variable("AWS_EC2_METADATA_DISABLED", "true")
        .variable("AWS_CONFIG_FILE", folder.join("config"))
}

#[test]
fn a_program_is_run_where_an_argument_or_the_environment_allows_it() {
    let fake = FakeAws::start();
    let folder = config(&format!("[default]\ncredential_process = {}\n", printing_keys()));
    let get = |arguments: &[&str]| {
        without_keys(Call::keyward(&[&["get", PRIVATE], arguments].concat()), &fake, folder.path())
    };
    let helper = || without_keys(Call::helper(&["get"]).input(PRIVATE), &fake, folder.path());
    assert_eq!(get(&["--allow-process"]).run().status, 0);
    for (value, status) in [("1", 0), ("true", 0), ("0", 8), ("false", 8), ("", 8)] {
        let outcome = get(&[]).variable("KEYWARD_ALLOW_PROCESS", value).run();
        assert_eq!(outcome.status, status, "{value}: {outcome:?}");
    }
    assert_eq!(helper().variable("KEYWARD_ALLOW_PROCESS", "1").run().status, 0);
    let outcome = helper().run();
    assert!(outcome.status == 1 && outcome.output.contains("allow it with --allow-process"), "{outcome:?}");
}

#[test]
fn a_switch_that_is_neither_on_nor_off_is_an_error() {
    let fake = FakeAws::start();
    for name in ["KEYWARD_ALLOW_PROCESS", "KEYWARD_WRITE_SSO_CACHE"] {
        let text = format!("{name} is 'maybe': set it to 1 or 0\n");
        let outcome = Call::keyward(&["get", PRIVATE]).against(&fake).variable(name, "maybe").run();
        assert_eq!((outcome.status, outcome.errors), (8, format!("error: {text}")));
        let outcome = Call::helper(&["get"]).input(PRIVATE).against(&fake).variable(name, "maybe").run();
        assert_eq!((outcome.status, outcome.output), (1, text));
        let outcome = Call::keyward(&["get", PRIVATE]).against(&fake).variable(name, "1").run();
        assert_eq!(outcome.status, 0, "{outcome:?}");
    }
    assert_eq!(Call::keyward(&["get", PRIVATE, "--write-sso-cache"]).against(&fake).run().status, 0);
}

#[test]
fn a_program_that_fails_is_named_by_its_profile_alone() {
    let fake = FakeAws::start();
    let folder = config("[default]\ncredential_process = echo hunter2 >&2; echo hunter2; exit 3\n");
    let call = Call::keyward(&["get", PRIVATE, "--allow-process"]);
    let outcome = without_keys(call, &fake, folder.path()).run();
    assert_eq!((outcome.status, outcome.output.as_str()), (8, ""));
    assert_eq!(
        outcome.errors,
        "error: the credential_process of profile default ended with exit status 3: run it by itself to see why\n"
    );
}

/// In a session with a terminal of its own, where the program is in the background. It was stopped there once, and the lookup waited
/// for its deadline.
#[test]
#[cfg(target_os = "linux")]
fn a_program_that_asks_at_the_terminal_is_an_error_that_says_what_to_use_instead() {
    let fake = FakeAws::start();
    let folder = config("[default]\ncredential_process = read -r answer < /dev/tty; echo $answer\n");
    let keyward = env!("CARGO_BIN_EXE_keyward");
    let typed = format!("{keyward} get {PRIVATE} --allow-process --deadline 20");
    let mut call = without_keys(Call::keyward(&[]), &fake, folder.path());
    let variables = call.command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    let variables: Vec<_> = variables.collect();
    call.command = std::process::Command::new("script");
    call.command.args(["-qec", &typed, "/dev/null"]).env_clear().envs(variables);
    let outcome = call.run();
    let text = "error: the credential_process of profile default wanted the terminal: use a program that asks nothing";
    assert_eq!((outcome.status, outcome.output.trim_end()), (8, text));
}

/// Deadlines are much longer than a test.
#[test]
fn a_signal_ends_the_program_and_what_it_has_started_too() {
    let fake = FakeAws::start();
    for signal in [Signal::INT, Signal::TERM] {
        let folder = config("");
        let file = folder.path().join("grandchild");
        let command =
            format!("trap '' INT TERM; sh -c 'printf $$ > {}; exec sleep 98765' & wait; wait", file.display());
        fs::write(folder.path().join("config"), format!("[default]\ncredential_process = {command}\n")).unwrap();
        let call = Call::keyward(&["get", PRIVATE, "--allow-process", "--deadline", "600"]);
        let running = without_keys(call, &fake, folder.path()).start();
        let grandchild = || fs::read_to_string(&file).unwrap_or_default();
        until("the program has started another one", || !grandchild().is_empty());
        running.signal(signal);
        let outcome = running.finish();
        assert_eq!(outcome.status, 10, "{outcome:?}");
        let awaited = "while it waited for the program of credential_process of profile default for ";
        assert!(outcome.errors.contains(awaited), "{outcome:?}");
        // A dead one has no command line any more.
        let command_line = format!("/proc/{}/cmdline", grandchild());
        until("the other one is gone", || fs::read(&command_line).unwrap_or_default().is_empty());
    }
}

#[test]
fn the_profile_of_an_argument_goes_before_that_and_the_keys_of_the_environment() {
    let fake = FakeAws::start();
    let keys = format!("aws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n");
    let folder = config(&format!("[profile good]\n{keys}[profile bad]\naws_access_key_id = AKIDBAD\n"));
    let get = |profile: &str| {
        without_keys(Call::keyward(&["get", PRIVATE, "--profile", profile]), &fake, folder.path())
            .variable("AWS_PROFILE", "bad")
            .variable("AWS_ACCESS_KEY_ID", "AKIDWRONG")
            .variable("AWS_SECRET_ACCESS_KEY", "wrong")
            .run()
    };
    assert_eq!(get("good").status, 0);
    let outcome = get("bad");
    assert!(outcome.status == 8 && outcome.errors.contains("profile bad has aws_access_key_id and no"), "{outcome:?}");
    let outcome = get("missing");
    assert!(outcome.status == 8 && outcome.errors.contains("profile missing is not in"), "{outcome:?}");
}

#[test]
fn an_external_id_is_given_with_a_role() {
    let outcome = Call::keyward(&["get", PRIVATE, "--external-id", "x"]).run();
    assert!(outcome.status == 8 && outcome.errors.contains("--role-arn"), "{outcome:?}");
}
