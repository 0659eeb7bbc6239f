//! How many lookups may be under way at once, and what the next one says.
//!
//! The server takes every request and answers none, so lookups stay, and more are begun until one of them ends by itself.

use std::pin::Pin;
use std::time::Duration;

use keyward::{Budget, CancelToken, Error, Resolver};
use keyward_testbed::resident_bytes;
use keyward_testbed::stuck::{Servers, emit};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::Form;
use crate::figures::Table;
use crate::keyward::{REGISTRY, config};
use crate::process::part;

/// By which word a process knows it, and what a person reads.
const LIMITS: [(&str, &str); 3] = [
    ("of-one-registry", "100 of one registry, the default"),
    ("of-a-resolver", "1,000 of a resolver, the default"),
    ("open-files", "512 open files"),
];

/// Of the long form. Past some ten thousand, the kernel has no more mappings for a process (vm.max_map_count).
const MANY: [(&str, &str); 4] = [
    ("10000", "10,000 of a resolver"),
    ("12000", "12,000 of a resolver"),
    ("20000", "20,000 of a resolver"),
    ("60000", "60,000 of a resolver, which has no pool"),
];

/// How many are begun at once: fewer than wait in the queue of a listening socket.
const BATCH: usize = 100;

/// With so few, a process runs out of them first.
const FEW_FILES: u64 = 512;

/// What ended it, and when.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Reached {
    #[serde(default)]
    limit: String,
    /// Whose request the server had.
    lookups: usize,
    kib_per_lookup: f64,
    error: String,
}

pub(crate) fn report(form: Form) -> Vec<Reached> {
    let mut table = Table::new(&["limit", "lookups", "KiB each", "what the next one says"]);
    let many = if form == Form::Full { &MANY[..] } else { &[] };
    let mut all = Vec::new();
    for (word, name) in LIMITS.iter().chain(many) {
        let reached = part(&["limit", word]).and_then(|rows| {
            serde_json::from_str::<Reached>(&rows[0][0]).map_err(|cause| format!("{rows:?} is no figure: {cause}"))
        });
        match reached {
            Ok(reached) => {
                let kib = format!("{:.0}", reached.kib_per_lookup);
                table.row(vec![(*name).to_owned(), reached.lookups.to_string(), kib, reached.error.clone()]);
                all.push(Reached { limit: (*name).to_owned(), ..reached });
            }
            Err(reason) => table.note(&format!("NOT MEASURED: {name}: {reason}")),
        }
    }
    table.note(
        "lookups: those that wait for an answer when the next one fails; KiB: resident, the component's image counted",
    );
    table.note("for each of them; what is a lookup's own is in section 4 of: cargo bench -p keyward --bench stuck");
    table.print("3. where it ends, and with which error");
    all
}

/// What a process does that finds a limit, and what it does it on.
pub(crate) fn measured(limit: &str) -> (Runtime, Pin<Box<dyn Future<Output = ()>>>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut servers = Servers::start(&["silence"]);
    let config = match limit {
        "of-one-registry" => config(&servers),
        "of-a-resolver" => config(&servers).with_max_live_lookups_of_one_registry(usize::MAX),
        "open-files" => {
            let maximum = getrlimit(Resource::Nofile).maximum;
            setrlimit(Resource::Nofile, Rlimit { current: Some(FEW_FILES), maximum }).expect("fewer is always allowed");
            config(&servers).with_max_live_lookups_of_one_registry(usize::MAX)
        }
        number => {
            let number = number.parse().expect("a number");
            config(&servers).with_max_live_lookups(number).with_max_live_lookups_of_one_registry(number)
        }
    };
    let resolver = Resolver::new(&config).expect("the component that is built in");
    let measured = async move {
        let before = resident_bytes().unwrap_or_default();
        let (mut lookups, mut kib_per_lookup) = (JoinSet::new(), 0.0);
        let error = loop {
            for _ in 0..BATCH {
                let resolver = resolver.clone();
                lookups.spawn(async move { look_up(&resolver).await });
            }
            if let Some(error) = have_come_or_failed(&mut servers, &mut lookups).await {
                break error;
            }
            // Now, since a process that has no file left to open cannot look at its memory.
            let grown = resident_bytes().unwrap_or_default().saturating_sub(before);
            kib_per_lookup = grown as f64 / 1024.0 / lookups.len() as f64;
        };
        let lookups = servers.seen(0).expect("a silent server counts its requests");
        let reached = Reached { limit: String::new(), lookups, kib_per_lookup, error: error.to_string() };
        emit([serde_json::to_string(&reached).expect("figures")]);
    };
    (runtime, Box::pin(measured))
}

/// Nothing but a failure ends it.
async fn look_up(resolver: &Resolver) -> Error {
    let budget = Budget::default().with_deadline(Duration::MAX);
    let lookup = resolver.look_up(REGISTRY, &budget, &CancelToken::new()).await;
    lookup.result.expect_err("nobody gets out of silence")
}

/// Waits until the server has all their requests, or one has failed.
async fn have_come_or_failed(servers: &mut Servers, lookups: &mut JoinSet<Error>) -> Option<Error> {
    loop {
        if let Some(ended) = lookups.try_join_next() {
            return Some(ended.expect("a lookup does not panic"));
        }
        if servers.seen(0) >= Some(lookups.len()) {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
