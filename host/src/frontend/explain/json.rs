//! An explanation for programs. The README has the names; none is ever given to something else.

use std::io::{self, Write};
use std::time::Duration;

use keyward::Error;
use keyward_ecr::registry::{Kind, Registry};
use serde_json::{Value, json};

use super::{Endpoint, Explanation, Outcome, Sent, Source};

/// Writes one object, with the end of its line.
pub(crate) fn write(explanation: &Explanation<'_>, output: &mut dyn Write) -> io::Result<()> {
    writeln!(output, "{:#}", object(explanation))
}

fn object(explanation: &Explanation<'_>) -> Value {
    let identity: serde_json::Map<String, Value> =
        explanation.identity.iter().map(|(name, value)| (camel_case(name), value.as_str().into())).collect();
    json!({
        "address": explanation.address,
        "lookedUp": explanation.looked_up,
        "registry": explanation.registry.as_ref().map(registry),
        "rule": explanation.rule,
        "identity": identity,
        "cache": explanation.cache,
        "endpoints": explanation.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        "sources": explanation.sources.iter().map(source).collect::<Vec<_>>(),
        "requests": explanation.requests.iter().map(request).collect::<Vec<_>>(),
        "budget": budget(explanation),
        "outcome": outcome(explanation),
        "docker": explanation.as_docker_sees_it(),
    })
}

fn registry(registry: &Registry) -> Value {
    let (kind, account) = match &registry.kind {
        Kind::Private { account } => ("private", Some(account)),
        Kind::Public => ("public", None),
    };
    json!({
        "host": registry.host,
        "kind": kind,
        "account": account,
        "region": registry.region,
        "partition": registry.partition.name,
        "fips": registry.fips,
        "dualStack": registry.dual_stack,
    })
}

fn endpoint(endpoint: &Endpoint) -> Value {
    let Endpoint { service, url, region, setting } = endpoint;
    json!({ "service": service, "url": url, "region": region, "setting": setting })
}

fn source(source: &Source) -> Value {
    let Source { name, outcome, detail, elapsed } = source;
    json!({ "name": name, "outcome": outcome, "detail": detail, "milliseconds": milliseconds(*elapsed) })
}

fn request(sent: &Sent) -> Value {
    let Sent { method, destination, operation, address, status, failure, elapsed, bytes_received } = sent;
    json!({
        "method": method,
        "destination": destination,
        "operation": operation,
        "address": address.map(|address| address.to_string()),
        "status": status,
        "failure": failure,
        "milliseconds": milliseconds(*elapsed),
        "bytesReceived": bytes_received,
    })
}

/// What was allowed, and what was used of it; of a lookup that was not begun, nothing.
fn budget(explanation: &Explanation<'_>) -> Value {
    let (allowed, used) = (explanation.budget, explanation.usage.unwrap_or_default());
    json!({
        "milliseconds": { "used": milliseconds(used.wall), "allowed": milliseconds(allowed.deadline) },
        "fuel": { "used": used.fuel, "allowed": allowed.fuel },
        "memoryBytes": { "used": used.peak_memory, "allowed": allowed.memory },
        "requests": { "used": used.requests, "allowed": allowed.requests },
        "bytesReceived": used.bytes_received,
    })
}

fn outcome(explanation: &Explanation<'_>) -> Value {
    match &explanation.outcome {
        Outcome::Found { username, expires_at } => json!({
            "found": true,
            "username": username,
            "expiresAt": expires_at,
            "secondsLeft": expires_at.map(|end| end.saturating_sub(explanation.now)),
            "exitStatus": 0,
        }),
        Outcome::Failed { error, text, exit_status } => {
            json!({ "found": false, "error": name(error), "message": text, "exitStatus": exit_status })
        }
    }
}

fn name(error: &Error) -> &'static str {
    match error {
        Error::Cancelled { .. } => "cancelled",
        Error::Denied(_) => "denied",
        Error::Internal(_) => "internal",
        Error::Invalid(_) => "invalid",
        Error::NoCredentials(_) => "noCredentials",
        Error::NotOurRegistry => "notOurRegistry",
        Error::OutOfFuel { .. } => "outOfFuel",
        Error::OutOfMemory { .. } => "outOfMemory",
        Error::OverLimit { .. } => "overLimit",
        Error::Overloaded { .. } => "overloaded",
        Error::Refused { .. } => "refused",
        Error::Throttled(_) => "throttled",
        Error::Timeout { .. } => "timeout",
        Error::Trap { .. } => "trap",
        Error::Unavailable(_) => "unavailable",
        _ => "other",
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// `role arn` → `roleArn`.
fn camel_case(name: &str) -> String {
    let mut words = name.split([' ', '-']);
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        format!("{name}{}{tail}", head.to_ascii_uppercase())
    })
}
