//! Thousands of lookups that get stuck in every way and are ended in every way, side by side.

use std::time::Duration;

use keyward::{Budget, CancelToken, Error};
use keyward_testbed::resident_bytes;
use tokio::task::JoinSet;

use crate::held::{Held, no_lookup_is_left};
use crate::matrix::End;
use crate::stuck::{Bed, HEALTHY, Trouble};

/// How many are stuck at once.
const AT_ONCE: usize = 200;

/// How much larger the process may be at the end than half-way: what allocators keep differs from moment to moment, and
/// one leaked connection or store each would be a hundred times as much.
const NOISE: usize = 8 * 1024 * 1024;

pub(crate) async fn run(lookups: usize) {
    let bed = Bed::new(Trouble::all().filter(|trouble| trouble.hangs())).await;
    assert_eq!(bed.troubles.len(), Trouble::all().filter(|trouble| trouble.hangs()).count(), "too few regions");
    round(&bed, 0).await;
    let before = Held::at_rest().await;
    let (mut ended, mut rounds, mut half_way) = (0, 1, None);
    while ended < lookups {
        ended += round(&bed, rounds).await;
        rounds += 1;
        if ended >= lookups / 2 {
            half_way = half_way.or_else(resident_bytes);
        }
        // Whatever was stuck, and while the next ones are not yet: the healthy registry answers.
        bed.resolver.resolve(HEALTHY).await.unwrap();
    }
    for (_, _, server) in &bed.troubles {
        server.sees_all_closed().await;
    }
    no_lookup_is_left(&bed.resolver, "the soak").await;
    before.is_reached_again("the soak").await;
    if let (Some(half_way), Some(end)) = (half_way, resident_bytes()) {
        assert!(end < half_way + NOISE, "{half_way} bytes were resident half-way and {end} are at the end");
        println!("{ended} lookups cancelled: resident {} KiB half-way, {} KiB at the end", half_way / 1024, end / 1024);
    }
    assert!(bed.healthy.connections_open() <= 1);
}

/// As many lookups as may be stuck at once, of every kind, each with another end; the next to end is never the next that
/// was begun.
async fn round(bed: &Bed, round: usize) -> usize {
    let mut lookups = JoinSet::new();
    for index in 0..AT_ONCE {
        let kind = index + round;
        let (_, registry, _) = &bed.troubles[kind % bed.troubles.len()];
        let end = [End::Cancel, End::Deadline, End::Drop][(kind / bed.troubles.len()) % 3];
        let after = Duration::from_millis(10 + (index * 7 % 31) as u64);
        let (resolver, registry) = (bed.resolver.clone(), registry.clone());
        lookups.spawn(async move {
            let deadline = if end == End::Deadline { after } else { Duration::MAX };
            let (budget, cancel) = (Budget::default().with_deadline(deadline), CancelToken::new());
            let lookup = resolver.look_up(&registry, &budget, &cancel);
            let result = match end {
                End::Deadline => Some(lookup.await.result),
                End::Drop => tokio::time::timeout(after, lookup).await.ok().map(|lookup| lookup.result),
                End::Cancel => {
                    let later = async {
                        tokio::time::sleep(after).await;
                        cancel.cancel();
                    };
                    Some(tokio::join!(lookup, later).0.result)
                }
            };
            let is_right = matches!(
                (&result, end),
                (None, End::Drop)
                    | (Some(Err(Error::Cancelled { .. })), End::Cancel)
                    | (Some(Err(Error::Timeout { .. })), End::Deadline)
            );
            assert!(is_right, "{registry}, {end:?}: {result:?}");
        });
    }
    let mut ended = 0;
    while let Some(lookup) = lookups.join_next().await {
        lookup.unwrap();
        ended += 1;
    }
    ended
}
