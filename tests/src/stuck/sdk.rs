//! The programs on AWS's own client for Rust, which are in a workspace of their own, tests/aws-sdk: their dependencies are not Keyward's.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PACKAGE: &str = "keyward-sdk-peers";

/// Has cargo build one of them, and says where it is. The first time takes minutes.
///
/// # Errors
///
/// Why there is none, for a person.
pub fn build_sdk_program(program: &str) -> Result<PathBuf, String> {
    eprintln!("building {program} of the package {PACKAGE}, which takes some minutes the first time");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("aws-sdk/Cargo.toml");
    let this_program = env::current_exe().map_err(|cause| format!("this program is nowhere: {cause}"))?;
    // TARGET/PROFILE/deps/BENCH
    let target_folder = this_program.ancestors().nth(3).ok_or("this program is not where cargo puts a bench")?;
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--locked", "--quiet", "--package", PACKAGE, "--bin", program])
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(workspace)
        .arg("--target-dir")
        .arg(target_folder.join("aws-sdk"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|cause| format!("cargo could not be started: {cause}"))?;
    if !built.status.success() {
        return Err(format!("cargo has not built {program}: it ended with {}, and says why above", built.status));
    }
    let messages = String::from_utf8_lossy(&built.stdout).into_owned();
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut programs = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    programs.next().ok_or_else(|| format!("cargo has not said where {program} is"))
}
