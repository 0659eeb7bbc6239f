//! Attacks on processor and memory, crashes, and what a lookup says that ends by itself.

use std::thread;
use std::time::Duration;

use keyward::{Budget, CancelToken, Error};

use crate::memory::growth_during;
use crate::{SHORT, Target, is_trap};

/// Of what a component says before it crashes, more than this is of no use to anybody.
const MOST_SAID: usize = 16 * 1024;

fn unlimited_fuel() -> Budget {
    Budget::default().with_fuel(u64::MAX).with_deadline(SHORT)
}

#[tokio::test]
async fn what_never_ends_is_ended_by_the_deadline_wherever_it_is() {
    let target = Target::without_grants().await;
    let is_timeout: fn(&Error) -> bool = |error| matches!(error, Error::Timeout { deadline: SHORT, waiting_for: None });
    target
        .assert_ends(&[
            ("spin", unlimited_fuel(), is_timeout),
            ("spin-in-calls", unlimited_fuel(), is_timeout),
            ("flood-stderr", unlimited_fuel(), is_timeout),
            ("flood-stdout", unlimited_fuel(), is_timeout),
            ("sleep", unlimited_fuel(), is_timeout),
        ])
        .await;
}

#[tokio::test]
async fn what_never_ends_is_ended_by_its_fuel_long_before_a_deadline() {
    let target = Target::without_grants().await;
    let budget = || Budget::default().with_fuel(5_000_000).with_deadline(Duration::MAX);
    let is_out_of_fuel: fn(&Error) -> bool = |error| *error == Error::OutOfFuel { limit: 5_000_000 };
    target
        .assert_ends(&[
            ("spin", budget(), is_out_of_fuel),
            ("spin-in-calls", budget(), is_out_of_fuel),
            ("flood-stderr", budget(), is_out_of_fuel),
            ("flood-stdout", budget(), is_out_of_fuel),
        ])
        .await;
}

#[tokio::test]
async fn what_never_ends_is_ended_by_a_cancel_from_another_thread() {
    let target = Target::without_grants().await;
    for behaviour in ["spin", "spin-in-calls", "flood-stderr", "sleep"] {
        let cancel = CancelToken::new();
        let canceller = thread::spawn({
            let cancel = cancel.clone();
            move || {
                thread::sleep(SHORT);
                cancel.cancel();
            }
        });
        let budget = unlimited_fuel().with_deadline(Duration::MAX);
        let lookup = target.resolver.look_up(behaviour, &budget, &cancel).await;
        assert!(matches!(lookup.result, Err(Error::Cancelled { waiting_for: None })), "{behaviour}: {lookup:?}");
        canceller.join().unwrap();
        target.assert_clean(behaviour).await;
    }
}

#[tokio::test]
async fn a_lookup_beside_others_that_never_end_is_not_held_up() {
    let target = Target::without_grants().await;
    let cancel = CancelToken::new();
    let stuck: Vec<_> = ["spin", "spin-in-calls", "flood-stderr", "sleep"]
        .into_iter()
        .map(|behaviour| {
            let (resolver, cancel) = (target.resolver.clone(), cancel.clone());
            let budget = unlimited_fuel().with_deadline(Duration::MAX);
            tokio::spawn(async move { resolver.look_up(behaviour, &budget, &cancel).await })
        })
        .collect();
    for _ in 0..10 {
        target.assert_clean("others that are still under way").await;
    }
    assert!(stuck.iter().all(|lookup| !lookup.is_finished()));
    cancel.cancel();
    for lookup in stuck {
        assert!(matches!(lookup.await.unwrap().result, Err(Error::Cancelled { .. })));
    }
}

#[tokio::test]
async fn memory_that_grows_without_end_ends_at_the_budget() {
    let target = Target::without_grants().await;
    for memory in [4 << 20, 16 << 20] {
        let lookup = target.attack("allocate", &Budget::default().with_fuel(u64::MAX).with_memory(memory)).await;
        let Err(Error::OutOfMemory { limit, wanted }) = lookup.result else { panic!("{lookup:?}") };
        assert_eq!(limit, memory);
        assert!(wanted > memory, "{wanted}");
        // It had nearly all of it, and never more.
        let peak = lookup.usage.peak_memory;
        assert!(peak <= memory && peak > memory / 2, "{peak}");
    }
}

