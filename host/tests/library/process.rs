//! `credential_process`: a program prints the keys, and nothing of it outlives its lookup.

use std::path::Path;
use std::time::Duration;

use keyward::{Budget, CancelToken, Config, Error, Request, Resolver, Step};
use keyward_testbed::{ACCESS_KEY_ID, FakeAws, SECRET_ACCESS_KEY};
use tempfile::TempDir;

use crate::common::{PRIVATE, config, config_without_keys};

/// A configuration whose default profile has this command, and a folder for what the command does.
fn with_command(fake: &FakeAws, command: impl FnOnce(&Path) -> String) -> (TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let command = command(folder.path());
    std::fs::write(&file, format!("[default]\ncredential_process = {command}\n")).unwrap();
    let config = config_without_keys(fake).with_variable("AWS_CONFIG_FILE", file.to_str().unwrap());
    (folder, config.with_credential_process(true))
}

fn printing_keys() -> String {
    let keys =
        format!(r#"{{"Version": 1, "AccessKeyId": "{ACCESS_KEY_ID}", "SecretAccessKey": "{SECRET_ACCESS_KEY}"}}"#);
    format!("printf %s '{keys}'")
}

/// Begins, says so in a file, and does not end.
fn never_ending(folder: &Path) -> String {
    format!("touch {}; sleep 1000 & wait", folder.join("begun").display())
}

async fn begun(folder: &TempDir) {
    while !folder.path().join("begun").exists() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn the_keys_that_a_program_prints_get_a_token() {
    let fake = FakeAws::start();
    let (_folder, config) = with_command(&fake, |_| printing_keys());
    let resolver = Resolver::new(&config).unwrap();
    let lookup = resolver.look_up(PRIVATE, &Budget::default(), &CancelToken::new()).await;
    lookup.result.unwrap();
    assert_eq!(lookup.usage.requests, 1);
    assert!(fake.requests()[0].signature_is_right);
    // Each lookup runs its own.
    resolver.resolve(PRIVATE).await.unwrap();
}

#[tokio::test]
async fn no_program_is_run_where_none_is_allowed_and_the_error_says_how_to_allow_it() {
    let fake = FakeAws::start();
    let (folder, config) = with_command(&fake, never_ending);
    let resolver = Resolver::new(&config.with_credential_process(false)).unwrap();
    let Err(Error::Invalid(text)) = resolver.resolve(PRIVATE).await else { panic!() };
    assert!(text.contains("--allow-process (KEYWARD_ALLOW_PROCESS)"), "{text}");
    assert!(!folder.path().join("begun").exists());
}

#[tokio::test]
async fn no_program_is_run_for_the_address_of_somebody_else_nor_where_the_environment_has_keys() {
    let fake = FakeAws::start();
    let (folder, config) = with_command(&fake, never_ending);
    let resolver = Resolver::new(&config).unwrap();
    assert_eq!(resolver.resolve("docker.io").await, Err(Error::NotOurRegistry));
    let with_keys = config
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    Resolver::new(&with_keys).unwrap().resolve(PRIVATE).await.unwrap();
    assert!(!folder.path().join("begun").exists());
}

/// The lookup would come to nothing, and the program may ask a person, or count its runs.
#[tokio::test]
async fn no_program_is_run_where_settings_lead_to_no_endpoint() {
    let fake = FakeAws::start();
    let (folder, config) = with_command(&fake, |folder| format!("touch {}", folder.join("begun").display()));
    let config = config.with_variable("AWS_USE_FIPS_ENDPOINT", "maybe");
    let Err(Error::Invalid(text)) = Resolver::new(&config).unwrap().resolve(PRIVATE).await else { panic!() };
    assert!(text.contains("AWS_USE_FIPS_ENDPOINT is 'maybe'"), "{text}");
    assert!(!folder.path().join("begun").exists());
}

#[tokio::test]
async fn the_profile_of_the_request_decides_which_program_is_run() {
    let fake = FakeAws::start();
    let (folder, _) = with_command(&fake, |_| "exit 3".to_owned());
    let file = folder.path().join("config");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}[profile keys]\ncredential_process = {}\n", printing_keys())).unwrap();
    let config = config(&fake).with_variable("AWS_CONFIG_FILE", file.to_str().unwrap()).with_credential_process(true);
    let resolver = Resolver::new(&config).unwrap();
    resolver.resolve(Request::new(PRIVATE).with_profile("keys")).await.unwrap();
    let failed = resolver.resolve(Request::new(PRIVATE).with_profile("default")).await;
    let text = "the credential_process of profile default ended with exit status 3: run it by itself to see why";
    assert_eq!(failed, Err(Error::Invalid(text.to_owned())));
}

#[tokio::test]
async fn what_a_program_prints_instead_of_keys_is_told_and_not_repeated() {
    let fake = FakeAws::start();
    let (_folder, config) = with_command(&fake, |_| "echo hunter2 # hunter3".to_owned());
    let Err(Error::Invalid(text)) = Resolver::new(&config).unwrap().resolve(PRIVATE).await else { panic!() };
    assert!(text.contains("printed something that is not JSON") && !text.contains("hunter"), "{text}");
}

#[tokio::test]
async fn the_deadline_holds_for_a_program_and_the_error_says_that_it_was_waited_for() {
    let fake = FakeAws::start();
    let (_folder, config) = with_command(&fake, never_ending);
    let budget = Budget::default().with_deadline(Duration::from_millis(300));
    let lookup = Resolver::new(&config).unwrap().look_up(PRIVATE, &budget, &CancelToken::new()).await;
    let error = lookup.result.unwrap_err();
    let Error::Timeout { waiting_for: Some(waiting), .. } = &error else { panic!("{error:?}") };
    assert_eq!((waiting.step, waiting.destination.as_str()), (Step::Process, "credential_process of profile default"));
    let text = error.to_string();
    assert!(text.contains(", while it waited for the program of credential_process of profile default for "), "{text}");
    assert_eq!((lookup.usage.fuel, lookup.usage.requests), (0, 0), "the component was not begun");
    assert!(lookup.usage.wall >= budget.deadline);
}

#[tokio::test]
async fn a_lookup_that_waits_for_a_program_is_under_way_and_a_cancel_ends_it() {
    let fake = FakeAws::start();
    let (folder, config) = with_command(&fake, never_ending);
    let resolver = Resolver::new(&config.with_max_live_lookups(1)).unwrap();
    let (forever, cancel) = (Budget::default().with_deadline(Duration::MAX), CancelToken::new());
    let lookup = {
        let (resolver, cancel) = (resolver.clone(), cancel.clone());
        tokio::spawn(async move { resolver.look_up(PRIVATE, &forever, &cancel).await })
    };
    begun(&folder).await;
    assert_eq!(resolver.live().lookups, 1);
    assert_eq!(resolver.resolve(PRIVATE).await, Err(Error::Overloaded { live: 1, of_this_registry: false }));
    cancel.cancel();
    let Err(Error::Cancelled { waiting_for: Some(waiting) }) = lookup.await.unwrap().result else { panic!() };
    assert_eq!(waiting.step, Step::Process);
    assert_eq!(resolver.live().lookups, 0);
}
