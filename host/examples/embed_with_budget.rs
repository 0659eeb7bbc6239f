//! Embedding Keyward with a budget of one's own, a cancel, a keychain and metrics:
//! `cargo run --release --example embed_with_budget -- REGISTRY`.

use std::time::Duration;

use keyward::{Budget, CancelToken, Error, Keychain, LookupEvent, Request, Resolver};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = std::env::args().nth(1).unwrap_or_else(|| "public.ecr.aws".to_owned());

    // Nothing ambient gets in but what the settings name: here the AWS_* variables, HOME, SSL_CERT_FILE, and proxies.
    let resolver = Resolver::builder().with_observer(count).with_max_live_lookups(200).build()?;
    // Whoever has other components adds them, each with the hosts that it is asked for.
    let keychain = Keychain::new().with(["*.dkr.ecr.*.amazonaws.com".parse()?, "public.ecr.aws".parse()?], resolver);

    // A token cancels from any thread; dropping the future does the same.
    let (budget, cancel) = (Budget::default().with_deadline(Duration::from_secs(2)), CancelToken::new());
    let request = Request::new(&registry).with_session_name("embedded");
    let lookup = keychain.look_up(request, &budget, &cancel).await;
    match lookup.result {
        Ok(credential) => println!("log in as {}, until {:?}", credential.username, credential.expires_at),
        Err(Error::NotOurRegistry | Error::NoCredentials(_)) => println!("go on without credentials"),
        Err(
            error @ (Error::Overloaded { .. } | Error::Throttled(_) | Error::Timeout { .. } | Error::Unavailable(_)),
        ) => {
            println!("try again later: {error}");
        }
        Err(error) => println!("this will not get better by itself: {error}"),
    }
    println!("it used {:?}", lookup.usage);
    Ok(())
}

/// One call for each lookup that is over: what a program's metrics are made of.
fn count(event: &LookupEvent) {
    let LookupEvent { registry, outcome, usage, cache, .. } = event;
    println!("lookup of {}: {outcome}, cache {cache}, {:?}", registry.as_deref().unwrap_or("nobody's"), usage.wall);
}