#[tokio::test]
async fn crashes_of_every_kind_are_traps() {
    let target = Target::without_grants().await;
    let is_trap: fn(&Error) -> bool = |error| matches!(error, Error::Trap { .. });
    target
        .assert_ends(&[
            ("exit 0", Budget::default(), is_trap),
            ("exit 1", Budget::default(), is_trap),
            ("exit 250", Budget::default(), is_trap),
            ("panic for no reason", Budget::default(), is_trap),
            ("recurse", Budget::default(), is_trap),
            ("trap", Budget::default(), is_trap),
        ])
        .await;
}

#[tokio::test]
async fn a_trap_says_what_the_component_said_before_it() {
    let target = Target::without_grants().await;
    let error = target.error("panic the moon is full", &Budget::default()).await;
    let Error::Trap { said, .. } = &error else { panic!("{error:?}") };
    assert!(said.contains("the moon is full"), "{said}");

    let error = target.error("trap", &Budget::default()).await;
    let Error::Trap { said, .. } = &error else { panic!("{error:?}") };
    assert_eq!(said, "");
}

#[tokio::test]
async fn of_what_a_component_says_the_beginning_is_kept_and_no_more() {
    let target = Target::without_grants().await;
    // Two bytes a letter: a bound in bytes may fall between them.
    let error = target.error(&format!("panic first {}", "é".repeat(100_000)), &Budget::default()).await;
    let Error::Trap { said, .. } = &error else { panic!("{error:?}") };
    assert!(said.contains("first é"), "{said}");
    assert!(said.len() <= MOST_SAID, "{} bytes", said.len());
}

/// What a component says ends in terminals and logs.
#[tokio::test]
async fn what_a_component_says_cannot_steer_a_terminal() {
    let target = Target::without_grants().await;
    let error = target.error("panic \u{1b}[2J\u{7}harmless", &Budget::default()).await;
    let message = error.to_string();
    assert!(message.contains("harmless"), "{message:?}");
    assert!(!message.contains(['\u{1b}', '\u{7}']), "{message:?}");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_never_in_the_hosts_memory() {
    const BYTES: u64 = 300 << 20;
    let target = Target::without_grants().await;
    let attack = format!("return {BYTES}");

    let small = growth_during(async {
        let error = target.error(&attack, &Budget::default()).await;
        assert!(matches!(error, Error::OutOfMemory { .. }), "{error:?}");
    });
    let small = small.await;
    assert!(small.is_none_or(|growth| growth < BYTES / 2), "{small:?}");

    // As much memory as it wants for itself. The host's copy would be as much again.
    let large = growth_during(async {
        let budget = unlimited_fuel().with_memory(1 << 30).with_deadline(Duration::from_secs(60));
        let error = target.error(&attack, &budget).await;
        assert!(is_trap(&error), "{error:?}");
    });
    let large = large.await;
    assert!(large.is_none_or(|growth| growth < BYTES + BYTES / 2), "{large:?}");
}

#[tokio::test]
async fn an_answer_of_usual_size_is_taken() {
    let target = Target::without_grants().await;
    assert_eq!(target.answer("return 5000").await, ("evil".to_owned(), "x".repeat(5000)));
}

#[tokio::test]
async fn each_error_of_the_interface_has_one_of_the_library() {
    let target = Target::without_grants().await;
    let text = || "why it is so".to_owned();
    for (case, expected) in [
        ("denied", Error::Denied(text())),
        ("invalid", Error::Invalid(text())),
        ("no-credentials", Error::NoCredentials(text())),
        ("not-our-registry", Error::NotOurRegistry),
        ("other", Error::Other(text())),
        ("throttled", Error::Throttled(text())),
        ("unavailable", Error::Unavailable(text())),
    ] {
        assert_eq!(target.error(&format!("error {case} why it is so"), &Budget::default()).await, expected);
    }
    let error = target.error("whatever", &Budget::default()).await;
    assert_eq!(error, Error::Other("unknown behaviour".to_owned()));
}
