use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::life;
use crate::replay::{Failure, Replay};

const REGISTRY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

fn opened() -> (tempfile::TempDir, FileCache) {
    let home = tempfile::tempdir().unwrap();
    let cache = FileCache::open(&home.path().join("a/b/keyward"), &Config::new()).unwrap();
    (home, cache)
}

fn credential(seconds: u64) -> Credential {
    Credential::new("AWS", "hunter2".to_owned(), Some(life::now() + seconds))
}

fn registry(account: usize) -> Request {
    Request::new(&format!("{account:012}.dkr.ecr.us-east-1.amazonaws.com"))
}

#[test]
fn what_is_stored_is_found_until_it_is_removed() {
    let (_home, cache) = opened();
    let request = Request::new(REGISTRY);
    assert_eq!(cache.find(&request), Ok(None));
    cache.remove(&request).unwrap();
    let credential = credential(3600);
    cache.store(&request, &credential).unwrap();
    let found = cache.find(&request).unwrap().unwrap();
    assert_eq!((&found.credential, found.is_due, found.is_over()), (&credential, false, false));
    cache.remove(&request).unwrap();
    assert_eq!(cache.find(&request), Ok(None));
    // Nobody knows when it ends.
    cache.store(&request, &Credential::new("AWS", "p".to_owned(), None)).unwrap();
    assert_eq!(cache.find(&request), Ok(None));
    // It is over already.
    cache.store(&request, &self::credential(0)).unwrap();
    assert_eq!(cache.find(&request), Ok(None));
}

/// Whoever waits for a lookup has read it before, and hands it out afterwards.
#[test]
fn what_was_found_says_when_it_is_over() {
    let found = |begin: u64| {
        let moment = Moment { wall: begin, boot: None };
        let entry = Entry::new(REGISTRY.to_owned(), &credential(3600), moment).unwrap();
        FileCacheEntry { credential: entry.credential(), is_due: true, term: entry.term() }
    };
    assert!(!found(life::now() - 3600).is_over());
    // It lives no longer than twelve hours, whatever it says.
    assert!(found(life::now() - 12 * 3600).is_over());
}

#[test]
fn what_is_found_after_the_shared_files_were_changed_is_not_kept_under_the_old_name_or_the_new() {
    let home = tempfile::tempdir().unwrap();
    let credentials = home.path().join("credentials");
    let config = Config::new().with_variable("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap());
    let open = || FileCache::open(&home.path().join("keyward"), &config).unwrap();
    let request = Request::new(REGISTRY);
    let write = |content: &str| fs::write(&credentials, content).unwrap();
    write("[default]\naws_access_key_id = a");
    let cache = open();
    write("[default]\naws_access_key_id = b");
    cache.store(&request, &credential(3600)).unwrap();
    assert_eq!((cache.find(&request), open().find(&request)), (Ok(None), Ok(None)));
    write("[default]\naws_access_key_id = a");
    cache.store(&request, &credential(3600)).unwrap();
    assert!(cache.find(&request).unwrap().is_some());
}

#[test]
fn who_asks_for_an_explanation_finds_the_same_entry() {
    let (_home, cache) = opened();
    let explained = Request::new(REGISTRY).with_explanation();
    cache.store(&explained, &credential(3600)).unwrap();
    assert!(cache.find(&Request::new(REGISTRY)).unwrap().is_some());
    cache.remove(&Request::new(REGISTRY)).unwrap();
    assert_eq!(cache.find(&explained), Ok(None));
}

#[test]
fn a_failed_refresh_is_remembered_where_there_is_an_entry() {
    let (_home, cache) = opened();
    let request = Request::new(REGISTRY);
    cache.refresh_failed(&request).unwrap();
    assert_eq!(cache.find(&request), Ok(None));
    cache.store(&request, &credential(3600)).unwrap();
    let mut entry = cache.read(&cache.entry_path(&request)).unwrap().unwrap();
    // As it is after 40 minutes.
    let mut now = Moment::now();
    now.wall += 40 * 60;
    assert!(entry.is_due(&now));
    entry.set_refresh_failed(&now);
    cache.write(&request, &entry).unwrap();
    let entry = cache.read(&cache.entry_path(&request)).unwrap().unwrap();
    assert!(!entry.is_due(&now) && entry.phase(&now) == Phase::Stale);
}

#[test]
fn the_list_has_the_registries_of_this_identity_and_no_other() {
    let (home, cache) = opened();
    let folder = home.path().join("a/b/keyward");
    let of = |profile: &'static str| move |registry: &str| Request::new(registry).with_profile(profile);
    for account in [2, 1] {
        let registry = registry(account).registry().to_owned();
        cache.store(&of("one")(&format!("https://{registry}/v2/")), &credential(3600)).unwrap();
    }
    cache.store(&of("two")(REGISTRY), &credential(3600)).unwrap();
    cache.store(&of("one")("public.ecr.aws"), &credential(0)).unwrap();
    let listed = |cache: &FileCache, profile| cache.entries(of(profile)).into_keys().collect::<Vec<_>>();
    let registries: Vec<_> = [1, 2].map(|account| registry(account).registry().to_owned()).into();
    assert_eq!(listed(&cache, "one"), registries);
    assert_eq!(listed(&cache, "two"), [REGISTRY]);
    assert!(cache.entries(Request::new).is_empty());
    let other = FileCache::open(&folder, &Config::new().with_variable("AWS_REGION", "r")).unwrap();
    assert!(other.entries(of("one")).is_empty());
}

#[test]
fn who_only_looks_makes_no_folder() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("keyward");
    let error = FileCache::open_existing(&folder, &Config::new()).unwrap_err();
    assert!(!error.is_worth_saying() && !folder.exists());
    FileCache::open(&folder, &Config::new()).unwrap();
    FileCache::open_existing(&folder, &Config::new()).unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o7777, 0o700);
}

