//! What thousands of cancelled lookups leave behind.

use std::time::Duration;

use keyward::{Budget, CancelToken, Error};
use keyward_testbed::stuck::{AT_ONCE, GIVEN_UP_AFTER, give_up_all};

use crate::Form;
use crate::bed::Bed;
use crate::figures::Table;
use crate::peer::Peer;
use crate::process::part;

const FAULTS: [&str; 5] = ["silence", "tls-silence", "headers-then-silence", "body-drip", "dead-names"];

pub(crate) fn report(form: Form, peer: &Peer) {
    let lookups = if form == Form::Full { "100000" } else { "5000" };
    let columns = ["client", "fault", "before", "at the end", "left after 1 s", "back after", "failed before"];
    let mut held = Table::new(&[&columns[..], &["reached"]].concat());
    let tenths = (0..=10).map(|tenth| format!("{}%", tenth * 10));
    let columns: Vec<String> =
        ["client", "fault"].map(str::to_owned).into_iter().chain(tenths).chain(["KiB per 1,000".to_owned()]).collect();
    let mut resident = Table::new(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    for (client, fault, rows) in [
        ("keyward", "all five, mixed", part(&["left-behind", lookups])),
        ("sdk", "silence", peer.part(&["left-behind", "silence", lookups])),
        ("sdk", "dead-names", peer.part_with_dead_names(&["left-behind", "dead-names", lookups])),
    ] {
        let of_kind = |kind: &str| {
            let rows = rows.clone()?.into_iter().filter(|row| row[0] == kind);
            Ok::<_, String>(rows.map(|row| row[1..].to_vec()).collect())
        };
        held.part(&[client, fault], of_kind("held"));
        resident.part(&[client, fault], of_kind("resident"));
    }
    held.note("goal: 0/0/0 after one second; the figures are tasks/threads/descriptors, what is left is what is more than before");
    held.note("failed before: those that were over before they were given up, since the name server's silence was");
    held.note(&format!("all five: {}", FAULTS.join(", ")));
    held.print(&format!("3. left behind by {lookups} lookups, {AT_ONCE} at once, each given up after 0.1 s"));
    resident.note("the slope is that of the last half; no goal but none that means a leak");
    resident.print("   resident memory at every tenth of them, in MiB");
}

pub(crate) async fn measure(words: &[&str]) {
    let [lookups] = words else { panic!("{words:?}") };
    let bed = Bed::new(&FAULTS, 2 * AT_ONCE).await;
    let give_up = |number: usize| {
        let (resolver, fault) = (bed.resolver.clone(), FAULTS[number % FAULTS.len()]);
        let registry = bed.stuck[number % FAULTS.len()].clone();
        async move {
            let cancel = CancelToken::new();
            let budget = Budget::default().with_deadline(Duration::MAX);
            let later = async {
                tokio::time::sleep(GIVEN_UP_AFTER).await;
                cancel.cancel();
            };
            let (lookup, ()) = tokio::join!(resolver.look_up(&registry, &budget, &cancel), later);
            match lookup.result {
                Err(Error::Cancelled { .. }) => false,
                // Lookups share a question, which comes to its end though each of them is given up long before.
                Err(Error::Unavailable(_)) if fault == "dead-names" => true,
                other => panic!("{fault}: {other:?}"),
            }
        }
    };
    give_up_all(lookups.parse().expect("a number"), give_up).await;
}
