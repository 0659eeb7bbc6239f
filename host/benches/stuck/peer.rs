//! The peer: AWS's own client for Rust, in a program of a workspace of its own, tests/aws-sdk.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyward_testbed::stuck::build_sdk_program;

use crate::process::{Rows, rows};

const PROGRAM: &str = "sdk-stuck";

/// The program, or why there is none.
pub(crate) struct Peer(Result<PathBuf, String>);

impl Peer {
    /// Has it built, in the profile of this bench.
    pub(crate) fn build() -> Self {
        Self(build_sdk_program(PROGRAM))
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
