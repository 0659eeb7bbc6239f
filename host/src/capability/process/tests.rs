use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::capability::environment;
use crate::capability::files::Files;

/// A registry that the component knows.
const REGISTRY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

fn programs(config: &Config) -> Programs {
    let variables = std::sync::Arc::new(environment::variables(config));
    let profiles = Profiles::new(config, &Files::new(config), &variables);
    Programs::new(&config.clone().with_credential_process(true), &profiles).unwrap()
}

async fn output(command: &str) -> Result<Secret, Failure> {
    system::output(&Secret::new(command.to_owned()), &[]).await
}

async fn failure(command: &str) -> String {
    output(command).await.unwrap_err().to_string()
}

fn config(file: &tempfile::NamedTempFile, text: &str) -> Config {
    fs::write(file.path(), text).unwrap();
    Config::new().with_variable("AWS_CONFIG_FILE", file.path().to_str().unwrap())
}

#[tokio::test]
async fn what_a_program_prints_is_taken_with_the_variables_that_it_is_given() {
    assert_eq!(output("printf a; printf b >&2; printf c").await.unwrap().expose(), "ac");
    assert_eq!(output("cat; printf ended").await.unwrap().expose(), "ended", "there is no input");
    let variables = [("AWS_X".to_owned(), Secret::new("x".to_owned()))];
    let printed = system::output(&Secret::new("printf $AWS_X${PATH:+y}".to_owned()), &variables).await.unwrap();
    assert_eq!(printed.expose(), "xy");
    let much = output("head -c 65536 /dev/zero").await.unwrap();
    assert_eq!(much.expose().len(), MAX_OUTPUT_BYTES);
}

#[tokio::test]
async fn a_program_that_fails_is_an_error_that_repeats_nothing_of_it() {
    for (command, text) in [
        ("echo hunter2; exit 3", "ended with exit status 3"),
        ("no-such-program-hunter2", "ended with exit status 127"),
        ("kill -TERM $$", "was ended by signal 15"),
        ("head -c 65537 /dev/zero", "printed more than 65536 bytes"),
        ("cat /dev/zero", "printed more than 65536 bytes"),
        ("printf '\\377hunter2'", "printed something that is not UTF-8"),
        ("true hunter2", "printed nothing"),
    ] {
        assert_eq!(failure(command).await, text, "{command}");
    }
    assert!(failure("a\0b").await.starts_with("could not be started ("));
}

/// It was stopped there once, and the lookup waited for its deadline.
#[tokio::test]
async fn a_program_that_wants_the_terminal_is_an_error_and_does_not_live_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    for signal in ["TTIN", "TTOU"] {
        let command = format!("printf $$ > {}; kill -{signal} $$; printf done", file.display());
        let failure = tokio::time::timeout(Duration::from_secs(20), failure(&command));
        assert_eq!(failure.await.unwrap(), "wanted the terminal");
        is_gone(&file).await;
    }
    // What somebody else has stopped goes on when that one lets it.
    let command = "(sleep 0.3; kill -CONT $$) & kill -STOP $$; printf done";
    assert_eq!(output(command).await.unwrap().expose(), "done");
}

/// A program in the background once kept the pipe open, and the lookup waiting.
#[tokio::test]
async fn what_a_program_leaves_running_is_not_waited_for_and_does_not_live_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let command = format!("sleep 1000 & printf $! > {}; printf done", file.display());
    assert_eq!(output(&command).await.unwrap().expose(), "done");
    is_gone(&file).await;
}

#[tokio::test]
async fn a_program_whose_lookup_is_dropped_does_not_live_on_nor_what_it_has_started() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let command = format!(
        "trap '' TERM INT HUP; printf $$ > {}; sh -c 'printf $$ > {}; exec sleep 1000' & wait",
        one.display(),
        other.display()
    );
    let running = tokio::spawn(async move { output(&command).await.map(drop) });
    for file in [&one, &other] {
        while fs::read_to_string(file).unwrap_or_default().is_empty() {
            assert!(!running.is_finished());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    for file in [&one, &other] {
        is_gone(file).await;
    }
}

/// Waits until a process is gone, or dead and a matter of the process that is its parent now.
async fn is_gone(file: &Path) {
    let number = fs::read_to_string(file).unwrap();
    let own = std::process::id().to_string();
    let lives = || {
        let status = fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
        let value = |name: &str| status.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()));
        match value("State:") {
            None => false,
            Some(state) => !state.starts_with('Z') || value("PPid:").as_ref() == Some(&own),
        }
    };
    for _ in 0..20_000 {
        if !lives() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("process {number} lives on");
}

#[tokio::test]
async fn the_program_is_that_of_the_profile_that_the_lookup_comes_to() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = config(
        &file,
        "[default]\ncredential_process = one --secret hunter2\n[profile other]\ncredential_process = other\n\
         [profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = other\n[profile keys]\n\
         aws_access_key_id = i\naws_secret_access_key = s\n",
    );
    let find = async |config: &Config, request: Request| {
        let found = programs(config).find(&request, &Meter::default()).await;
        assert!(!format!("{found:?}").contains("hunter2"));
        found.unwrap().map(|found| (found.profile, found.command.expose().to_owned()))
    };
    let some = |profile: &str, command: &str| Some((profile.to_owned(), command.to_owned()));
    let request = || Request::new(REGISTRY);
    assert_eq!(find(&config, request()).await, some("default", "one --secret hunter2"));
    assert_eq!(find(&config, request().with_profile("role")).await, some("other", "other"));
    assert_eq!(find(&config, request().with_profile("keys")).await, None);
    assert_eq!(find(&config, Request::new("docker.io")).await, None);
    let token = Secret::new("token".to_owned());
    assert_eq!(find(&config, request().with_service_account_token(token)).await, None);
    let with_keys = config.clone().with_variable("AWS_ACCESS_KEY_ID", "i").with_variable("AWS_SECRET_ACCESS_KEY", "s");
    assert_eq!(find(&with_keys, request()).await, None);
    assert_eq!(find(&with_keys, request().with_profile("other")).await, some("other", "other"));
}

/// It was no program once, and the component then told to allow what was allowed.
#[tokio::test]
async fn that_nobody_could_look_for_a_program_is_a_failure_of_the_sandbox() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let programs = programs(&config(&file, "[default]\ncredential_process = true\n"));
    let request = Request::new(REGISTRY);
    let thing = thing(&request, &programs.profiles.read(&Meter::default()).await);
    let (go_on, hanging) = std::sync::mpsc::channel::<()>();
    let failing = programs.finding.clone();
    let under_way = tokio::spawn(async move {
        let fails = move || {
            let _ = hanging.recv();
            panic!("on purpose")
        };
        failing.run(&thing, fails).await.map(drop)
    });
    tokio::task::yield_now().await;
    let end = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(go_on);
    };
    let meter = Meter::default();
    let (found, ()) = tokio::join!(programs.find(&request, &meter), end);
    assert!(matches!(found, Err(Error::Internal(_))), "{found:?}");
    under_way.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn an_error_names_the_profile_and_says_what_to_do() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = config(&file, "[profile build]\ncredential_process = exit 4 # hunter2\n");
    let request = Request::new(REGISTRY).with_profile("build");
    let error = programs(&config).printed(&request, &Meter::default()).await.unwrap_err();
    let text = "the credential_process of profile build ended with exit status 4: run it by itself to see why";
    assert_eq!(error, Error::Invalid(text.to_owned()));
}
