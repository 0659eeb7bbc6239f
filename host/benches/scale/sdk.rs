//! The peer: AWS's own client for Rust, in a program of a workspace of its own, tests/aws-sdk.

use std::path::Path;
use std::process::Command;

use keyward_testbed::stuck::Servers;

use crate::round::Round;

/// One round, and how many connections it took.
pub(crate) fn run(program: &Path, callers: usize, lookups: usize) -> Result<(Round, usize), String> {
    let mut servers = Servers::start(&["fake-aws"]);
    let output = Command::new(program)
        .arg(format!("https://{}", servers.addresses[0]))
        .arg(&servers.ca_file)
        .args([callers, lookups, 1].map(|number| number.to_string()))
        .output()
        .map_err(|cause| format!("{} could not be started: {cause}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let round = text.lines().next().and_then(|line| serde_json::from_str(line).ok());
    let said = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let round = round.ok_or_else(|| format!("sdk-warm ended with {} and no figures: {}", output.status, said()))?;
    Ok((round, servers.seen(0).expect("a fake counts its connections")))
}
