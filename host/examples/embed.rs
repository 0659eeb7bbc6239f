//! Embedding Keyward: `cargo run --release --example embed -- REGISTRY`.

use std::time::Duration;

use keyward::{Budget, CancelToken, Config, Error, Resolver};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = std::env::args().nth(1).unwrap_or_else(|| "public.ecr.aws".to_owned());

    // Nothing ambient gets in but what the configuration names: here the AWS_* variables, HOME and SSL_CERT_FILE.
    let resolver = Resolver::new(&Config::from_process_environment())?;

    // A token cancels from any thread; dropping the future does the same.
    let (budget, cancel) = (Budget::default().with_deadline(Duration::from_secs(2)), CancelToken::new());
    let lookup = resolver.look_up(&registry, &budget, &cancel).await;
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
