//! The command ends at once when its deadline passes, when it is told to, and when nobody is there any more for whom it works;
//! it says what it was waiting for, and leaves nothing. Deadlines are much longer than a test, where they are not what ends it.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;

use keyward_testbed::{Answer, FakeAws, Fault, FaultServer, Gate};
use rustix::process::Signal;

use crate::harness::{Call, NOT_FOUND, Outcome, PRIVATE};
use crate::running::Running;
use crate::stuck::{HANGING, assert_closed, awaited, wait_until_stuck};

/// What ends the command, besides its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Interrupt,
    OutputCloses,
    ParentDies,
    Termination,
}

impl End {
    /// What the command says of it.
    fn text(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupted (SIGINT)",
            Self::OutputCloses => "nobody reads the standard output any more",
            Self::ParentDies => "the process that called this command is gone",
            Self::Termination => "terminated (SIGTERM)",
        }
    }

    fn start(self, call: Call) -> Running {
        if self == Self::ParentDies { call.start_in_background() } else { call.start() }
    }

    fn happen(self, running: &mut Running) {
        match self {
            Self::Interrupt => running.signal(Signal::INT),
            Self::OutputCloses => running.close_output(),
            Self::ParentDies => running.kill_parent(),
            Self::Termination => running.signal(Signal::TERM),
        }
    }
}

/// Ends a call that is stuck.
fn end(call: Call, server: &FaultServer, fault: Fault, end: End) -> Outcome {
    let mut running = end.start(call.against_fault(server).variable("KEYWARD_DEADLINE", "600"));
    wait_until_stuck(server, fault, &running);
    end.happen(&mut running);
    let outcome = running.finish();
    assert_closed(server);
    outcome
}

fn every_fault(how: End) {
    for fault in HANGING {
        let server = FaultServer::start(fault);
        let outcome = end(Call::keyward(&["get", PRIVATE]), &server, fault, how);
        assert_eq!((outcome.status, outcome.output.as_str()), (10, ""), "{fault}: {outcome:?}");
        let text = format!("error: {}: the lookup was cancelled{}", how.text(), awaited(&server, fault));
        assert!(outcome.errors.starts_with(&text) && outcome.errors.lines().count() == 1, "{fault}: {outcome:?}");
    }
}

#[test]
fn every_fault_that_hangs_is_ended_by_the_deadline() {
    // Side by side, since each takes the whole time.
    thread::scope(|scope| {
        for fault in HANGING {
            scope.spawn(move || {
                let server = FaultServer::start(fault);
                let outcome = Call::keyward(&["get", PRIVATE, "--deadline", "0.5"]).against_fault(&server).run();
                assert_eq!((outcome.status, outcome.output.as_str()), (9, ""), "{fault}: {outcome:?}");
                let text = format!("error: no credential within 500ms{}", awaited(&server, fault));
                assert!(outcome.errors.starts_with(&text), "{fault}: {outcome:?}");
                assert!(outcome.errors.ends_with(" s: try again, or set a longer deadline\n"), "{fault}: {outcome:?}");
                assert_closed(&server);
            });
        }
    });
}

#[test]
fn every_fault_that_hangs_is_ended_by_a_termination_signal() {
    every_fault(End::Termination);
}

#[test]
fn every_fault_that_hangs_is_ended_by_control_c() {
    every_fault(End::Interrupt);
}

#[test]
fn every_fault_that_hangs_is_ended_when_nobody_reads_the_standard_output_any_more() {
    every_fault(End::OutputCloses);
}

#[test]
fn every_fault_that_hangs_is_ended_when_the_process_that_called_is_gone() {
    every_fault(End::ParentDies);
}

/// docker shows its user what stands on the standard output, and takes one text there for "pull anonymously".
#[test]
fn the_helper_ends_too_and_never_says_not_found() {
    for fault in [Fault::FullBacklog, Fault::TlsSilence, Fault::Silence, Fault::InterimFlood] {
        let server = FaultServer::start(fault);
        for how in [End::Interrupt, End::OutputCloses, End::ParentDies, End::Termination] {
            // Of the one before, which the counters have seen already.
            let server = if fault == Fault::FullBacklog { &server } else { &FaultServer::start(fault) };
            let outcome = end(Call::helper(&["get"]).input(PRIVATE), server, fault, how);
            assert_eq!(outcome.status, 1, "{fault}, {how:?}: {outcome:?}");
            let text = format!("{}: the lookup was cancelled{}", how.text(), awaited(server, fault));
            assert!(outcome.errors.starts_with(&text), "{fault}, {how:?}: {outcome:?}");
            if how != End::OutputCloses {
                assert_eq!(outcome.output.lines().next(), outcome.errors.lines().next());
                assert!(outcome.output.lines().count() == 1 && outcome.output != NOT_FOUND, "{fault}: {outcome:?}");
            }
        }
    }
}

