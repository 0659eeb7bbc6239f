//! What a person sees of a lookup that takes long. For Linux, whose `script` gives a command a terminal.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use keyward_testbed::{Answer, DEFAULT_ACCOUNT, FakeAws, Gate, private_password};

use crate::harness::{Call, PRIVATE};

/// Clears from the begin of the line.
const ERASED: &str = "\r\x1b[K";

/// How long a text is waited for that never comes: so that a test fails in the place of hanging.
const BOUND: Duration = Duration::from_secs(120);

/// Longer than a terminal would be left without a word.
const LONG: Duration = Duration::from_millis(1700);

/// A shell on a terminal, and what is on the screen.
struct Terminal {
    running: Child,
    read: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Terminal {
    /// Runs a text for a shell, with `$KEYWARD` in it and the environment of a call.
    fn run(call: &Call, text: &str) -> Self {
        let mut script = Command::new("script");
        script.env_clear().envs(call.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.env("KEYWARD", call.command.get_program()).env("REGISTRY", PRIVATE).env("SHELL", "/bin/sh");
        script.env("PATH", "/usr/bin:/bin");
        // It takes no arguments of a command, but one text for a shell.
        script.args(["--quiet", "--return", "--command", text, "/dev/null"]);
        let mut running = script.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut screen = running.stdout.take().unwrap();
        let (write, read) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                let _ = write.send(bytes[..count].to_owned());
            }
        });
        Self { running, read, seen: Vec::new() }
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Reads until a text is there so many times.
    #[track_caller]
    fn read_until(&mut self, text: &str, times: usize) {
        let begin = Instant::now();
        while self.seen().matches(text).count() < times {
            let read = self.read.recv_timeout(BOUND.saturating_sub(begin.elapsed()));
            let read = read.unwrap_or_else(|error| panic!("no {text:?} ({error}): {:?}", self.seen()));
            self.seen.extend(read);
        }
    }

    /// Everything on the screen, when the shell has ended as it should.
    #[track_caller]
    fn end(mut self) -> String {
        let begin = Instant::now();
        while let Ok(read) = self.read.recv_timeout(BOUND.saturating_sub(begin.elapsed())) {
            self.seen.extend(read);
        }
        if begin.elapsed() >= BOUND {
            let _ = self.running.kill();
        }
        assert!(self.running.wait().unwrap().success(), "{:?}", self.seen());
        self.seen()
    }
}

/// A server that answers when the gate is opened, and a call that asks it.
fn held() -> (FakeAws, Gate, Call) {
    let (fake, gate) = (FakeAws::start(), Gate::new());
    fake.answer_next(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let call = Call::keyward(&[]).against(&fake);
    (fake, gate, call)
}

#[test]
fn on_a_terminal_a_line_says_what_is_waited_for_and_is_erased_at_the_end() {
    let (fake, gate, call) = held();
    let mut terminal = Terminal::run(&call, "exec \"$KEYWARD\" get \"$REGISTRY\" --format password --deadline 600");
    // Twice, so that a refreshed one is seen too.
    terminal.read_until(&format!("\rwaiting for the answer of {}, ", fake.url()), 2);
    terminal.read_until(" s of 600 s left\x1b[K", 2);
    gate.open();
    let seen = terminal.end();
    let password = private_password(DEFAULT_ACCOUNT, "us-east-1");
    // What is left on the screen is the password alone.
    let (before, after) = seen.rsplit_once(ERASED).unwrap();
    assert_eq!(after, format!("{password}\r\n"));
    assert!(!before.contains(&password));
}

#[test]
fn a_lookup_that_waits_for_that_of_another_process_says_so() {
    let (fake, gate, call) = held();
    let home = tempfile::tempdir().unwrap();
    let (here, path) = (call.variable("HOME", home.path()), home.path().to_owned());
    let first = Call::keyward(&["get", PRIVATE, "--deadline", "600"]).against(&fake).variable("HOME", path);
    let first = thread::spawn(move || first.run());
    let begin = Instant::now();
    while fake.requests().is_empty() {
        assert!(begin.elapsed() < BOUND, "nobody asks");
        thread::sleep(Duration::from_millis(2));
    }
    let mut terminal = Terminal::run(&here, "exec \"$KEYWARD\" get \"$REGISTRY\" --format password --deadline 600");
    terminal.read_until("\rwaiting for another process that asks for the same, ", 1);
    gate.open();
    terminal.end();
    assert_eq!((first.join().unwrap().status, fake.requests().len()), (0, 1));
}

#[test]
fn a_job_in_the_background_is_not_stopped_by_its_own_line() {
    let (_fake, gate, call) = held();
    let text = "set -m; stty tostop
        \"$KEYWARD\" get \"$REGISTRY\" --format password --deadline 600 > /dev/null & wait $!; echo \"ended with $?\"";
    let mut terminal = Terminal::run(&call, text);
    thread::sleep(LONG);
    gate.open();
    terminal.read_until("ended with ", 1);
    let seen = terminal.end();
    assert_eq!(seen.trim_end(), "ended with 0");
}

#[test]
fn a_terminal_that_cannot_take_a_line_back_is_left_alone() {
    let (_fake, gate, call) = held();
    let call = call.variable("TERM", "dumb");
    let terminal = Terminal::run(&call, "exec \"$KEYWARD\" get \"$REGISTRY\" --format password --deadline 600");
    thread::sleep(LONG);
    gate.open();
    assert_eq!(terminal.end(), format!("{}\r\n", private_password(DEFAULT_ACCOUNT, "us-east-1")));
}

#[test]
fn nothing_is_written_where_the_error_stream_is_no_terminal() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    let deadline = LONG.as_secs_f64().to_string();
    let outcome = Call::keyward(&["get", PRIVATE, "--deadline", &deadline]).against(&fake).run();
    assert_eq!(outcome.status, 9);
    assert!(outcome.errors.starts_with("error: no credential within 1.7s"), "{outcome:?}");
    assert!(outcome.errors.lines().count() == 1 && !outcome.errors.contains('\r'), "{outcome:?}");
}
