//! Fakes for programs that are no tests, such as `scripts/bench-cli`: a [`FakeAws`], and others that are not well.
//!
//! Each argument is `NAME=ADDRESS`: `aws`, `metadata`, one of the answers below that AWS gives in bad times, or a
//! [`Fault`]. An address alone is where `aws` listens. All certificates are of one authority, except those that are wrong.
//!
//! It prints what a client needs to know as one line of JSON. Each line that it reads is answered with the counters of all
//! servers, again as one line of JSON; `silence NAME` makes a fake give no answers from then on, and `answer NAME` makes it
//! answer again. It ends with its standard input.

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use keyward_testbed::{
    ACCESS_KEY_ID, AccessKeys, Answer, Authority, FakeAws, FakeMetadata, Fault, FaultServer, InstanceRole,
    SECRET_ACCESS_KEY,
};
use serde_json::{Map, Value, json};

/// More than any client should take for a token.
const TOO_LONG: u64 = 1 << 30;

fn main() -> Result<(), Box<dyn Error>> {
    let authority = Arc::new(Authority::new());
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.is_empty() {
        arguments.push(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).to_string());
    }
    let servers = arguments.iter().map(|argument| Named::start(argument, &authority)).collect::<Result<Vec<_>, _>>()?;
    print(&json!({
        "url": servers[0].server.url(),
        "ca_file": authority.ca_file(),
        "access_key_id": ACCESS_KEY_ID,
        "secret_access_key": SECRET_ACCESS_KEY,
    }))?;
    for line in io::stdin().lock().lines() {
        obey(&line?, &servers)?;
        let counters = servers.iter().map(|named| (named.name.clone(), named.server.counters()));
        print(&Value::Object(counters.collect::<Map<_, _>>()))?;
    }
    Ok(())
}

/// A server, and what it is called on the command line.
struct Named {
    name: String,
    server: Server,
}

enum Server {
    Aws(FakeAws),
    Metadata(FakeMetadata),
    Fault(FaultServer),
}

impl Named {
    fn start(argument: &str, authority: &Arc<Authority>) -> Result<Self, Box<dyn Error>> {
        let (name, address) = argument.split_once('=').unwrap_or(("aws", argument));
        let server = Server::start(name, address.parse()?, authority.clone())?;
        Ok(Self { name: name.to_owned(), server })
    }
}

impl Server {
    fn start(name: &str, address: SocketAddr, authority: Arc<Authority>) -> Result<Self, String> {
        if name == "metadata" {
            return Ok(Self::Metadata(instance(address)));
        }
        let answer = match name {
            "aws" => Answer::Token,
            "denied" => Answer::aws_error(
                400,
                "AccessDeniedException",
                "User: arn:aws:iam::123456789012:user/bench is not authorized to perform: ecr:GetAuthorizationToken",
            ),
            "expired-token" => {
                Answer::aws_error(400, "ExpiredTokenException", "The security token included in the request is expired")
            }
            "not-json" => Answer::Raw { status: 200, headers: Vec::new(), body: b"<html>Welcome</html>".to_vec() },
            "one-gibibyte" => Answer::LongBody(TOO_LONG),
            fault => return Ok(Self::Fault(FaultServer::start_with_at(authority, fault.parse::<Fault>()?, address))),
        };
        let fake = FakeAws::start_with_at(authority, address);
        for keys in [instance_keys(), AccessKeys::default()] {
            fake.add_keys(keys);
        }
        fake.answer_always(answer);
        Ok(Self::Aws(fake))
    }

    fn url(&self) -> String {
        match self {
            Self::Aws(fake) => fake.url(),
            Self::Metadata(fake) => fake.url(),
            Self::Fault(server) => server.url(),
        }
    }

    fn counters(&self) -> Value {
        let (connections, requests) = match self {
            Self::Aws(fake) => (fake.connections_accepted(), fake.counters().requests),
            Self::Metadata(fake) => (fake.connections_accepted(), fake.counters().requests),
            Self::Fault(server) => (server.connections_accepted(), server.requests()),
        };
        json!({ "connections": connections, "requests": requests })
    }

    fn answer_always(&self, answer: Answer) -> Result<(), String> {
        match self {
            Self::Aws(fake) => fake.answer_always(answer),
            Self::Metadata(fake) => fake.answer_always(answer),
            Self::Fault(_) => return Err("a fault has no other answers".to_owned()),
        }
        Ok(())
    }
}

/// An instance whose role has keys that AWS knows.
fn instance(address: SocketAddr) -> FakeMetadata {
    let metadata = FakeMetadata::start_at(address);
    metadata.set_instance_role(InstanceRole::new("bench", instance_keys()));
    metadata
}

fn instance_keys() -> AccessKeys {
    AccessKeys::new("ASIAKEYWARDBENCH0001", "the-secret-of-an-instance").with_session_token("the-token-of-an-instance")
}

fn obey(line: &str, servers: &[Named]) -> Result<(), String> {
    let (answer, name) = match line.split_once(' ') {
        Some(("silence", name)) => (Answer::Silence, name),
        Some(("answer", name)) => (Answer::Token, name),
        _ => return Ok(()),
    };
    let named = servers.iter().find(|named| named.name == name).ok_or_else(|| format!("no server is called {name}"))?;
    named.server.answer_always(answer)
}

/// Prints at once, since whoever reads it waits for it.
fn print(value: &Value) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{value}")?;
    output.flush()
}
