//! Embedding Keyward: `cargo run --release --example embed -- REGISTRY`.

use keyward::{Error, Resolver};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = std::env::args().nth(1).unwrap_or_else(|| "public.ecr.aws".to_owned());
    let resolver = Resolver::builder().build()?;
    match resolver.resolve(&registry).await {
        Ok(credential) => println!("log in as {}, until {:?}", credential.username, credential.expires_at),
        Err(Error::NotOurRegistry | Error::NoCredentials(_)) => println!("go on without credentials"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
