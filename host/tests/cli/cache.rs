//! The file cache of the command: what is asked for, what is left in the folder, and what is said.

mod unusable;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keyward_testbed::{
    ACCESS_KEY_ID, AccessKeys, Answer, DEFAULT_ACCOUNT, FakeAws, Role, SECRET_ACCESS_KEY, private_password,
};
#[cfg(target_os = "linux")]
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Call, Outcome, PRIVATE};
#[cfg(target_os = "linux")]
use crate::running::until;

const HOUR: u64 = 3600;

/// A home with a cache in it, and what every call of a test has in its environment.
struct Home {
    folder: TempDir,
    fake: Option<FakeAws>,
    variables: Vec<(&'static str, String)>,
}

impl Home {
    fn new() -> Self {
        let (folder, fake) = (tempfile::tempdir().unwrap(), FakeAws::start());
        let variables = vec![
            ("HOME", folder.path().to_str().unwrap().to_owned()),
            ("AWS_ENDPOINT_URL", fake.url()),
            ("SSL_CERT_FILE", fake.authority().ca_file().to_str().unwrap().to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ("AWS_MAX_ATTEMPTS", "1".to_owned()),
            ("KEYWARD_DEADLINE", "60".to_owned()),
        ];
        Self { folder, fake: Some(fake), variables }
    }

    fn fake(&self) -> &FakeAws {
        self.fake.as_ref().unwrap()
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join(".cache/keyward")
    }

    fn call(&self, arguments: &[&str]) -> Call {
        let arguments = [&["get", "--format", "password"], arguments].concat();
        self.variables.iter().fold(Call::keyward(&arguments), |call, (name, value)| call.variable(name, value))
    }

    fn get(&self) -> Outcome {
        self.call(&[PRIVATE]).run()
    }

    /// A call that finds the credential, and says nothing besides.
    #[track_caller]
    fn assert_found(&self) {
        assert_found(&self.get());
    }

    fn tokens(&self) -> usize {
        self.fake().counters().tokens
    }

    /// The names of what is in the cache, sorted.
    fn names(&self) -> Vec<String> {
        names(&self.cache())
    }

    fn entries(&self) -> Vec<String> {
        self.names().into_iter().filter(|name| name.ends_with(".v1.json")).collect()
    }

    /// The one entry.
    fn entry(&self) -> PathBuf {
        let entries = self.entries();
        assert_eq!(entries.len(), 1, "{entries:?}");
        self.cache().join(&entries[0])
    }

    fn content(&self) -> Value {
        serde_json::from_slice(&fs::read(self.entry()).unwrap()).unwrap()
    }

    /// As if the entry had been found so many hours before.
    fn age(&self, hours: u64) {
        let mut content = self.content();
        for time in ["begin", "expires_at"] {
            content[time] = (content[time].as_u64().unwrap() - hours * HOUR).into();
        }
        fs::write(self.entry(), content.to_string()).unwrap();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let names =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[track_caller]
fn assert_found(outcome: &Outcome) {
    let password = format!("{}\n", private_password(DEFAULT_ACCOUNT, "us-east-1"));
    assert_eq!((outcome.status, outcome.output.as_str(), outcome.errors.as_str()), (0, password.as_str(), ""));
}

#[test]
fn what_was_found_is_handed_out_again_when_nobody_is_there_to_be_asked() {
    let mut home = Home::new();
    home.assert_found();
    let asked = home.fake().counters();
    home.assert_found();
    // However the registry is written, and whoever calls.
    assert_found(&home.call(&[&format!("https://{PRIVATE}/v2/")]).run());
    let helper = home.variables.iter().fold(Call::helper(&["get"]), |call, (name, value)| call.variable(name, value));
    assert_eq!(helper.input(PRIVATE).run().status, 0);
    assert_eq!(home.fake().counters(), asked);
    home.fake = None;
    home.assert_found();
}

#[test]
fn the_folder_and_its_files_are_the_users_alone_and_no_name_tells_anything() {
    let home = Home::new();
    home.assert_found();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(&home.cache()), 0o700);
    let names = home.names();
    assert_eq!(names.len(), 2, "{names:?}");
    for name in &names {
        assert_eq!(mode(&home.cache().join(name)), 0o600, "{name}");
        let is_hash = name.strip_suffix(".v1.json").is_some_and(|hash| {
            hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
        });
        assert!(name == "key" || is_hash, "{name}");
    }
    // In another home, it has another name: a hash without a key would be the same in every one.
    let other = Home { folder: tempfile::tempdir().unwrap(), fake: None, variables: home.variables.clone() };
    let outcome = other.call(&[PRIVATE, "--cache-dir"]).argument(other.cache()).run();
    assert_found(&outcome);
    assert_ne!(other.entry().file_name(), home.entry().file_name());
}

#[test]
fn forty_gets_of_forty_registries_at_once_leave_forty_entries() {
    let home = Home::new();
    let registry = |account: u32| format!("{account:012}.dkr.ecr.us-east-1.amazonaws.com");
    thread::scope(|scope| {
        for account in 0..40 {
            let home = &home;
            scope.spawn(move || assert_eq!(home.call(&[&registry(account)]).run().status, 0));
        }
    });
    let (calls, entries) = (home.tokens(), home.entries().len());
    eprintln!("40 gets of 40 registries at once: {calls} API calls, {entries} entries left");
    assert_eq!((calls, entries), (40, 40));
    assert_eq!(home.names().len(), 41, "the key, and nothing else: {:?}", home.names());
    for account in 0..40 {
        assert_found(&home.call(&[&registry(account)]).run());
    }
    assert_eq!(home.tokens(), 40);
}

#[test]
fn forty_gets_of_one_registry_at_once_make_one_call() {
    let home = Home::new();
    thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| home.assert_found());
        }
    });
    let (calls, entries) = (home.tokens(), home.entries().len());
    eprintln!("40 gets of one registry at once: {calls} API call, {entries} entry left");
    assert_eq!((calls, entries), (1, 1));
    assert_eq!(home.names().len(), 2, "{:?}", home.names());
}

