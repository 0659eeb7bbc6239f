//! Every fault × every way to end a lookup.

use std::time::Duration;

use keyward::{Budget, CancelToken, Error, Lookup};
use keyward_testbed::{Fault, Footprint};
use tokio::task::JoinSet;

use crate::held::{Held, no_lookup_is_left, until};
use crate::stuck::{Bed, HEALTHY, Trouble};

/// How many lookups are stuck at once.
const LOOKUPS: usize = 25;

/// How a lookup is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Cancel,
    Deadline,
    Drop,
}

pub(crate) async fn run() {
    let (mut hanging, mut failing) = (0, 0);
    for trouble in Trouble::all() {
        if trouble.hangs() {
            for end in [End::Cancel, End::Deadline, End::Drop] {
                stuck(trouble, end).await;
                hanging += 1;
            }
        } else {
            failed(trouble).await;
            failing += 1;
        }
    }
    println!("faults in which a lookup hangs × cancel, deadline, drop: {hanging} of {hanging} leave nothing");
    println!("faults in which a lookup fails by itself: {failing} of {failing} leave nothing");
}

async fn stuck(trouble: Trouble, end: End) {
    let bed = Bed::new([trouble]).await;
    let (_, registry, server) = &bed.troubles[0];
    // What a resolver has once for each name server is made before anything is counted.
    let warm_up = Budget::default().with_deadline(Duration::from_millis(20));
    bed.resolver.look_up(registry, &warm_up, &CancelToken::new()).await.result.unwrap_err();
    server.sees_all_closed().await;
    let seen_before = server.stuck(trouble).unwrap_or_default();
    let before = Held::at_rest().await;

    let cancel = CancelToken::new();
    let mut lookups = JoinSet::new();
    for _ in 0..LOOKUPS {
        let (resolver, registry, cancel) = (bed.resolver.clone(), registry.clone(), cancel.clone());
        let deadline = if end == End::Deadline { Duration::from_millis(500) } else { Duration::MAX };
        let budget = Budget::default().with_deadline(deadline);
        lookups.spawn(async move { resolver.look_up(&registry, &budget, &cancel).await });
    }
    if end != End::Deadline {
        let sockets = || Footprint::now().descriptors >= before.footprint.descriptors.map(|count| count + LOOKUPS);
        let is_stuck = || match server.stuck(trouble) {
            Some(seen) => seen >= seen_before + LOOKUPS,
            None if trouble == Trouble::DeadNames => bed.resolver.live().lookups == LOOKUPS,
            None => sockets(),
        };
        until(&format!("{trouble:?}: every lookup is stuck"), is_stuck).await;
        if trouble == Trouble::DeadNames {
            // They share their questions, so that nobody can see how many ask. By now all do.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        // However many are stuck, none has a thread: there is the one that counts epochs. (A thread for a name that is
        // resolved could not be cancelled.)
        let threads = Footprint::now().threads;
        assert!(threads <= before.footprint.threads.map(|before| before + 1), "{trouble:?}: {before:?}, {threads:?}");
        // Nobody else waits.
        bed.resolver.resolve(HEALTHY).await.unwrap();
        assert_eq!(bed.resolver.live().lookups, LOOKUPS, "{trouble:?}: a lookup has ended by itself");
        match end {
            End::Cancel => cancel.cancel(),
            End::Deadline | End::Drop => lookups.abort_all(),
        }
    }
    while let Some(lookup) = lookups.join_next().await {
        match lookup {
            Ok(lookup) => assert_ended(&lookup, trouble, end),
            Err(aborted) => assert!(end == End::Drop && aborted.is_cancelled(), "{aborted:?}"),
        }
    }
    server.sees_all_closed().await;
    leaves_nothing(&bed, before, &format!("{trouble:?}, {end:?}")).await;
}

fn assert_ended(lookup: &Lookup, trouble: Trouble, end: End) {
    let waiting = match (&lookup.result, end) {
        (Err(Error::Cancelled { waiting_for: Some(waiting) }), End::Cancel) => waiting,
        (Err(Error::Timeout { waiting_for: Some(waiting), .. }), End::Deadline) => waiting,
        _ => panic!("{trouble:?}, {end:?}: {lookup:?}"),
    };
    assert_eq!(waiting.step, trouble.step(), "{trouble:?}, {end:?}: {waiting:?}");
    assert_eq!(waiting.address.is_none(), trouble == Trouble::DeadNames, "{trouble:?}: {waiting:?}");
    assert_eq!(lookup.usage.requests, 1);
    assert!(lookup.usage.fuel > 0 && lookup.usage.peak_memory > 0 && !lookup.usage.wall.is_zero(), "{lookup:?}");
}

/// Faults that end a lookup by themselves.
async fn failed(trouble: Trouble) {
    let bed = Bed::new([trouble]).await;
    let (_, registry, server) = &bed.troubles[0];
    let before = Held::at_rest().await;
    for _ in 0..LOOKUPS {
        let lookup = bed.resolver.look_up(registry, &Budget::default(), &CancelToken::new()).await;
        let is_right = match trouble {
            Trouble::Fault(
                Fault::EndlessBody
                | Fault::EndlessHeaders
                | Fault::ExpiredCertificate
                | Fault::UntrustedCertificate
                | Fault::WrongCertificate,
            ) => {
                matches!(&lookup.result, Err(Error::Invalid(_)))
            }
            Trouble::Fault(Fault::RedirectLoop | Fault::TooLongBody) => {
                matches!(&lookup.result, Err(Error::Invalid(_) | Error::Unavailable(_)))
            }
            _ => matches!(&lookup.result, Err(Error::Unavailable(_))),
        };
        assert!(is_right, "{trouble:?}: {lookup:?}");
    }
    // A connection on which all is well waits for its next request; both its ends are in this process.
    let before = match trouble {
        Trouble::Fault(Fault::ServerError | Fault::RedirectLoop) => before.with_descriptors(2),
        _ => {
            server.sees_all_closed().await;
            before
        }
    };
    leaves_nothing(&bed, before, &format!("{trouble:?}")).await;
}

async fn leaves_nothing(bed: &Bed, before: Held, after: &str) {
    no_lookup_is_left(&bed.resolver, after).await;
    before.is_reached_again(after).await;
    // And nothing is broken.
    bed.resolver.resolve(HEALTHY).await.unwrap();
}