#[test]
fn of_too_many_entries_those_go_that_end_soonest() {
    let (home, cache) = opened();
    for account in 0..10 {
        cache.store(&registry(account), &credential(3600 + 60 * (account as u64 * 7 % 10))).unwrap();
    }
    prune::prune(&home.path().join("a/b/keyward"), 4);
    let mut left: Vec<usize> = (0..10)
        .filter(|account| cache.find(&registry(*account)).unwrap().is_some())
        .map(|account| account * 7 % 10)
        .collect();
    left.sort_unstable();
    assert_eq!(left, [6, 7, 8, 9]);
}

#[test]
fn what_somebody_looks_up_at_this_moment_is_not_pruned() {
    let (home, cache) = opened();
    let request = Request::new(REGISTRY);
    cache.store(&request, &credential(0)).unwrap();
    let held = cache.try_lock(&request).unwrap().unwrap();
    cache.prune();
    assert!(cache.entry_path(&request).exists());
    drop(held);
    cache.prune();
    let left: Vec<_> = fs::read_dir(home.path().join("a/b/keyward")).unwrap().collect();
    assert_eq!(left.len(), 1, "the key");
}

#[test]
fn an_entry_that_is_open_to_others_is_an_error_that_names_it() {
    let (_home, cache) = opened();
    let request = Request::new(REGISTRY);
    cache.store(&request, &credential(3600)).unwrap();
    let path = cache.entry_path(&request);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = cache.find(&request).unwrap_err();
    assert_eq!(error, FileCacheError::new(&path, FileCacheReason::Open { mode: 0o640 }));
    assert!(error.is_worth_saying());
    assert!(!format!("{cache:?}").contains("hunter2"));
}

/// An entry has the credential in clear, of which nothing may be left in memory that was given back.
#[test]
fn an_entry_is_written_without_growing_its_buffer() {
    let long = "\u{1}".repeat(8_000);
    let credential = Credential::new("AWS", long, Some(life::now() + 60));
    let entry = Entry::new(REGISTRY.to_owned(), &credential, Moment::now()).unwrap();
    let json = entry.to_json();
    assert!(json.len() > 6 * 8_000);
    assert_eq!(json.capacity(), 1024 + 6 * (REGISTRY.len() + "AWS".len() + 8_000));
}

#[test]
fn a_world_that_is_played_has_no_cache() {
    struct Nothing;
    impl Replay for Nothing {
        fn file(&self, _path: &str) -> Option<Result<Vec<u8>, io::ErrorKind>> {
            None
        }

        fn now(&self) -> Duration {
            Duration::ZERO
        }

        fn send(&self, _request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Failure> {
            Err(Failure::NameUnknown)
        }
    }
    let home = tempfile::tempdir().unwrap();
    let config = Config::new().with_replay(Arc::new(Nothing));
    let error = FileCache::open(&home.path().join("keyward"), &config).unwrap_err();
    assert_eq!(error.reason, FileCacheReason::Played);
}