#[test]
fn another_identity_has_another_entry() {
    let home = Home::new();
    home.fake().add_keys(AccessKeys::new("AKIDKEYWARDTEST0002", "another-secret"));
    let role = "arn:aws:iam::123456789012:role/puller";
    home.fake().add_role(Role::new(role).with_caller(ACCESS_KEY_ID));
    let aws = home.folder.path().join(".aws");
    fs::create_dir(&aws).unwrap();
    let write = |name: &str, key: &str, secret: &str| {
        let text = format!("[work]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
        fs::write(aws.join(name), text).unwrap();
    };
    write("credentials", ACCESS_KEY_ID, SECRET_ACCESS_KEY);
    let call = || home.call(&[PRIVATE]);
    let assert_another = |what: &str, call: &dyn Fn() -> Call| {
        let (entries, tokens) = (home.entries().len(), home.tokens());
        for _ in 0..2 {
            let outcome = call().run();
            assert_eq!(outcome.status, 0, "{what}: {outcome:?}");
        }
        assert_eq!((home.entries().len(), home.tokens()), (entries + 1, tokens + 1), "{what}");
    };
    let work = || call().argument("--profile").argument("work");
    assert_another("keys", &call);
    assert_another("other keys", &|| {
        call().variable("AWS_ACCESS_KEY_ID", "AKIDKEYWARDTEST0002").variable("AWS_SECRET_ACCESS_KEY", "another-secret")
    });
    assert_another("a profile", &work);
    assert_another("a role", &|| call().argument("--role-arn").argument(role));
    assert_another("a region", &|| call().variable("AWS_REGION", "eu-west-1"));
    assert_another("an endpoint", &|| call().variable("AWS_ENDPOINT_URL_ECR", home.fake().url()));
    assert_another("a permission", &|| call().argument("--allow-process"));
    write("credentials", "AKIDKEYWARDTEST0002", "another-secret");
    assert_another("the profile's other keys", &work);
    // What the shared files mean for it, only a lookup knows.
    assert_another("keys beside other files", &call);
}

#[test]
fn after_half_of_its_life_a_credential_is_refreshed_before_the_answer() {
    let home = Home::new();
    home.assert_found();
    home.age(5);
    home.assert_found();
    assert_eq!(home.tokens(), 1);
    home.age(2);
    home.assert_found();
    assert_eq!(home.tokens(), 2);
    home.assert_found();
    assert_eq!(home.tokens(), 2);
}

#[test]
fn while_a_refresh_fails_the_old_credential_is_handed_out_and_the_reason_is_said_once_a_minute() {
    let home = Home::new();
    home.assert_found();
    home.age(7);
    for answer in [
        Answer::aws_error(400, "AccessDeniedException", "not you"),
        Answer::aws_error(500, "ServerException", "oh"),
        Answer::DropConnection,
    ] {
        home.fake().answer_next(answer);
        let asked = home.fake().counters().requests;
        let outcome = home.get();
        assert_eq!((outcome.status, outcome.output.trim()), (0, &*private_password(DEFAULT_ACCOUNT, "us-east-1")));
        let said = "; the credential that was found before is handed out, until 20";
        assert!(outcome.errors.starts_with("note: ") && outcome.errors.contains(said), "{outcome:?}");
        assert_eq!(outcome.errors.lines().count(), 1);
        assert_eq!(home.fake().counters().requests, asked + 1);
        // For a minute, nobody is asked, and nothing is said.
        home.assert_found();
        assert_eq!(home.fake().counters().requests, asked + 1);
        let mut content = home.content();
        content["refresh_failed_at"] = (content["refresh_failed_at"].as_u64().unwrap() - 60).into();
        fs::write(home.entry(), content.to_string()).unwrap();
    }
    home.assert_found();
    assert_eq!(home.tokens(), 2);
    assert!(home.content()["refresh_failed_at"].is_null());
}

#[test]
fn what_is_over_is_never_handed_out() {
    let home = Home::new();
    home.assert_found();
    for hours in [12, 24] {
        home.age(hours);
        home.fake().answer_next(Answer::aws_error(400, "AccessDeniedException", "not you"));
        let outcome = home.get();
        assert_eq!((outcome.status, outcome.output.as_str()), (5, ""), "{outcome:?}");
        assert!(outcome.errors.starts_with("error: "), "{outcome:?}");
    }
    // It comes from the future, and from another run of the machine.
    let mut content = home.content();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    content["begin"] = (now + HOUR).into();
    content["expires_at"] = (now + 13 * HOUR).into();
    content["boot"]["id"] = "another".into();
    fs::write(home.entry(), content.to_string()).unwrap();
    home.assert_found();
    assert_eq!(home.tokens(), 2);
}

#[test]
fn a_short_life_is_used_but_for_its_last_tenth() {
    let home = Home::new();
    home.fake().set_token_lifetime(Duration::from_secs(300));
    home.assert_found();
    let mut content = home.content();
    for time in ["begin", "expires_at"] {
        content[time] = (content[time].as_u64().unwrap() - 280).into();
    }
    fs::write(home.entry(), content.to_string()).unwrap();
    home.fake().answer_next(Answer::aws_error(400, "AccessDeniedException", "not you"));
    assert_eq!(home.get().status, 5);
}

#[test]
fn turned_off_the_cache_is_neither_read_nor_written() {
    let home = Home::new();
    let off = || home.call(&[PRIVATE]).variable("KEYWARD_CACHE", "off").run();
    assert_found(&off());
    assert_eq!(names(home.folder.path()).len(), 0);
    home.assert_found();
    assert_found(&off());
    assert_eq!(home.tokens(), 3);
}

#[test]
fn a_failure_is_never_kept_and_of_other_registries_nothing_is_looked_at() {
    let home = Home::new();
    assert_eq!(home.call(&["docker.io"]).run().status, 3);
    assert_eq!(names(home.folder.path()).len(), 0);
    for code in ["AccessDeniedException", "ThrottlingException"] {
        home.fake().answer_next(Answer::aws_error(400, code, "no"));
        assert_ne!(home.get().status, 0);
        assert_eq!(home.names(), ["key"]);
    }
    assert_ne!(home.call(&[PRIVATE, "--profile", "none"]).run().status, 0);
    assert_eq!(home.names(), ["key"]);
    home.assert_found();
}

#[test]
#[cfg(target_os = "linux")]
fn a_killed_process_leaves_no_lock_that_anybody_waits_for() {
    let home = Home::new();
    home.fake().answer_next(Answer::Silence);
    let running = home.call(&[PRIVATE]).variable("KEYWARD_DEADLINE", "600").start();
    home.fake().wait_until("it has asked", |fake| fake.counters().requests == 1);
    let has_lock = || home.names().iter().any(|name| name.ends_with(".lock"));
    assert!(has_lock());
    // Killed.
    drop(running);
    home.assert_found();
    assert_eq!(home.fake().counters().requests, 2);
    assert!(!has_lock() && home.names().len() == 2, "{:?}", home.names());
}

#[test]
#[cfg(target_os = "linux")]
fn who_waits_for_another_process_waits_for_half_of_the_deadline_and_then_says_what_is_wrong_itself() {
    let home = Home::new();
    home.fake().answer_always(Answer::Silence);
    let running = home.call(&[PRIVATE]).variable("KEYWARD_DEADLINE", "600").start();
    home.fake().wait_until("it has asked", |fake| fake.counters().requests == 1);
    // Long enough for a machine that is busy with other things to ask within the second half.
    let outcome = home.call(&[PRIVATE]).variable("KEYWARD_DEADLINE", "6").run();
    let text = format!("error: no credential within 6s, while it waited for the answer of {} for ", home.fake().url());
    assert!(outcome.status == 9 && outcome.errors.starts_with(&text), "{outcome:?}");
    assert_eq!(home.fake().counters().requests, 2);
    // Who waits can be ended.
    let waiting = home.call(&[PRIVATE]).variable("KEYWARD_DEADLINE", "600").start();
    until("it waits", || waiting.catches(Signal::TERM) && waiting.is_asleep());
    waiting.signal(Signal::TERM);
    let outcome = waiting.finish();
    assert_eq!((outcome.status, home.fake().counters().requests), (10, 2), "{outcome:?}");
    drop(running);
}

#[test]
fn what_nobody_will_use_goes_when_something_new_is_kept() {
    let home = Home::new();
    home.assert_found();
    let cache = home.cache();
    let name = |digit: &str, end: &str| [digit.repeat(64).as_str(), end].concat();
    let (over, damaged) = (name("a", ".v1.json"), name("b", ".v1.json"));
    let (orphan, young, temporary) = (name("c", ".lock"), name("d", ".lock"), ".new-1-2-3");
    home.age(13);
    fs::rename(home.entry(), cache.join(&over)).unwrap();
    for file in [damaged.as_str(), &orphan, &young, temporary, "somebody's"] {
        fs::write(cache.join(file), "").unwrap();
        fs::set_permissions(cache.join(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let old = SystemTime::now() - Duration::from_secs(11 * 60);
    for file in [orphan.as_str(), temporary, "somebody's"] {
        fs::File::options().write(true).open(cache.join(file)).unwrap().set_modified(old).unwrap();
    }
    home.assert_found();
    let own = home.entry().file_name().unwrap().to_str().unwrap().to_owned();
    let mut expected = vec![own, young, "key".to_owned(), "somebody's".to_owned()];
    expected.sort();
    assert_eq!(home.names(), expected);
}
