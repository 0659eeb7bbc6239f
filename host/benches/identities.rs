//! `cargo bench -p keyward --bench identities`: what each way to have credentials costs, and how soon a machine without any hears of it.
//!
//! Requests, fuel and memory are the same in every run of one build. The time is that of the whole lookup, ECR's answer included, over
//! connections that are open, against fakes on loopback: it is what the sandbox and the host add to the network.

use std::process::Command;
use std::time::{Duration, Instant};

use keyward::{Budget, CancelToken, Config, Lookup, Resolver};
use keyward_testbed::{Fault, FaultServer, Identities, Identity};
use tokio::runtime::{Builder, Runtime};

const PRIVATE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const ROUNDS: usize = 51;

fn main() {
    let identities = Identities::start();
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime of one thread");
    println!("{:<44} {:>8} {:>10} {:>10} {:>10}", "credentials by", "requests", "fuel", "memory", "median");
    for identity in identities.all() {
        let resolver = resolver(&identities, &identity);
        let mut samples: Vec<(Duration, Lookup)> = (0..ROUNDS).map(|_| look_up(&runtime, &resolver)).collect();
        samples.sort_by_key(|(time, _)| *time);
        let (median, lookup) = &samples[ROUNDS / 2];
        lookup.result.as_ref().unwrap_or_else(|error| panic!("{}: {error}", identity.name));
        let usage = lookup.usage;
        println!(
            "{:<44} {:>8} {:>10} {:>6} KiB {:>7.2} ms",
            identity.name,
            usage.requests,
            usage.fuel,
            usage.peak_memory / 1024,
            median.as_secs_f64() * 1e3
        );
    }
    println!();
    without_credentials(&runtime);
}

fn resolver(identities: &Identities, identity: &Identity) -> Resolver {
    let variables = identities.variables().into_iter().chain(identity.variables.clone());
    let config =
        variables.fold(Config::new().without_cache(), |config, (name, value)| config.with_variable(name, &value));
    Resolver::new(&config.with_credential_process(true)).expect("the component that is built in")
}

fn look_up(runtime: &Runtime, resolver: &Resolver) -> (Duration, Lookup) {
    let begin = Instant::now();
    let lookup = runtime.block_on(resolver.look_up(PRIVATE, &Budget::default(), &CancelToken::new()));
    (begin.elapsed(), lookup)
}

/// A machine without credentials, and what is where the metadata service would be.
fn without_credentials(runtime: &Runtime) {
    println!("no credentials at all, and where instance metadata would be,");
    let nobody = "http://127.0.0.1:9".to_owned();
    let full = FaultServer::start(Fault::FullBacklog);
    let silent = FaultServer::start(Fault::Silence);
    for (what, endpoint) in [
        ("nobody listens", nobody),
        ("connections are not taken", full.url()),
        ("no answer comes (the hop limit)", silent.url()),
    ] {
        let authority = silent.authority().ca_file().display().to_string();
        let config = Config::new()
            .without_cache()
            .with_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", &endpoint)
            .with_variable("SSL_CERT_FILE", &authority);
        let (time, lookup) = look_up(runtime, &Resolver::new(&config).expect("the component that is built in"));
        lookup.result.expect_err("there are no credentials");
        println!("  {what:<42} {:>7.2} ms", time.as_secs_f64() * 1e3);
    }
    // Nothing but loopback, and that is down: no address has a route.
    let begin = Instant::now();
    let keyward = ["-n", env!("CARGO_BIN_EXE_keyward"), "get", PRIVATE];
    match Command::new("unshare").args(keyward).env_clear().env("HOME", "/nonexistent").output() {
        Ok(ended) if ended.status.code() == Some(4) => {
            println!(
                "  {:<42} {:>7.2} ms",
                "there is no network (the whole command)",
                begin.elapsed().as_secs_f64() * 1e3
            );
        }
        other => println!("  not measured without a network: {other:?}"),
    }
}
