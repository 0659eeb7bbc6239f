//! Servers in which a lookup gets stuck.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use keyward_testbed::{Fault, FaultServer};

use crate::harness::Call;
use crate::running::{Running, until};

/// The faults in which a lookup without a deadline would wait for ever.
pub(crate) const HANGING: [Fault; 7] = [
    Fault::FullBacklog,
    Fault::TlsSilence,
    Fault::Silence,
    Fault::HeadersThenSilence,
    Fault::HeaderDrip,
    Fault::BodyDrip,
    Fault::InterimFlood,
];

#[test]
fn the_list_of_faults_that_hang_has_every_one() {
    assert!(Fault::ALL.into_iter().filter(|fault| fault.hangs()).eq(HANGING));
}

impl Call {
    /// With every endpoint leading to a server that misbehaves.
    pub(crate) fn against_fault(self, server: &FaultServer) -> Self {
        self.trusting(server.authority()).variable("AWS_ENDPOINT_URL", server.url())
    }
}

/// What the command says that it was waiting for.
pub(crate) fn awaited(server: &FaultServer, fault: Fault) -> String {
    let step = match fault {
        Fault::FullBacklog => "a connection to",
        Fault::TlsSilence => "the TLS handshake with",
        Fault::HeadersThenSilence | Fault::BodyDrip => "the rest of the answer of",
        _ => "the answer of",
    };
    format!(", while it waited for {step} {} for ", server.url())
}

/// Waits until the command has come as far as it can, and knows it.
pub(crate) fn wait_until_stuck(server: &FaultServer, fault: Fault, running: &Running) {
    let has_come = |server: &FaultServer| match fault {
        Fault::FullBacklog => is_connecting_to(server.address()),
        Fault::TlsSilence => server.connections_open() == 1,
        Fault::Silence => server.requests() == 1,
        _ => server.bytes_sent() > 0,
    };
    // What has come wakes it, and it sleeps again when it has taken note. Only in a flood it never sleeps.
    let is_stuck = |server: &FaultServer| has_come(server) && (fault == Fault::InterimFlood || running.is_asleep());
    server.wait_until("the command is stuck", is_stuck);
}

/// Waits until the server sees that the client is gone.
pub(crate) fn assert_closed(server: &FaultServer) {
    server.wait_until("the connection is closed", |server| server.connections_open() == 0);
    until("nobody connects any more", || !is_connecting_to(server.address()));
}

/// Whether anybody waits for an address to take its connection.
fn is_connecting_to(address: SocketAddr) -> bool {
    let IpAddr::V4(ip) = address.ip() else { panic!("{address} is not in the file of IPv4") };
    // As the kernel writes it: the address as a number of this machine; SYN_SENT is 02.
    let remote = format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port());
    let connections = fs::read_to_string("/proc/net/tcp").unwrap();
    connections.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        matches!(fields[..], [_, _, to, "02", ..] if to == remote)
    })
}
