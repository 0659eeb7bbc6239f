//! What a lookup would do and did, on one screen or as JSON. It says no secret: a password that was found is only said to be there.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use keyward::{Budget, Error, Usage};
use keyward_ecr::registry::{Kind, Registry};
use keyward_ecr::time::Timestamp;

mod json;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use json::write as write_json;

use table::Table;

/// How many requests have a line on the screen. JSON has all of them.
const MAX_REQUESTS: usize = 10;

/// How many lines one text has on the screen.
const MAX_LINES: usize = 5;

/// Everything that is known of one lookup.
pub(crate) struct Explanation<'a> {
    /// The registry's address as it was typed, without what may be a secret in it.
    pub(crate) address: &'a str,
    /// The address that is looked up: another one where a rule says so.
    pub(crate) looked_up: &'a str,
    /// What that address is; `None` where it is no registry of Amazon ECR.
    pub(crate) registry: Option<Registry>,
    /// The rule of the configuration file that matched.
    pub(crate) rule: Option<String>,
    /// What was said about whose credentials to ask with: the name of each setting and its value.
    pub(crate) identity: Vec<(&'static str, String)>,
    /// What there is to say about the cache.
    pub(crate) cache: String,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) sources: Vec<Source>,
    pub(crate) requests: Vec<Sent>,
    /// What the lookup was allowed to use.
    pub(crate) budget: &'a Budget,
    /// What it used; `None` where nothing was looked up.
    pub(crate) usage: Option<Usage>,
    pub(crate) outcome: Outcome,
    /// Whether the credential helper calls every failure "not found".
    pub(crate) compat: bool,
    /// Seconds since 1970 (UTC).
    pub(crate) now: u64,
}

/// An endpoint that was chosen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) service: String,
    pub(crate) url: String,
    pub(crate) region: String,
    /// The setting that names it; `None` for the service's own.
    pub(crate) setting: Option<String>,
}

/// A source of AWS credentials, and what came of asking it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) outcome: &'static str,
    pub(crate) detail: String,
    pub(crate) elapsed: Duration,
}

/// A request that was sent, or was to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) destination: String,
    pub(crate) operation: Option<String>,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) status: Option<u16>,
    pub(crate) failure: Option<String>,
    pub(crate) elapsed: Duration,
    pub(crate) bytes_received: u64,
}

/// How the lookup ended.
pub(crate) enum Outcome {
    /// There is a password.
    Found {
        username: String,
        /// When the registry stops accepting it, in seconds since 1970 (UTC).
        expires_at: Option<u64>,
    },
    Failed {
        error: Error,
        /// What is said of it.
        text: String,
        exit_status: u8,
    },
}

/// Writes one screen for people.
pub(crate) fn write_text(explanation: &Explanation<'_>, output: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::default();
    table.row("address", explanation.address);
    if explanation.looked_up != explanation.address {
        table.row("", &format!("looked up as {}", explanation.looked_up));
    }
    table.row("", &explanation.kind());
    table.row("rule", explanation.rule.as_deref().unwrap_or("no rule matches"));
    let identity: Vec<String> = explanation.identity.iter().map(|(name, value)| format!("{name} {value}")).collect();
    match identity.is_empty() {
        true => table.row("identity", "none was asked for: the environment and the shared files decide"),
        false => table.row("identity", &identity.join(", ")),
    }
    table.row("cache", &explanation.cache);
    for (index, endpoint) in explanation.endpoints.iter().enumerate() {
        let Endpoint { service, url, region, setting } = endpoint;
        let setting = setting.as_deref().unwrap_or("AWS's own");
        let name = if index == 0 { "endpoint" } else { "" };
        table.row(name, &format!("{service}: {url}, for {region} ({setting})"));
    }
    for (index, source) in explanation.sources.iter().enumerate() {
        let name = if index == 0 { "sources" } else { "" };
        table.row(name, &explanation.source(source));
    }
    for (index, sent) in explanation.requests.iter().take(MAX_REQUESTS).enumerate() {
        table.row(if index == 0 { "requests" } else { "" }, &request(sent));
    }
    if explanation.requests.len() > MAX_REQUESTS {
        table.row("", &format!("and {} more; --json has them", explanation.requests.len() - MAX_REQUESTS));
    }
    table.row("budget", &explanation.used());
    table.row("outcome", &explanation.ended());
    table.row("docker", explanation.as_docker_sees_it());
    output.write_all(table.text().as_bytes())
}

