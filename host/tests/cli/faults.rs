//! Servers whose faults end a lookup by themselves, long before its deadline, and those whose answers have no end.

use keyward_testbed::{Fault, FaultServer};
use rustix::process::Signal;

use crate::harness::{Call, NOT_FOUND, PRIVATE};
use crate::stuck::assert_closed;

/// All the memory that the command may write to, in KiB: twice of what a lookup that works takes.
const DATA: u32 = 16 * 1024;

/// What the command says of a fault.
fn exit_status_and_text(fault: Fault) -> (i32, &'static str) {
    match fault {
        Fault::TlsGarbage => (7, "no trusted TLS connection: the handshake failed"),
        Fault::WrongCertificate => (8, "is not trusted: it is for another name"),
        Fault::ExpiredCertificate => (8, "is not trusted: it has expired"),
        Fault::UntrustedCertificate => (8, "is not trusted: it is from an authority that is not known"),
        Fault::CloseAtOnce | Fault::Reset | Fault::Close => (7, "the answer broke off: the connection was closed"),
        Fault::Garbage => (7, "the answer broke off: it is not HTTP"),
        Fault::TooShortBody => (7, "the answer broke off"),
        Fault::ServerError => (7, "ServiceUnavailableException: The service is not available (HTTP status 503)"),
        Fault::EndlessBody => (8, "is larger than 65536 bytes"),
        Fault::EndlessHeaders => (8, "the answer's headers are larger than the sandbox allows"),
        Fault::TooLongBody => (8, "answered with something that is not JSON"),
        Fault::RedirectLoop => (8, "(HTTP status 302)"),
        hanging => unreachable!("{hanging} has no end"),
    }
}

fn failing() -> impl Iterator<Item = Fault> {
    Fault::ALL.into_iter().filter(|fault| !fault.hangs())
}

#[test]
fn every_fault_that_does_not_hang_has_an_exit_status_and_a_text() {
    for fault in failing() {
        let server = FaultServer::start(fault);
        let call = Call::keyward(&["get", PRIVATE]).against_fault(&server).variable("KEYWARD_DEADLINE", "600");
        let outcome = call.run();
        let (status, text) = exit_status_and_text(fault);
        assert_eq!((outcome.status, outcome.output.as_str()), (status, ""), "{fault}: {outcome:?}");
        assert!(outcome.errors.starts_with("error: ") && outcome.errors.contains(text), "{fault}: {outcome:?}");
        assert_eq!(outcome.errors.lines().count(), 1, "{fault}: {outcome:?}");
        assert_closed(&server);
    }
}

#[test]
fn the_helper_says_the_same_and_never_not_found() {
    for fault in failing() {
        let server = FaultServer::start(fault);
        let call = Call::helper(&["get"]).input(PRIVATE).against_fault(&server).variable("KEYWARD_DEADLINE", "600");
        let outcome = call.run();
        assert_eq!((outcome.status, outcome.output.lines().count()), (1, 1), "{fault}: {outcome:?}");
        assert!(outcome.output.contains(exit_status_and_text(fault).1), "{fault}: {outcome:?}");
        assert_ne!(outcome.output, NOT_FOUND);
        assert_eq!(outcome.errors, outcome.output);
        assert_closed(&server);
    }
}

#[test]
fn answers_without_an_end_take_little_memory() {
    let limited = |server: &FaultServer| {
        Call::keyward(&["get", PRIVATE])
            .against_fault(server)
            .variable("KEYWARD_DEADLINE", "600")
            .by_shell(&format!("ulimit -d {DATA}; exec \"$@\""))
    };
    for fault in [Fault::EndlessBody, Fault::EndlessHeaders] {
        let server = FaultServer::start(fault);
        let outcome = limited(&server).run();
        let (status, text) = exit_status_and_text(fault);
        assert!(outcome.status == status && outcome.errors.contains(text), "{fault}: {outcome:?}");
        assert_closed(&server);
    }
    // Interim answers are read over for ever: here, many times of what there is.
    let server = FaultServer::start(Fault::InterimFlood);
    let running = limited(&server).start();
    server.wait_until("much was read", |server| server.bytes_sent() > 8 * 1024 * u64::from(DATA));
    running.signal(Signal::TERM);
    let outcome = running.finish();
    assert_eq!((outcome.status, outcome.output.as_str()), (10, ""), "{outcome:?}");
    assert_closed(&server);
}
