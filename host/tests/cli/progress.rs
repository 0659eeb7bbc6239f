//! What a person sees of a lookup that takes long. For Linux, whose `script` gives a command a terminal.

use std::io::Read;
use std::process::{Command, Stdio};

use keyward_testbed::{Answer, DEFAULT_ACCOUNT, FakeAws, Gate, private_password};

use crate::harness::{Call, PRIVATE};

/// Clears from the begin of the line.
const ERASED: &str = "\r\x1b[K";

#[test]
fn on_a_terminal_a_line_says_what_is_waited_for_and_is_erased_at_the_end() {
    let (fake, gate) = (FakeAws::start(), Gate::new());
    fake.answer_next(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let call = Call::keyward(&[]).against(&fake);
    let mut script = Command::new("script");
    script.env_clear().envs(call.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("KEYWARD", call.command.get_program()).env("REGISTRY", PRIVATE).env("SHELL", "/bin/sh");
    // It takes no arguments of a command, but one text for a shell.
    let command = "exec \"$KEYWARD\" get \"$REGISTRY\" --format password --deadline 600";
    script.args(["--quiet", "--return", "--command", command, "/dev/null"]);
    let mut running = script.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut terminal = running.stdout.take().unwrap();
    let mut seen = Vec::new();
    // Twice, so that a refreshed one is seen too.
    while String::from_utf8_lossy(&seen).matches(" left\x1b[K").count() < 2 {
        let mut bytes = [0; 1024];
        let count = terminal.read(&mut bytes).unwrap();
        assert_ne!(count, 0, "ended with {:?}", String::from_utf8_lossy(&seen));
        seen.extend(&bytes[..count]);
    }
    gate.open();
    terminal.read_to_end(&mut seen).unwrap();
    assert!(running.wait().unwrap().success());

    let seen = String::from_utf8(seen).unwrap();
    let line = format!("\rwaiting for the answer of {}, 59", fake.url());
    assert!(seen.starts_with(&line), "{seen:?}");
    assert!(seen.contains(" s of 600 s left\x1b[K"), "{seen:?}");
    let password = private_password(DEFAULT_ACCOUNT, "us-east-1");
    // What is left on the screen is the password alone.
    let (before, after) = seen.rsplit_once(ERASED).unwrap();
    assert_eq!(after, format!("{password}\r\n"));
    assert!(!before.contains(&password));
}

#[test]
fn nothing_is_written_where_the_error_stream_is_no_terminal() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    // Longer than a terminal would be left without a word.
    let outcome = Call::keyward(&["get", PRIVATE, "--deadline", "1.7"]).against(&fake).run();
    assert_eq!(outcome.status, 9);
    assert!(outcome.errors.starts_with("error: no credential within 1.7s"), "{outcome:?}");
    assert!(outcome.errors.lines().count() == 1 && !outcome.errors.contains('\r'), "{outcome:?}");
}
