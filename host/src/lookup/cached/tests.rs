use std::fs;
use std::sync::mpsc;

use keyward::Error;
use serde_json::Value;

use super::*;
use crate::interrupt::Interruption;

const REGISTRY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const DEADLINE: Duration = Duration::from_secs(600);

/// A cache that has a credential that is to be refreshed.
fn with_old() -> (tempfile::TempDir, Shelf, Known) {
    let folder = tempfile::tempdir().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let old = Credential::new("AWS", "old".to_owned(), Some(now + 3600));
    let path = folder.path().join("cache");
    FileCache::open(&path, &Config::new()).unwrap().store(&REGISTRY.into(), &old).unwrap();
    let mut files = fs::read_dir(&path).unwrap().map(|file| file.unwrap().path());
    let entry = files.find(|file| file.extension().is_some_and(|end| end == "json")).unwrap();
    let mut content: Value = serde_json::from_slice(&fs::read(&entry).unwrap()).unwrap();
    content["begin"] = (now - 7 * 3600).into();
    fs::write(&entry, content.to_string()).unwrap();
    let (shelf, mut known) = Shelf::open(Some(&path), &Config::new(), vec![REGISTRY.into()], DEADLINE);
    let known = known.remove(0);
    assert!(matches!(known, Known::Open { cached: Cached::Stale, .. }));
    (folder, shelf, known)
}

fn failure() -> Failure {
    Error::NoCredentials("nobody has any".to_owned()).into()
}

async fn refresh(shelf: &Shelf, known: Known, failure: Failure) -> Answered {
    shelf.answer(&REGISTRY.into(), known, &CancellationToken::new(), async |_| Err(failure)).await
}

#[track_caller]
fn assert_old(answered: &Answered) {
    assert_eq!(answered.answer.as_ref().unwrap().username, "AWS");
    assert!(answered.notes.len() == 1 && answered.notes[0].contains("; the credential that was found before"));
}

#[tokio::test]
async fn a_credential_that_was_read_is_handed_out_when_the_disk_dies_afterwards_and_the_refresh_fails() {
    let (_folder, shelf, known) = with_old();
    let (mount, hanging) = mpsc::channel::<()>();
    let clerk = &shelf.open.as_ref().unwrap().clerk;
    assert!(clerk.ask(Duration::from_millis(5), move || hanging.recv().is_ok()).is_none());
    assert_old(&refresh(&shelf, known, failure()).await);
    drop(mount);
}

#[tokio::test]
async fn a_credential_that_was_read_is_handed_out_when_its_file_cannot_be_read_again_and_the_refresh_fails() {
    let (folder, shelf, known) = with_old();
    for file in fs::read_dir(folder.path().join("cache")).unwrap() {
        fs::write(file.unwrap().path(), "damaged").unwrap();
    }
    assert_old(&refresh(&shelf, known, failure()).await);
}

#[test]
fn a_credential_that_was_read_is_handed_out_when_nothing_can_be_asked() {
    let (_folder, _shelf, known) = with_old();
    assert_old(&known.or_failed(&failure()));
}

#[tokio::test]
async fn who_is_told_to_end_hands_out_nothing() {
    let (_folder, shelf, known) = with_old();
    let interrupted = Failure { interruption: Some(Interruption::Termination), ..failure() };
    assert!(refresh(&shelf, known, interrupted).await.answer.is_err());
}

#[tokio::test]
async fn what_was_removed_meanwhile_is_not_handed_out() {
    let (_folder, shelf, known) = with_old();
    shelf.open.as_ref().unwrap().cache.remove(&REGISTRY.into()).unwrap();
    assert!(refresh(&shelf, known, failure()).await.answer.is_err());
}

#[test]
fn the_disk_is_waited_for_no_longer_than_the_deadline_leaves() {
    let shelf = |deadline| Shelf::without_cache(deadline);
    assert_eq!(shelf(DEADLINE).patience(), MAX_PATIENCE);
    let over = Shelf { begin: Instant::now() - DEADLINE, ..shelf(DEADLINE) };
    assert_eq!((over.patience(), over.left()), (Duration::ZERO, Duration::ZERO));
    let almost_over = Shelf { begin: Instant::now() - DEADLINE + Duration::from_secs(1), ..shelf(DEADLINE) };
    assert!(almost_over.patience() <= Duration::from_secs(1));
}

/// Its credential is there a moment before the deadline.
#[tokio::test]
async fn a_lookup_leaves_some_of_the_deadline_for_the_disk() {
    let (_folder, shelf, known) = with_old();
    let begin = shelf.left();
    let look_up = async |left: Duration| {
        assert!(left <= begin - shelf.reserve());
        Err(failure())
    };
    shelf.answer(&REGISTRY.into(), known, &CancellationToken::new(), look_up).await.answer.unwrap();
}
