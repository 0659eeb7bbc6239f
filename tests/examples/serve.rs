//! A [`FakeAws`] for programs that are no tests, such as `scripts/bench-cli`.
//!
//! It listens at the address that it is called with, and prints what a client needs to know as one line of JSON. Each line
//! that it reads is answered with its counters, again as one line of JSON. It ends with its standard input.

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, SocketAddr};

use keyward_testbed::{ACCESS_KEY_ID, FakeAws, SECRET_ACCESS_KEY};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let address = match env::args().nth(1) {
        Some(address) => address.parse()?,
        None => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    };
    let fake = FakeAws::start_at(address);
    print(&json!({
        "url": fake.url(),
        "ca_file": fake.authority().ca_file(),
        "access_key_id": ACCESS_KEY_ID,
        "secret_access_key": SECRET_ACCESS_KEY,
    }))?;
    for line in io::stdin().lock().lines() {
        line?;
        let counters = fake.counters();
        print(&json!({
            "connections": counters.connections_accepted,
            "requests": counters.requests,
            "tokens": counters.tokens,
        }))?;
    }
    Ok(())
}

/// Prints at once, since whoever reads it waits for it.
fn print(value: &Value) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{value}")?;
    output.flush()
}
