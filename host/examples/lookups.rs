//! So many lookups, one after the other, against a fake AWS of another process: `scripts/count-instructions` counts the
//! instructions of one by the difference of two such runs. It prints the fuel of the last one, as JSON.
//!
//! Its arguments are the number of lookups, the address of the fake, and the file with the fake's authority.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use keyward::{Budget, CancelToken, Config, Resolver};
use keyward_testbed::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

const REGISTRY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const API: &str = "api.ecr.us-east-1.amazonaws.com";

/// Programs whose instructions are counted are slow.
const DEADLINE: Duration = Duration::from_secs(600);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [lookups, address, ca_file] = &arguments[..] else {
        return Err("usage: lookups NUMBER ADDRESS CA-FILE".into());
    };
    let config = Config::new()
        .without_cache()
        .with_max_live_lookups(1)
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .with_variable("SSL_CERT_FILE", ca_file)
        .with_connect_to(API, address.parse::<SocketAddr>()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let resolver = Resolver::new(&config)?;
    let budget = Budget::default().with_deadline(DEADLINE);
    let mut fuel = 0;
    for _ in 0..lookups.parse::<u32>()? {
        let lookup = runtime.block_on(resolver.look_up(REGISTRY, &budget, &CancelToken::new()));
        fuel = lookup.usage.fuel;
        lookup.result?;
    }
    println!("{{\"fuel\": {fuel}}}");
    Ok(())
}
