//! The whole product in one terminal screen, without an AWS account: `cargo run --release --example demo`.
//!
//! It starts a fake AWS over TLS on loopback, resolves a private and a public registry through the real component, then
//! lets a lookup hang, cancels it, and counts what is left.

use std::error::Error;
use std::time::{Duration, Instant};

use keyward::{Budget, CancelToken, Config, Lookup, Resolver};
use keyward_testbed::{ACCESS_KEY_ID, Answer, FakeAws, Footprint, SECRET_ACCESS_KEY};
use tokio::runtime::Handle;

const PRIVATE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const PUBLIC: &str = "public.ecr.aws";
const STUCK: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const STUCK_API: &str = "api.ecr.eu-west-1.amazonaws.com";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let fake = FakeAws::start();
    println!("a fake AWS listens on {}; it checks every signature with AWS's own signer", fake.address());

    // The names are AWS's own; only what they lead to is not.
    let ca_file = fake.authority().ca_file().display().to_string();
    let config = Config::new()
        .without_cache()
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .with_variable("SSL_CERT_FILE", &ca_file)
        .with_connect_to("api.ecr.us-east-1.amazonaws.com", fake.address())
        .with_connect_to("api.ecr-public.us-east-1.amazonaws.com", fake.address())
        .with_connect_to(STUCK_API, fake.address());
    let begin = Instant::now();
    let resolver = Resolver::new(&config)?;
    println!("the component is loaded: {:?}\n", begin.elapsed());

    println!("1. two registries, each in a sandbox of its own");
    for registry in [PRIVATE, PUBLIC, PRIVATE] {
        let lookup = resolver.look_up(registry, &Budget::default(), &CancelToken::new()).await;
        show(registry, &lookup);
        lookup.result?;
    }

    println!("\n2. a registry whose AWS does not answer, cancelled while it waits");
    fake.answer_where(|request| request.host == STUCK_API, Answer::Silence);
    settle().await;
    let connections_before = fake.connections_open();
    let (tasks_before, before) = (tasks(), Footprint::now());
    let cancel = CancelToken::new();
    let lookup = tokio::spawn({
        let (resolver, cancel) = (resolver.clone(), cancel.clone());
        async move { resolver.look_up(STUCK, &Budget::default(), &cancel).await }
    });
    let asked = fake.requests().len();
    fake.wait_until_async("the request is there", |fake| fake.requests().len() > asked).await;
    let (tasks_stuck, stuck) = (tasks(), Footprint::now());
    let begin = Instant::now();
    cancel.cancel();
    let lookup = lookup.await?;
    let ended = begin.elapsed();
    show(STUCK, &lookup);
    fake.wait_until_async("the connection is closed", |fake| fake.connections_open() == connections_before).await;
    fake.wait_until_async("the tasks are over", |_| tasks() == tasks_before).await;
    settle().await;
    println!("   it returned {ended:?} after the cancel; what this process held:");
    println!("                before  stuck  after");
    row("tasks", Some(tasks_before), Some(tasks_stuck), Some(tasks()));
    let after = Footprint::now();
    row("threads", before.threads, stuck.threads, after.threads);
    row("descriptors", before.descriptors, stuck.descriptors, after.descriptors);

    println!("\n3. and the next lookup works");
    let lookup = resolver.look_up(PRIVATE, &Budget::default(), &CancelToken::new()).await;
    show(PRIVATE, &lookup);
    lookup.result?;
    Ok(())
}

/// The thread that counts epochs ends within a millisecond or two of the last lookup.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

fn show(registry: &str, lookup: &Lookup) {
    match &lookup.result {
        // The password is shown as a length: even a demo does not print secrets.
        Ok(credential) => println!(
            "   {registry}\n      user {}, a password of {} characters, good until {}",
            credential.username,
            credential.secret.expose().len(),
            credential
                .expires_at
                .map_or("an unknown time".to_owned(), |seconds| format!("{seconds} (seconds since 1970)")),
        ),
        Err(error) => println!("   {registry}\n      {error}"),
    }
    let usage = &lookup.usage;
    println!(
        "      it cost {:.2} ms, {} units of fuel, {} KiB of memory, {} request(s), {} bytes of answers",
        usage.wall.as_secs_f64() * 1e3,
        usage.fuel,
        usage.peak_memory / 1024,
        usage.requests,
        usage.bytes_received
    );
}

fn row(name: &str, before: Option<usize>, stuck: Option<usize>, after: Option<usize>) {
    let text = |count: Option<usize>| count.map_or("?".to_owned(), |count| count.to_string());
    println!("   {name:<12} {:>6} {:>6} {:>6}", text(before), text(stuck), text(after));
}
