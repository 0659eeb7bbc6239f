//! The peer: AWS's own client for Rust, in a program of a workspace of its own, tests/aws-sdk.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{Rows, rows};

const PACKAGE: &str = "keyward-sdk-peers";
const PROGRAM: &str = "sdk-stuck";

/// The program, or why there is none.
pub(crate) struct Peer(Result<PathBuf, String>);

impl Peer {
    /// Has it built, in the profile of this bench.
    pub(crate) fn build() -> Self {
        eprintln!("building {PROGRAM} of the package {PACKAGE}, which takes some minutes the first time");
        Self(build())
    }

    /// None, for this reason.
    pub(crate) fn left_out(reason: &str) -> Self {
        Self(Err(reason.to_owned()))
    }

    /// The rows that a part measured; or why it measured none.
    pub(crate) fn part(&self, words: &[&str]) -> Rows {
        rows(Command::new(self.0.as_ref()?), words)
    }

    /// [`Peer::part`] on a machine whose only name server answers no question: in a mount namespace of its own another file is in
    /// the place of /etc/resolv.conf. Nothing of this machine is changed.
    pub(crate) fn part_with_dead_names(&self, words: &[&str]) -> Rows {
        let program = self.0.as_ref()?;
        let mut settings = tempfile::NamedTempFile::new().map_err(|cause| format!("no temporary file: {cause}"))?;
        writeln!(settings, "nameserver 127.0.0.9").map_err(|cause| format!("no temporary file: {cause}"))?;
        let in_namespace = |program: &Path| {
            let mut command = Command::new("unshare");
            command.args(["--mount", "sh", "-c", "mount --bind \"$1\" /etc/resolv.conf && exec \"$2\"", "sh"]);
            command.arg(settings.path()).arg(program);
            command
        };
        let tried = in_namespace(Path::new("true")).output();
        let tried = tried.map_err(|cause| format!("skipped: unshare cannot be started: {cause}"))?;
        if !tried.status.success() {
            let said = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
            return Err(format!("skipped: a mount namespace needs root ({said})"));
        }
        rows(in_namespace(program), words)
    }
}

fn build() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in a workspace");
    let host_program = Path::new(env!("CARGO_BIN_EXE_keyward"));
    let target_folder = host_program.ancestors().nth(2).expect("TARGET/PROFILE/keyward");
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--locked", "--quiet", "--package", PACKAGE, "--bin", PROGRAM])
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(root.join("tests/aws-sdk/Cargo.toml"))
        .arg("--target-dir")
        .arg(target_folder.join("aws-sdk"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|cause| format!("cargo could not be started: {cause}"))?;
    if !built.status.success() {
        return Err(format!("cargo has not built {PROGRAM}: it ended with {}, and says why above", built.status));
    }
    let messages = String::from_utf8_lossy(&built.stdout).into_owned();
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut programs = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    programs.next().ok_or_else(|| format!("cargo has not said where {PROGRAM} is"))
}
