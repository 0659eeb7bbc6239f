//! What thousands of cancelled lookups leave behind.

use std::time::Duration;

use keyward::{Budget, CancelToken, Error};
use keyward_testbed::resident_bytes;
use tokio::task::JoinSet;

use crate::Form;
use crate::bed::Bed;
use crate::figures::{Table, emit, mebibytes, met, milliseconds};
use crate::held::Held;
use crate::process::{DEAD_NAMES, part, part_with_dead_names};
use crate::sdk;
use crate::server::Servers;

const FAULTS: [&str; 5] = ["silence", "tls-silence", "headers-then-silence", "body-drip", "dead-names"];

const AT_ONCE: usize = 500;

/// After which a lookup is given up.
const GIVEN_UP_AFTER: Duration = Duration::from_millis(100);

/// How long is waited until nothing is left that was not there before; what counts is what is left after a second.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn report(form: Form) {
    let lookups = if form == Form::Full { "100000" } else { "5000" };
    let columns = ["client", "fault", "before", "at the end", "left after 1 s", "back after", "failed before"];
    let mut held = Table::new(&[&columns[..], &["reached"]].concat());
    let tenths = (0..=10).map(|tenth| format!("{}%", tenth * 10));
    let columns: Vec<String> =
        ["client", "fault"].map(str::to_owned).into_iter().chain(tenths).chain(["KiB per 1,000".to_owned()]).collect();
    let mut resident = Table::new(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    for (client, fault, rows) in [
        ("keyward", "all five, mixed", part(&["left-behind", "keyward", lookups])),
        ("sdk", "silence", part(&["left-behind", "sdk-silence", lookups])),
        ("sdk", "dead-names", part_with_dead_names(&["left-behind", "sdk-dead-names", lookups])),
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
    let [client, lookups] = words else { panic!("{words:?}") };
    let lookups = lookups.parse().expect("a number");
    match *client {
        "keyward" => {
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
            give_up_all(lookups, give_up).await;
        }
        peer => {
            let is_silence = peer == "sdk-silence";
            let servers = Servers::start(if is_silence { &["silence"] } else { &[DEAD_NAMES] });
            let endpoint = is_silence.then(|| format!("https://{}", servers.addresses[0]));
            let client = sdk::client(endpoint.as_deref(), &servers.ca_file);
            let give_up = |_| {
                let client = client.clone();
                async move {
                    let result = tokio::time::timeout(GIVEN_UP_AFTER, sdk::call(&client)).await;
                    assert!(result.is_err(), "the call has ended by itself: {result:?}");
                    false
                }
            };
            if is_silence {
                // What it makes once, as it was made for Keyward.
                give_up(0).await;
            }
            give_up_all(lookups, give_up).await;
        }
    }
}

/// `give_up` says whether the lookup has failed before.
async fn give_up_all<GivenUp>(lookups: usize, give_up: impl Fn(usize) -> GivenUp)
where
    GivenUp: Future<Output = bool> + Send + 'static,
{
    let before = Held::at_rest().await;
    let resident = || resident_bytes().expect("only Linux tells what is resident");
    let (mut tenths, mut begun, mut ended) = (vec![resident()], 0, 0);
    let mut failed = 0;
    let mut under_way = JoinSet::new();
    while ended < lookups {
        // Beyond the last, so that as many are under way at every tenth.
        while under_way.len() < AT_ONCE {
            under_way.spawn(give_up(begun));
            begun += 1;
        }
        let has_failed = under_way.join_next().await.expect("some are under way").expect("no lookup panics");
        failed += usize::from(has_failed);
        ended += 1;
        if ended % (lookups / 10) == 0 {
            tenths.push(resident());
        }
    }
    under_way.join_all().await;
    let at_end = Held::now();
    let back = Held::is_back(before, Duration::from_secs(1)).await;
    let left = Held::now().above(before);
    let back = match back {
        Some(time) => milliseconds(time),
        None => match Held::is_back(before, PATIENCE).await {
            Some(time) => format!("{:.1} s", 1.0 + time.as_secs_f64()),
            None => format!("not in {} s", PATIENCE.as_secs()),
        },
    };
    emit([
        "held".to_owned(),
        before.cell(),
        at_end.cell(),
        left.cell(),
        back,
        failed.to_string(),
        met(left.is_nothing()),
    ]);
    let slope = slope(&tenths[5..]) / (lookups as f64 / 10.0 / 1_000.0) / 1024.0;
    let cells = tenths.iter().map(|&bytes| mebibytes(bytes)).chain([format!("{slope:.1}")]);
    emit(["resident".to_owned()].into_iter().chain(cells));
}

/// How much more there is from one value to the next, by the least squares.
fn slope(values: &[usize]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<usize>() as f64 / count;
    let distances = || (0..values.len()).map(|index| index as f64 - (count - 1.0) / 2.0);
    let together: f64 = distances().zip(values).map(|(distance, &value)| distance * (value as f64 - mean)).sum();
    together / distances().map(|distance| distance * distance).sum::<f64>()
}