/// Some callers (Node.js) have sockets where others have pipes. Whoever says no more through one may still listen.
#[test]
fn a_socket_as_the_standard_output_ends_the_command_when_it_is_closed_and_not_when_its_other_direction_is() {
    let server = FaultServer::start(Fault::Silence);
    let (reader, output) = UnixStream::pair().unwrap();
    let call = Call::keyward(&["get", PRIVATE]).against_fault(&server).variable("KEYWARD_DEADLINE", "600");
    let running = call.start_with_output(OwnedFd::from(output));
    wait_until_stuck(&server, Fault::Silence, &running);
    drop(reader);
    let outcome = running.finish();
    assert_eq!(outcome.status, 10, "{outcome:?}");
    assert!(outcome.errors.contains(End::OutputCloses.text()), "{outcome:?}");
    assert_closed(&server);

    let (fake, gate) = held_back();
    let (mut reader, output) = UnixStream::pair().unwrap();
    let call = Call::keyward(&["get", PRIVATE]).against(&fake).variable("KEYWARD_DEADLINE", "600");
    let running = call.start_with_output(OwnedFd::from(output));
    fake.wait_until("the request has come", |fake| fake.requests().len() == 1);
    reader.shutdown(Shutdown::Write).unwrap();
    gate.open();
    let outcome = running.finish();
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{outcome:?}");
    let mut credential = String::new();
    reader.read_to_string(&mut credential).unwrap();
    assert!(credential.contains("\"Username\":\"AWS\""), "{credential}");
}

/// PR_SET_PDEATHSIG, which others use for this, would end it: it takes the thread for the parent. Programs with a pool of
/// threads have threads that come and go.
#[test]
fn the_command_goes_on_when_the_thread_that_called_it_ends_and_its_process_does_not() {
    let (fake, gate) = held_back();
    let call = Call::keyward(&["get", PRIVATE]).against(&fake).variable("KEYWARD_DEADLINE", "600");
    let running = thread::spawn(move || call.start()).join().unwrap();
    fake.wait_until("the request has come", |fake| fake.requests().len() == 1);
    gate.open();
    let outcome = running.finish();
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{outcome:?}");
    assert!(outcome.output.contains("\"Username\":\"AWS\""), "{outcome:?}");
    fake.wait_until("the connection is closed", |fake| fake.connections_open() == 0);
}

/// With the runtime's handlers in place and nobody who listens to them, a full pipe once made the command deaf.
#[test]
fn the_command_ends_at_a_signal_also_while_nobody_takes_its_answer() {
    let fake = FakeAws::start();
    let (_reader, mut output) = UnixStream::pair().unwrap();
    output.set_nonblocking(true).unwrap();
    while output.write(&[b'x'; 4096]).is_ok() {}
    output.set_nonblocking(false).unwrap();
    let running = Call::keyward(&["get", PRIVATE]).against(&fake).start_with_output(OwnedFd::from(output));
    fake.wait_until("the answer is there", |fake| fake.requests().len() == 1 && fake.connections_open() == 0);
    running.signal(Signal::TERM);
    assert_eq!(running.finish().status, 10);
}

/// `nohup`, and shells for what they put into the background.
#[test]
fn a_signal_that_the_caller_has_switched_off_stays_off() {
    let (fake, gate) = held_back();
    let call = Call::keyward(&["get", PRIVATE]).against(&fake).variable("KEYWARD_DEADLINE", "600");
    let running = call.by_shell(r#"trap "" INT; exec "$@""#).start();
    fake.wait_until("the request has come", |fake| fake.requests().len() == 1);
    running.signal(Signal::INT);
    gate.open();
    let outcome = running.finish();
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{outcome:?}");
}

/// A server whose answer comes when the gate is opened.
fn held_back() -> (FakeAws, Gate) {
    let (fake, gate) = (FakeAws::start(), Gate::new());
    fake.answer_always(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    (fake, gate)
}
