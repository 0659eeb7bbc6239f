//! The peer: AWS's own client for Rust, in a program of its own that is built here, since its dependencies are not Keyward's.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::round::Round;
use crate::server::Servers;

/// Builds the program, and says where it is.
pub(crate) fn build() -> Result<PathBuf, String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace");
    let program = std::env::current_exe().expect("the system knows what it runs");
    let target_folder = program.ancestors().nth(3).expect("TARGET/PROFILE/deps/BENCH").join("aws-sdk");
    println!("building the program of the AWS SDK for Rust; the first time takes minutes");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--quiet", "--package", "keyward-sdk-peers", "--bin", "sdk-warm"])
        .arg("--manifest-path")
        .arg(workspace.join("tests/aws-sdk/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target_folder)
        .status()
        .map_err(|cause| format!("cargo could not be started: {cause}"))?;
    if status.success() {
        Ok(target_folder.join("release/sdk-warm"))
    } else {
        Err(format!("cargo ended with {status}"))
    }
}

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
