//! Attacks through calls of the host: its memory, its tables, its files and variables.

use std::fs;

use keyward::{Budget, Config, Error, Limit};

use crate::memory::growth_during;
use crate::{Target, is_over, is_trap};

#[tokio::test]
async fn handles_that_are_never_dropped_end_at_their_limit() {
    let target = Target::without_grants().await;
    target.assert_ends(&[("open-handles", Budget::default(), |error| is_over(error, Limit::Handles))]).await;
}

#[tokio::test]
async fn random_numbers_are_there_and_not_without_end() {
    let target = Target::without_grants().await;
    assert_eq!(target.answer("random 32").await.0, "32");
    let is_over_limit: fn(&Error) -> bool = |error| is_trap(error);
    target
        .assert_ends(&[
            ("random 100000000", Budget::default(), is_over_limit),
            // All of a 32-bit memory: nobody can have that many.
            ("random 4294967295", Budget::default(), is_over_limit),
        ])
        .await;
}

#[tokio::test]
async fn headers_without_end_and_large_ones_end_at_a_limit() {
    let target = Target::without_grants().await;
    let is_over_limit: fn(&Error) -> bool = |error| is_over(error, Limit::HeaderBytes) || is_trap(error);
    target
        .assert_ends(&[
            ("flood-headers", Budget::default(), is_over_limit),
            ("big-header 500000", Budget::default(), is_over_limit),
            ("big-header 4000000", Budget::default(), is_over_limit),
        ])
        .await;
    assert_eq!(target.answer("big-header 1000").await.1, "the header was taken");
}

#[tokio::test]
async fn a_list_that_is_too_long_for_one_call_ends_at_its_limit() {
    let target = Target::without_grants().await;
    target.assert_ends(&[("big-call 4000000", Budget::default(), |error| is_trap(error))]).await;
}

/// 1 GB for the host, some 260 KB for the component.
#[tokio::test]
async fn a_list_whose_elements_are_all_the_same_bytes_is_charged_for_each_of_them() {
    let target = Target::without_grants().await;
    let growth = growth_during(async {
        let error = target.error("alias-headers 10000 100000", &Budget::default()).await;
        assert!(is_trap(&error), "{error:?}");
    });
    let growth = growth.await;
    assert!(growth.is_none_or(|growth| growth < 250 << 20), "{growth:?}");
}

#[tokio::test]
async fn files_that_are_never_closed_end_at_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, large) = (folder.path().join("empty"), folder.path().join("large"));
    fs::write(&empty, "").unwrap();
    fs::write(&large, vec![b'x'; 1 << 20]).unwrap();
    let config = Config::new()
        .with_variable("AWS_CONFIG_FILE", empty.to_str().unwrap())
        .with_variable("AWS_SHARED_CREDENTIALS_FILE", large.to_str().unwrap());
    let target = Target::new(config).await;

    let error = target.error(&format!("open-files {}", empty.display()), &Budget::default()).await;
    assert!(is_over(&error, Limit::Handles), "{error:?}");

    // Here it is the bytes, which the component is told of.
    let growth = growth_during(async {
        let error = target.error(&format!("open-files {}", large.display()), &Budget::default()).await;
        assert!(matches!(&error, Error::Invalid(text) if text.starts_with("after ")), "{error:?}");
    });
    let growth = growth.await;
    assert!(growth.is_none_or(|growth| growth < 250 << 20), "{growth:?}");
}

#[tokio::test]
async fn a_file_that_was_granted_can_be_read_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (granted, other) = (folder.path().join("granted"), folder.path().join("other"));
    fs::write(&granted, "granted").unwrap();
    fs::write(&other, "secret").unwrap();
    let (granted, other) = (granted.to_str().unwrap(), other.to_str().unwrap());
    let target = Target::new(Config::new().with_variable("AWS_CONFIG_FILE", granted)).await;

    assert_eq!(target.answer(&format!("read {granted}")).await.1, "granted");
    let beside = format!("{granted}/../other");
    let folder = folder.path().to_str().unwrap();
    for path in [other, &beside, folder, "/", ".", "/etc/passwd", "/proc/self/environ", "../../../../etc/passwd", ""] {
        let error = target.error(&format!("read {path}"), &Budget::default()).await;
        assert!(matches!(error, Error::Invalid(_)), "{path}: {error:?}");
    }
}

#[tokio::test]
async fn a_variable_that_was_granted_can_be_read_and_no_other() {
    let target = Target::new(Config::new().with_variable("AWS_REGION", "moon-1")).await;
    assert_eq!(target.answer("environment AWS_REGION").await.1, "moon-1");
    // Cargo sets the first for this test, so it is not for want of it.
    for name in ["CARGO_MANIFEST_DIR", "PATH", "HOME"] {
        let error = target.error(&format!("environment {name}"), &Budget::default()).await;
        assert!(matches!(error, Error::NoCredentials(_)), "{name}: {error:?}");
    }
}
