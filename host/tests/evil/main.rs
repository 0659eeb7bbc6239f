//! A component that attacks the sandbox, tests/evil, against the library: each limit is attacked, each attack ends with
//! the error that says so, and the next lookup on the same resolver is as if there had been none.

mod calls;
mod compute;
mod files;
mod memory;
mod modules;
mod replay;
mod requests;
mod wat;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use keyward::{Budget, CancelToken, Config, Error, Limit, Lookup, Resolver, Usage};

/// A deadline for what would go on for ever: every attack is under way by then.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// The hostile component. It is built where host/build.rs builds the real one, so that nothing is compiled twice.
pub(crate) fn component() -> &'static Path {
    static COMPONENT: OnceLock<PathBuf> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let target_folder =
            Path::new(env!("CARGO_BIN_EXE_keyward")).ancestors().nth(2).expect("TARGET/PROFILE/keyward");
        keyward_component::build_guest("keyward-evil", &target_folder.join("guest"))
            .unwrap_or_else(|error| panic!("{error}"))
    })
}

pub(crate) fn resolver(config: Config) -> Resolver {
    Resolver::new(&config.without_cache().with_component(component())).expect("the hostile component can be loaded")
}

/// What is asked for, under which budget, and which errors are right.
type Attack<'a> = (&'a str, Budget, fn(&Error) -> bool);

/// A resolver under attack, and what a harmless lookup on it used before.
pub(crate) struct Target {
    pub(crate) resolver: Resolver,
    harmless: Usage,
}

impl Target {
    pub(crate) async fn new(config: Config) -> Self {
        Self::of(resolver(config)).await
    }

    /// The one that all tests share that grant nothing: compiling the component takes most of a test's time.
    pub(crate) async fn without_grants() -> Self {
        static SHARED: OnceLock<Resolver> = OnceLock::new();
        Self::of(SHARED.get_or_init(|| resolver(Config::new())).clone()).await
    }

    async fn of(resolver: Resolver) -> Self {
        let harmless = harmless_lookup(&resolver, "nothing").await;
        Self { resolver, harmless }
    }

    /// One lookup, of which nothing may be left in the next one: that one takes exactly as much fuel and memory as it
    /// took before.
    pub(crate) async fn attack(&self, behaviour: &str, budget: &Budget) -> Lookup {
        let lookup = self.resolver.look_up(behaviour, budget, &CancelToken::new()).await;
        self.assert_clean(behaviour).await;
        lookup
    }

    /// As [`attack`](Self::attack), of what has to fail.
    pub(crate) async fn error(&self, behaviour: &str, budget: &Budget) -> Error {
        let lookup = self.attack(behaviour, budget).await;
        lookup.result.err().unwrap_or_else(|| panic!("{} gave a credential", shortened(behaviour)))
    }

    /// As [`attack`](Self::attack), of what has to succeed: the user name and the secret.
    pub(crate) async fn answer(&self, behaviour: &str) -> (String, String) {
        let lookup = self.attack(behaviour, &Budget::default()).await;
        match lookup.result {
            Ok(credential) => (credential.username, credential.secret.expose().to_owned()),
            Err(error) => panic!("{}: {error:?}", shortened(behaviour)),
        }
    }

    /// Every row has to end as it says.
    pub(crate) async fn assert_ends(&self, table: &[Attack<'_>]) {
        for (behaviour, budget, is_right) in table {
            let error = self.error(behaviour, budget).await;
            assert!(is_right(&error), "{}: {error:?}", shortened(behaviour));
        }
    }

    pub(crate) async fn assert_clean(&self, after: &str) {
        let Usage { fuel, peak_memory, requests, bytes_received, .. } = harmless_lookup(&self.resolver, after).await;
        let after = shortened(after);
        assert_eq!((fuel, peak_memory), (self.harmless.fuel, self.harmless.peak_memory), "after {after}");
        assert_eq!((requests, bytes_received), (0, 0), "after {after}");
    }
}

async fn harmless_lookup(resolver: &Resolver, after: &str) -> Usage {
    let lookup = resolver.look_up("ok", &Budget::default(), &CancelToken::new()).await;
    let credential = lookup.result.unwrap_or_else(|error| panic!("after {}: {error:?}", shortened(after)));
    assert_eq!((credential.username.as_str(), credential.secret.expose()), ("evil", "harmless"));
    lookup.usage
}

/// A behaviour as the message of a test has it: some have very long arguments.
fn shortened(behaviour: &str) -> String {
    behaviour.chars().take(80).collect()
}

/// Whether this is the limit that was reached.
pub(crate) fn is_over(error: &Error, limit: Limit) -> bool {
    matches!(error, Error::OverLimit { what, .. } if *what == limit)
}

/// Whether the engine has ended it. For some of its limits wasmtime has no type, but a text alone: that of one host call's
/// bytes, of random bytes, of instances.
pub(crate) fn is_trap(error: &Error) -> bool {
    matches!(error, Error::Trap { .. })
}
