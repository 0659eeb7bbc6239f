//! The daemon as systemd starts it: with a socket that was handed over, which it neither makes nor removes.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use keyward_testbed::FakeAws;
use rustix::process::{Pid, Signal, kill_process};

use super::{Client, is_there, password};
use crate::harness::{Call, PRIVATE};
use crate::running::wrapped;

/// The standard input becomes the first descriptor behind the standard streams, where the protocol has it.
const HAND_OVER: &str = r#"exec 3<&0 </dev/null; LISTEN_FDS=${SOCKETS-1} LISTEN_PID=$$ exec "$@""#;

fn hand_over(socket: impl Into<OwnedFd>, call: Call) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", HAND_OVER, "sh"]);
    let mut command = wrapped(shell, &call.command);
    command.stdin(Stdio::from(socket.into())).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn serve(fake: &FakeAws, listener: &UnixListener, arguments: &[&str]) -> Child {
    let call = Call::keyward(&[&["serve", "-v"], arguments].concat()).against(fake);
    hand_over(listener.try_clone().unwrap(), call).spawn().unwrap()
}

fn finish(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_socket_that_was_handed_over_is_served_until_nobody_comes_and_left_for_the_next_daemon() {
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("keyward.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    for round in 1..=2 {
        // Whoever comes before the daemon waits for it.
        let mut client = Client::new(UnixStream::connect(&socket).unwrap());
        let daemon = serve(&fake, &listener, &["--idle-exit", "0.2"]);
        assert_eq!(client.ask_for(PRIVATE)["Secret"], password("us-east-1"));
        drop(client);
        let (status, log) = finish(daemon);
        assert_eq!(status, Some(0), "{log}");
        assert!(log.contains("the socket that was handed over") && log.contains("nobody has come for long"), "{log}");
        assert!(is_there(&socket));
        // What is in memory goes with it.
        assert_eq!(fake.counters().tokens, round);
    }
}

#[test]
fn a_daemon_with_a_socket_that_was_handed_over_ends_when_it_is_told_to() {
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("keyward.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let daemon = serve(&fake, &listener, &[]);
    let mut client = Client::new(UnixStream::connect(&socket).unwrap());
    assert_eq!(client.ask_for(PRIVATE)["Secret"], password("us-east-1"));
    kill_process(Pid::from_child(&daemon), Signal::TERM).unwrap();
    assert_eq!(client.answer(), None);
    assert_eq!(finish(daemon).0, Some(0));
    assert!(is_there(&socket));
}

#[test]
fn what_was_handed_over_and_is_no_listening_socket_is_an_error() {
    let null = || File::open("/dev/null").unwrap();
    let (status, log) = finish(hand_over(null(), Call::keyward(&["serve"])).spawn().unwrap());
    assert_eq!(status, Some(1));
    assert!(log.contains("what was handed over (LISTEN_FDS) is not one listening Unix socket"), "{log}");
    let (connected, _other) = UnixStream::pair().unwrap();
    let (status, log) = finish(hand_over(connected, Call::keyward(&["serve"])).spawn().unwrap());
    assert_eq!(status, Some(1));
    assert!(log.contains("it does not listen"), "{log}");
    let call = Call::keyward(&["serve"]).variable("SOCKETS", "2");
    let (status, log) = finish(hand_over(null(), call).spawn().unwrap());
    assert_eq!(status, Some(1));
    assert!(log.contains("there are 2"), "{log}");
}

#[test]
fn systemd_takes_the_units() {
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy/systemd");
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("skipped: systemd-analyze is not installed");
        return;
    }
    for manager in ["system", "user"] {
        let folder = tempfile::tempdir().unwrap();
        let copies: Vec<PathBuf> = ["keyward.socket", "keyward.service"]
            .into_iter()
            .map(|name| {
                let text = fs::read_to_string(units.join(manager).join(name)).unwrap();
                let copy = folder.path().join(name);
                // It looks for the program too.
                fs::write(&copy, text.replace("/usr/bin/keyward", env!("CARGO_BIN_EXE_keyward"))).unwrap();
                copy
            })
            .collect();
        let verified = Command::new("systemd-analyze")
            .args([&format!("--{manager}"), "--man=no", "--recursive-errors=no", "verify"])
            .args(&copies)
            .env("XDG_RUNTIME_DIR", folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&verified.stderr);
        // Of the other units of this machine, nothing counts.
        let ours: Vec<&str> = said.lines().filter(|line| line.contains("keyward")).collect();
        assert!(verified.status.success() && ours.is_empty(), "{manager}: {said}");
    }
}