impl Explanation<'_> {
    fn kind(&self) -> String {
        let Some(Registry { kind, region, partition, fips, dual_stack, .. }) = &self.registry else {
            return "no registry of Amazon ECR: if it is one by another name (a CNAME, a pull-through mirror), give it an alias in \
                    the configuration file, keyward.toml"
                .to_owned();
        };
        let kind = match kind {
            Kind::Private { account } => format!("a private registry of account {account}"),
            Kind::Public => "the public registry".to_owned(),
        };
        let fips = if *fips { ", FIPS" } else { "" };
        let dual_stack = if *dual_stack { ", dual-stack" } else { "" };
        format!("{kind}, region {region}, partition {}{fips}{dual_stack}", partition.name)
    }

    fn source(&self, source: &Source) -> String {
        let Source { name, outcome, detail, elapsed } = source;
        // It would be said twice.
        let is_outcome = matches!(&self.outcome, Outcome::Failed { text, .. } if text == detail);
        let detail = if is_outcome { "see the outcome" } else { detail };
        format!("{name}: {outcome} ({}): {detail}", milliseconds(*elapsed))
    }

    fn used(&self) -> String {
        let Some(usage) = &self.usage else { return "nothing was used: nothing was looked up".to_owned() };
        let Budget { deadline, fuel, memory, requests, .. } = self.budget;
        let mebibytes = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
        let millions = |units: u64| units as f64 / 1e6;
        format!(
            "{} of {} s, {:.2} of {} million units of fuel, {:.1} of {} MiB of memory, {} of {} requests, {} bytes received",
            milliseconds(usage.wall),
            deadline.as_secs_f64(),
            millions(usage.fuel),
            millions(*fuel),
            mebibytes(usage.peak_memory),
            mebibytes(*memory),
            usage.requests,
            requests,
            usage.bytes_received,
        )
    }

    fn ended(&self) -> String {
        match &self.outcome {
            Outcome::Found { username, expires_at: None } => {
                format!("a password for {username}; nobody said for how long")
            }
            Outcome::Found { username, expires_at: Some(end) } => {
                let left = end.saturating_sub(self.now) / 60;
                let end = Timestamp { seconds: *end }.rfc3339();
                format!("a password for {username}, good until {end} ({} h {} min from now)", left / 60, left % 60)
            }
            Outcome::Failed { error: Error::NoCredentials(_), exit_status, .. } if !self.sources.is_empty() => format!(
                "no AWS credentials are configured (exit status {exit_status}); each source says what it misses: set \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or add a profile"
            ),
            Outcome::Failed { text, exit_status, .. } => format!("failed (exit status {exit_status}): {text}"),
        }
    }

    /// What becomes of it behind docker's credential helper: the question that most people have. docker goes on without a credential
    /// after any failure of a helper; of other clients, only after the one that means "there is none".
    fn as_docker_sees_it(&self) -> &'static str {
        match &self.outcome {
            Outcome::Found { .. } => "gets this password from the credential helper",
            Outcome::Failed { error: Error::NotOurRegistry, .. } => {
                "is told 'credentials not found in native keychain' and goes on without credentials, as every client does; a \
                 registry that wants some refuses it then"
            }
            Outcome::Failed { error: Error::NoCredentials(_), .. } => {
                "is told 'credentials not found in native keychain' and pulls anonymously, as every client does; of a private \
                 registry, its last word is 'no basic auth credentials'"
            }
            Outcome::Failed { .. } if self.compat => {
                "is told 'credentials not found in native keychain', since --compat (KEYWARD_COMPAT) is set, and pulls \
                 anonymously, as every client does; of a private registry, its last word is 'no basic auth credentials'"
            }
            Outcome::Failed { .. } => {
                "shows what went wrong and pulls anonymously all the same: of a private registry, its last word is 'no basic auth \
                 credentials', and the cause stands before it; podman, skopeo and others stop with the cause"
            }
        }
    }
}

fn request(sent: &Sent) -> String {
    let Sent { method, destination, operation, address, status, failure, elapsed, bytes_received } = sent;
    let what =
        operation.as_ref().map_or_else(|| format!("{method} {destination}"), |name| format!("{name} of {destination}"));
    // Who names an address need not be told it again.
    let address = address.filter(|address| !destination.contains(&address.ip().to_string()));
    let address = address.map_or_else(String::new, |address| format!(" at {address}"));
    let result = match (status, failure) {
        (Some(status), None) => format!("status {status}, {bytes_received} bytes"),
        (Some(status), Some(failure)) => format!("status {status}, and then: {failure}"),
        (None, Some(failure)) => failure.clone(),
        (None, None) => "under way".to_owned(),
    };
    format!("{what}{address} ({}): {result}", milliseconds(*elapsed))
}

fn milliseconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}
