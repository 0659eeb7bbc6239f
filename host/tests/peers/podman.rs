//! podman, with a store of the test's own.

use std::fs;

use serde_json::json;

use super::bed::Bed;
use super::moto::Keys;
use super::process::{Outcome, run};

/// podman, which asks Keyward for credentials by itself: it has no daemon.
pub(crate) struct Podman<'bed> {
    bed: &'bed Bed,
}

impl<'bed> Podman<'bed> {
    /// Writes what podman wants to be told before it takes an image: that the images here are not signed.
    pub(crate) fn install(bed: &'bed Bed) -> Self {
        let policy = json!({"default": [{"type": "insecureAcceptAnything"}]});
        let settings = bed.path(".config/containers");
        fs::create_dir_all(&settings).expect("cannot make a directory");
        fs::write(settings.join("policy.json"), policy.to_string()).expect("cannot write a setting");
        Self { bed }
    }

    /// Runs podman.
    pub(crate) fn run(&self, keys: &Keys, arguments: &[&str]) -> Outcome {
        self.run_with_input(keys, arguments, "")
    }

    /// Runs podman, which reads the input.
    pub(crate) fn run_with_input(&self, keys: &Keys, arguments: &[&str], input: &str) -> Outcome {
        let mut command = self.bed.client("podman", keys);
        command
            .arg("--root")
            .arg(self.bed.path("podman"))
            .arg("--runroot")
            .arg(self.bed.path("podman-run"))
            .arg("--tmpdir")
            .arg(self.bed.path("podman-tmp"))
            // The store that works everywhere, and no journal of this machine.
            .args(["--storage-driver", "vfs", "--events-backend", "none"])
            .args(arguments);
        run(&mut command, input)
    }
}
