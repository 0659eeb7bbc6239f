//! A machine with a hosts file and a name server of its own. For Linux, as root.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::Call;
use crate::running::wrapped;

/// Binds its first two arguments over the hosts file and the name servers' file, for itself only, and becomes the others.
const WITH_NAMES: &str =
    r#"mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf || exit; shift 2; exec "$@""#;

/// What the command sees of a machine's names.
pub(crate) struct Machine(TempDir);

impl Machine {
    /// A machine whose hosts file has these lines, and whose only name server is at this address, on port 53.
    pub(crate) fn new(hosts: &str, name_server: Ipv4Addr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hosts"), hosts).unwrap();
        // Longer than any test: a resolver that gives up by itself would hide who waits for it.
        let settings = format!("nameserver {name_server}\noptions timeout:30 attempts:5\n");
        fs::write(folder.path().join("resolv.conf"), settings).unwrap();
        Self(folder)
    }

    /// A call on this machine.
    ///
    /// # Panics
    ///
    /// Where the mounts are not permitted.
    pub(crate) fn command(&self, call: &Command) -> Command {
        let permitted = Command::new("unshare").args(["--mount", "true"]).status();
        assert!(
            permitted.is_ok_and(|status| status.success()),
            "no mounts of its own permitted: run the tests as root"
        );
        let mut unshare = Command::new("unshare");
        unshare
            .args(["--mount", "sh", "-c", WITH_NAMES, "sh"])
            .args(["hosts", "resolv.conf"].map(|file| self.0.path().join(file)));
        wrapped(unshare, call)
    }
}

impl Call {
    /// On a machine with other names than this one's.
    pub(crate) fn on(self, machine: &Machine) -> Self {
        Self { command: machine.command(&self.command), ..self }
    }
}

/// An address of loopback that no other test has, and no other run of the tests either.
pub(crate) fn own_address(test: u8) -> Ipv4Addr {
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, test, high, low)
}

/// Where a name server listens.
pub(crate) fn name_server(address: Ipv4Addr) -> SocketAddr {
    (address, 53).into()
}
