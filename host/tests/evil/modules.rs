//! Components that no compiler makes: they ask for too much before any of their code runs, and lie about what they
//! return.

use std::time::Duration;

use keyward::{Budget, CancelToken, Config, Error, Lookup, Resolver, SetupError};

use crate::{SHORT, is_trap, wat};

/// Two lookups on a resolver of its own: the first one leaves nothing that makes the second end in another way.
async fn look_up(component: &[u8], budget: &Budget) -> Lookup {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("component.wasm");
    std::fs::write(&file, component).unwrap();
    let resolver = Resolver::new(&Config::new().without_cache().with_component(&file)).unwrap();
    let first = resolver.look_up("any", budget, &CancelToken::new()).await;
    let second = resolver.look_up("any", budget, &CancelToken::new()).await;
    assert_eq!(first.result, second.result);
    assert!(first.usage.peak_memory <= budget.memory, "{first:?}");
    first
}

#[tokio::test]
async fn the_component_around_the_attacks_is_a_right_one() {
    let lookup = look_up(&wat::harmless(), &Budget::default()).await;
    let credential = lookup.result.unwrap();
    assert_eq!((credential.username.as_str(), credential.secret.expose()), ("evil", "evil"));
    assert_eq!(credential.expires_at, None);
}

#[tokio::test]
async fn tables_and_memories_are_charged_to_the_memory_whenever_they_are_made() {
    for (name, component) in [("growing table", wat::growing_table()), ("large memory", wat::large_memory())] {
        let budget = Budget::default();
        let lookup = look_up(&component, &budget).await;
        let Err(Error::OutOfMemory { limit, wanted }) = lookup.result else { panic!("{name}: {lookup:?}") };
        assert_eq!(limit, budget.memory, "{name}");
        assert!(wanted > limit, "{name}: {wanted}");
    }
}

#[tokio::test]
async fn a_component_that_wants_more_than_its_place_in_the_pool_has_is_refused_when_it_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("component.wasm");
    for (name, component) in [
        ("large table", wat::large_table()),
        ("several memories", wat::several_memories()),
        ("instances with memories", wat::many_instances()),
        ("empty instances", wat::many_empty_instances()),
    ] {
        std::fs::write(&file, component).unwrap();
        // Also where few lookups may be under way, as in the command.
        for config in [Config::new(), Config::new().with_max_live_lookups(1)] {
            let refused = Resolver::new(&config.with_component(&file)).unwrap_err();
            assert!(matches!(refused, SetupError::Component { .. }), "{name}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn what_runs_before_the_call_is_under_the_same_budget() {
    for (name, component) in [("start", wat::start_without_end()), ("allocation", wat::allocation_without_end())] {
        let fuel = Budget::default().with_fuel(1_000_000).with_deadline(Duration::MAX);
        let lookup = look_up(&component, &fuel).await;
        assert_eq!(lookup.result, Err(Error::OutOfFuel { limit: 1_000_000 }), "{name}");

        let deadline = Budget::default().with_fuel(u64::MAX).with_deadline(SHORT);
        let lookup = look_up(&component, &deadline).await;
        assert!(matches!(lookup.result, Err(Error::Timeout { waiting_for: None, .. })), "{name}: {lookup:?}");
    }
}

#[tokio::test]
async fn what_a_component_returns_is_checked() {
    for (name, component) in [
        ("allocation out of bounds", wat::allocation_out_of_bounds()),
        ("answer out of bounds", wat::answer_out_of_bounds()),
        ("string that is not text", wat::string_that_is_not_text()),
        ("unknown error", wat::unknown_error()),
    ] {
        let error = look_up(&component, &Budget::default()).await.result.unwrap_err();
        assert!(matches!(error, Error::Trap { .. }), "{name}: {error:?}");
    }
    // This one is 4 GiB long, if it is believed.
    let error = look_up(&wat::string_out_of_bounds(), &Budget::default()).await.result.unwrap_err();
    assert!(is_trap(&error), "{error:?}");
}
