//! `cargo bench -p keyward`: what the sandbox costs, on this machine, now.
//!
//! The figures that are no times (sizes, fuel) are printed first; they are the same in every run of one build. The peer
//! of a lookup is the same signed request sent by a plain client over the same kind of connection: what any program would
//! have to do.

#[path = "scale/plain_client.rs"]
mod plain_client;

use std::fs;
use std::path::Path;

use divan::Bencher;
use keyward::{Budget, CancelToken, Config, Error, Resolver};
use keyward_testbed::{ACCESS_KEY_ID, FakeAws, SECRET_ACCESS_KEY};
use tokio::runtime::{Builder, Runtime};

use crate::plain_client::{PlainClient, Signed, connector};

const PRIVATE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

/// A registry of a region that belongs to another partition: only the component knows that.
const IMPOSSIBLE: &str = "123456789012.dkr.ecr.cn-north-1.amazonaws.com";

const PRIVATE_API: &str = "api.ecr.us-east-1.amazonaws.com";

fn main() {
    print_sizes_and_fuel();
    divan::main();
}

fn print_sizes_and_fuel() {
    let size = |file: &str| fs::metadata(Path::new(file)).map(|file| file.len());
    println!("component:        {:>10} bytes", size(env!("KEYWARD_COMPONENT")).expect("the build script wrote it"));
    println!(
        "component, compiled: {:>7} bytes",
        size(&env!("KEYWARD_COMPONENT").replace(".wasm", ".cwasm")).expect("the build script wrote it")
    );
    println!("stripped binary:  {:>10} bytes", size(env!("CARGO_BIN_EXE_keyward")).expect("cargo built it"));
    let fake = FakeAws::start();
    let (runtime, resolver) = (runtime(), resolver(&fake));
    for registry in [PRIVATE, "public.ecr.aws", "docker.io"] {
        let lookup = runtime.block_on(resolver.look_up(registry, &Budget::default(), &CancelToken::new()));
        println!(
            "fuel of a lookup: {:>10} units, peak memory {} bytes ({registry})",
            lookup.usage.fuel, lookup.usage.peak_memory
        );
    }
    println!();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime of one thread")
}

fn config(fake: &FakeAws) -> Config {
    Config::new()
        .without_cache()
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .with_variable("SSL_CERT_FILE", &fake.authority().ca_file().display().to_string())
        .with_connect_to(PRIVATE_API, fake.address())
        .with_connect_to("api.ecr-public.us-east-1.amazonaws.com", fake.address())
}

fn resolver(fake: &FakeAws) -> Resolver {
    Resolver::new(&config(fake)).expect("the component that is built in")
}

/// Engine, component, linker: once per process, as the command does it.
#[divan::bench]
fn load(bencher: Bencher<'_, '_>) {
    let config = Config::new().with_max_live_lookups(1);
    bencher.bench(|| Resolver::new(&config));
}

/// The same with a pool for a thousand lookups at once, as a library does it.
#[divan::bench]
fn load_with_pool(bencher: Bencher<'_, '_>) {
    let config = Config::new();
    bencher.bench(|| Resolver::new(&config));
}

/// Store, instance, drop: the component has fuel for nothing, and ends with its first instruction.
#[divan::bench]
fn instantiate(bencher: Bencher<'_, '_>) {
    let (runtime, resolver) = (runtime(), Resolver::new(&Config::new()).expect("the component that is built in"));
    let budget = Budget::default().with_fuel(1);
    let cancel = CancelToken::new();
    bencher.bench_local(|| {
        let lookup = runtime.block_on(resolver.look_up(PRIVATE, &budget, &cancel));
        assert!(matches!(lookup.result, Err(Error::OutOfFuel { .. })), "it has had a sandbox");
    });
}

/// Store, instance, call, answer, drop: a lookup without a request.
#[divan::bench]
fn instantiate_and_call(bencher: Bencher<'_, '_>) {
    let (runtime, resolver) = (runtime(), Resolver::new(&Config::new()).expect("the component that is built in"));
    bencher.bench_local(|| {
        let result = runtime.block_on(resolver.resolve(IMPOSSIBLE));
        assert!(matches!(result, Err(Error::Invalid(_))), "the component has seen it");
    });
}

/// A whole lookup over a connection that is open already.
#[divan::bench]
fn warm_lookup(bencher: Bencher<'_, '_>) {
    let fake = FakeAws::start();
    let (runtime, resolver) = (runtime(), resolver(&fake));
    bencher.bench_local(|| runtime.block_on(resolver.resolve(PRIVATE)).expect("the fake answers"));
}

/// Loading, trusted certificates, TLS handshake, lookup: what a process does for one credential.
#[divan::bench]
fn cold_lookup(bencher: Bencher<'_, '_>) {
    let fake = FakeAws::start();
    let runtime = runtime();
    let config = config(&fake).with_max_live_lookups(1);
    bencher.bench_local(|| {
        let resolver = Resolver::new(&config).expect("the component that is built in");
        runtime.block_on(resolver.resolve(PRIVATE)).expect("the fake answers")
    });
}

/// The peer of `warm_lookup`: the same request, signed by the same code run natively, over a plain client.
#[divan::bench]
fn warm_request_of_a_plain_client(bencher: Bencher<'_, '_>) {
    let fake = FakeAws::start();
    let runtime = runtime();
    let tls = connector(fake.authority().ca_file());
    let mut client = runtime.block_on(PlainClient::connect(&tls, fake.address()));
    bencher.bench_local(|| runtime.block_on(client.ask(Signed::now())));
}
