//! Two hundred clients pull from one upstream, while others hang up on it and on one that is stuck. Afterwards nothing is left, and nobody
//! has been disturbed.

use std::time::Duration;

use http::StatusCode;
use keyward_testbed::{Answer, Footprint};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;

use crate::bed::{Bed, LAYER, MANIFEST, OTHER, OTHER_API, REGISTRY, layer, manifest, through, until};
use crate::client;
use crate::hang_up::{ask, read_some};
use crate::random::Random;

const ROUNDS: u64 = 3;
const CLIENTS: u64 = 200;
/// How many hang up in each round, on each of the two.
const HANGING_UP: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_soak_nothing_is_left_and_every_pull_is_whole() {
    allow_many_files();
    let bed = Bed::start_with(|settings| {
        settings.limits.connections = 1_000;
        settings.limits.requests_of_one_upstream = 500;
        // So that what is kept for the next request is soon gone, and the rest is what is left.
        settings.limits.idle = Duration::from_millis(100);
    })
    .await;
    bed.aws.answer_where(|request| request.host == OTHER_API, Answer::Silence);
    let bed = std::sync::Arc::new(bed);
    round(&bed, 0).await;
    let (tasks, footprint) = at_rest(&bed).await;

    for number in 1..=ROUNDS {
        round(&bed, number).await;
        until("no lookup is left", async || bed.resolver.live().lookups == 0).await;
    }
    until(&format!("{tasks} tasks and {footprint:?} are reached again"), async || {
        let now = Footprint::now();
        bed.tasks() <= tasks && now.descriptors <= footprint.descriptors && now.threads <= footprint.threads
    })
    .await;
    until("nobody but who asks is connected", async || bed.metric("registry_proxy_connections").await == 1).await;
    for upstream in [REGISTRY, OTHER] {
        let waiting = format!("registry_proxy_requests_waiting{{upstream=\"{upstream}\"}}");
        assert_eq!(bed.metric(&waiting).await, 0, "{upstream}");
    }
    let pool = bed.resolver.live().pool.expect("a resolver for many lookups has a pool");
    assert_eq!((pool.instances, pool.memories, pool.stacks, pool.tables), (0, 0, 0, 0));
    bed.aws.wait_until_async("no stuck connection is left", |aws| aws.connections_open() <= 1).await;
    let hung_up =
        bed.metric(&format!("registry_proxy_requests_total{{upstream=\"{OTHER}\",status=\"hung_up\"}}")).await;
    // Some were gone before the proxy had looked at what they wanted.
    assert!((1..=(ROUNDS + 1) * HANGING_UP).contains(&hung_up), "{hung_up}");
    let lookup = format!("{{registry=\"{REGISTRY}\",outcome=\"found\",cache=\"miss\",refresh=\"false\"}}");
    assert_eq!(bed.metric(&format!("keyward_lookups_total{lookup}")).await, 1, "the healthy one's was remembered");
}

/// Everybody at once, each in an order of its own.
async fn round(bed: &std::sync::Arc<Bed>, number: u64) {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let bed = bed.clone();
        clients.spawn(async move {
            let pulled = client::get(bed.address, &through(REGISTRY, MANIFEST)).await;
            assert!(pulled.status == StatusCode::OK && pulled.body == manifest(), "client {client}: {pulled:?}");
            let pulled = client::get(bed.address, &through(REGISTRY, LAYER)).await;
            assert!(pulled.status == StatusCode::OK && pulled.body == layer(), "client {client}: {}", pulled.status);
        });
    }
    for client in 0..HANGING_UP {
        let mut random = Random::new(number * HANGING_UP + client);
        let (on_stuck, on_healthy) = (bed.clone(), bed.clone());
        let (after, bytes) = (Duration::from_millis(random.below(200)), random.below(layer().len() as u64));
        clients.spawn(async move {
            let stream = ask(&on_stuck, OTHER, MANIFEST).await;
            tokio::time::sleep(after).await;
            drop(stream);
        });
        clients.spawn(async move {
            let mut stream = ask(&on_healthy, REGISTRY, LAYER).await;
            read_some(&mut stream, bytes as usize).await;
        });
    }
    while let Some(client) = clients.join_next().await {
        client.expect("every pull is whole");
    }
}

/// What the proxy has when nobody asks it anything.
async fn at_rest(bed: &Bed) -> (usize, Footprint) {
    until("everything is closed", async || bed.registry.connections_open() == 0 && bed.resolver.live().lookups == 0)
        .await;
    // The thread that counts epochs ends some moments after the last lookup.
    tokio::time::sleep(Duration::from_millis(100)).await;
    (bed.tasks(), Footprint::now())
}

/// Lets this process have as many open files as this takes. Clients, proxy and registry are one process here, with about 1,000 at once;
/// a login may have 1,024 on many systems, and less on macOS.
fn allow_many_files() {
    const ENOUGH: u64 = 4_096;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < ENOUGH) {
        let current = Some(maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH)));
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).expect("up to the maximum everybody may raise it");
    }
}
