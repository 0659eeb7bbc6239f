//! docker: its client, and a daemon of the test's own.

use std::os::unix::net::UnixStream;

use std::fs;

use super::bed::Bed;
use super::moto::Keys;
use super::process::{Outcome, Server, run};

/// The client, which asks Keyward for credentials, and the daemon, which it hands them to.
pub(crate) struct Docker<'bed> {
    bed: &'bed Bed,
    _daemon: Option<Server>,
}

impl<'bed> Docker<'bed> {
    /// Starts a daemon that keeps everything in the directory of the bed, and that leaves this machine's network alone.
    pub(crate) fn start(bed: &'bed Bed) -> Self {
        // Otherwise it reads this machine's.
        let settings = bed.path("daemon.json");
        fs::write(&settings, "{}").expect("cannot write a setting");
        let mut daemon = bed.among_real_names("dockerd");
        daemon
            .arg("--config-file")
            .arg(settings)
            .arg("--host")
            .arg(address(bed))
            .arg("--data-root")
            .arg(bed.path("docker"))
            .arg("--exec-root")
            .arg(bed.path("docker-run"))
            .arg("--pidfile")
            .arg(bed.path("docker.pid"))
            // No program is run in a container here: no network for them, and the store that works everywhere.
            .args([
                "--storage-driver",
                "vfs",
                "--bridge",
                "none",
                "--iptables=false",
                "--ip6tables=false",
                "--ip-forward=false",
            ]);
        let socket = bed.path(SOCKET);
        let daemon = Server::start_until(&daemon, || UnixStream::connect(&socket).is_ok());
        Self { bed, _daemon: Some(daemon) }
    }

    /// The client alone, for what it does without a daemon.
    pub(crate) fn without_daemon(bed: &'bed Bed) -> Self {
        Self { bed, _daemon: None }
    }

    /// Runs the client.
    pub(crate) fn run(&self, keys: &Keys, arguments: &[&str]) -> Outcome {
        self.run_with_input(keys, arguments, "")
    }

    /// Runs the client, which reads the input.
    pub(crate) fn run_with_input(&self, keys: &Keys, arguments: &[&str], input: &str) -> Outcome {
        let mut command = self.bed.client("docker", keys);
        command.args(arguments).env("DOCKER_HOST", address(self.bed));
        run(&mut command, input)
    }
}

/// The daemon's socket, in the directory of the bed.
const SOCKET: &str = "docker.sock";

fn address(bed: &Bed) -> String {
    format!("unix://{}", bed.path(SOCKET).display())
}
