//! The command as the client of a daemon: it asks it where one is named, and does without where there is none.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::thread;

use keyward_testbed::{ACCESS_KEY_ID, Answer, FakeAws, SECRET_ACCESS_KEY};
use rustix::process::Signal;
use serde_json::json;

use super::{Daemon, IRELAND, password};
use crate::harness::{Call, NOT_FOUND, PRIVATE};

/// A call with nothing that it could look up by itself with.
fn get(arguments: &[&str]) -> Call {
    Call::keyward(&[&["get", "--format", "password"], arguments].concat())
}

#[test]
fn get_and_the_helper_ask_the_daemon_and_look_nothing_up_themselves() {
    let fake = FakeAws::start();
    let daemon = Daemon::start(&fake, &[]);
    let outcome = daemon.asked_by(get(&[PRIVATE])).run();
    let expected = format!("{}\n", password("us-east-1"));
    assert_eq!((outcome.status, &outcome.output, outcome.errors.as_str()), (0, &expected, ""));
    let outcome = daemon.asked_by(Call::helper(&["get"])).input(PRIVATE).run();
    let object = json!({ "ServerURL": PRIVATE, "Username": "AWS", "Secret": password("us-east-1") });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&outcome.output).unwrap(), object);
    let outcome = daemon.asked_by(get(&[IRELAND, PRIVATE])).run();
    assert_eq!(outcome.output, format!("{}\n{expected}", password("eu-west-1")));
    assert_eq!(fake.counters().tokens, 2);
    // Logged out, the next one is a new one.
    assert_eq!(daemon.asked_by(Call::helper(&["erase"])).input(PRIVATE).run().status, 0);
    assert_eq!(daemon.asked_by(get(&[PRIVATE, "-v"])).run().output, expected);
    assert_eq!(fake.counters().tokens, 3);
    let outcome = daemon.asked_by(get(&[PRIVATE, "-v"])).run();
    assert!(outcome.errors.contains("the daemon has answered"), "{outcome:?}");
}

#[test]
fn the_daemons_error_is_the_answer() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::aws_error(400, "AccessDeniedException", "no"));
    let daemon = Daemon::start(&fake, &[]);
    let outcome = daemon.asked_by(get(&[PRIVATE])).run();
    assert_eq!((outcome.status, outcome.output.as_str()), (5, ""));
    let direct = Call::keyward(&["get", PRIVATE]).against(&fake).run();
    let without_id = |text: &str| text.split("request").next().unwrap().to_owned();
    assert_eq!(without_id(&outcome.errors), without_id(&direct.errors));
    let outcome = daemon.asked_by(Call::helper(&["get"])).input("docker.io").run();
    assert_eq!((outcome.status, outcome.output.as_str(), outcome.errors.as_str()), (1, NOT_FOUND, ""));
    fake.answer_always(Answer::Silence);
    let outcome = daemon.asked_by(get(&[PRIVATE])).variable("KEYWARD_DEADLINE", "3").run();
    assert_eq!((outcome.status, outcome.output.as_str()), (9, ""));
    // As a rule, the daemon says so first, and what it has waited for.
    assert!(outcome.errors.starts_with("error: no credential within "), "{outcome:?}");
    fake.wait_until("the lookup is over", |fake| fake.connections_open() == 0);
}

#[test]
fn without_a_daemon_the_command_looks_up_itself_and_says_so() {
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("keyward.sock");
    let outcome = get(&[PRIVATE]).against(&fake).variable("KEYWARD_SOCKET", &socket).run();
    assert_eq!((outcome.status, &outcome.output), (0, &format!("{}\n", password("us-east-1"))));
    let note = format!("note: the daemon at {} was not used, since it cannot be reached: ", socket.display());
    assert!(outcome.errors.starts_with(&note) && outcome.errors.lines().count() == 1, "{outcome:?}");
    // Of what nobody is looked up for, there is nothing to be said.
    let outcome = Call::helper(&["get"]).input("docker.io").variable("KEYWARD_SOCKET", &socket).run();
    assert_eq!((outcome.status, outcome.output.as_str(), outcome.errors.as_str()), (1, NOT_FOUND, ""));
}

#[test]
fn a_daemon_that_says_nothing_or_goes_away_holds_up_nobody() {
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("keyward.sock");
    let call = || get(&[PRIVATE]).against(&fake).variable("KEYWARD_SOCKET", &socket);
    let listener = UnixListener::bind(&socket).unwrap();
    // It takes the connection, by its backlog, and nothing else.
    let outcome = call().variable("KEYWARD_DEADLINE", "20").run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.errors.contains("was not used, since it did not answer within 2s"), "{outcome:?}");
    drop(listener.accept().unwrap());
    for (said, text) in [("", "it has closed the connection"), ("hello\n", "what it says makes no sense")] {
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut client, _) = listener.accept().unwrap();
                // Read before it is closed: what is left unread would be a failure of the connection.
                let _ = client.read(&mut [0; 4096]).unwrap();
                client.write_all(said.as_bytes()).unwrap();
            });
            let outcome = call().run();
            assert_eq!(outcome.status, 0, "{outcome:?}");
            assert!(outcome.errors.contains(text), "{outcome:?}");
        });
    }
}

/// One process that keeps all places would make every pull of its user fail.
#[test]
fn a_daemon_that_has_too_many_clients_counts_as_none() {
    let fake = FakeAws::start();
    let daemon = Daemon::start(&fake, &["--max-clients", "1"]);
    // What has looked for the daemon may still count.
    let _kept = loop {
        let mut client = daemon.connect();
        if client.try_ask(json!({ "action": "version" })).is_some_and(|answer| answer["Version"].is_string()) {
            break client;
        }
    };
    let outcome = daemon.asked_by(get(&[PRIVATE]).against(&fake)).run();
    assert_eq!((outcome.status, &outcome.output), (0, &format!("{}\n", password("us-east-1"))));
    let note = "was not used, since it serves nobody else at the moment: 1 clients are connected already";
    assert!(outcome.errors.contains(note) && outcome.errors.lines().count() == 1, "{outcome:?}");
}

#[test]
fn what_is_said_for_one_call_holds_for_it() {
    let fake = FakeAws::start();
    let daemon = Daemon::start(&fake, &[]);
    // That goes to the daemon, which does not know the profile.
    let outcome = daemon.asked_by(get(&[PRIVATE, "--profile", "missing"])).run();
    assert!(outcome.status == 8 && outcome.errors.contains("profile missing is not in"), "{outcome:?}");
    // Of these, it is not told: the command, without credentials, finds none.
    let url = fake.url();
    for arguments in [
        &["--endpoint", &url][..],
        &["--allow", &url],
        &["--alias", "r.example=public.ecr.aws"],
        // Nor of these, whose own it has.
        &["--config", "off"],
        &["--cache", "off"],
        &["--fuel", "100000000"],
    ] {
        let outcome = daemon.asked_by(get(&[&[PRIVATE], arguments].concat())).run();
        assert_eq!(outcome.status, 4, "{outcome:?}");
    }
    assert_eq!(fake.requests().len(), 0);
    let outcome = daemon.asked_by(Call::keyward(&["explain", PRIVATE])).run();
    assert_eq!(outcome.status, 4, "{outcome:?}");
    let request = json!({
        "kind": "CredentialProviderRequest",
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "image": format!("{PRIVATE}/image:1"),
    });
    let outcome = daemon.asked_by(Call::keyward(&["kubelet"])).input(request.to_string()).run();
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert_eq!(fake.requests().len(), 0);
}

#[test]
fn a_signal_ends_the_command_and_its_lookup_in_the_daemon() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    let daemon = Daemon::start(&fake, &[]);
    let running = daemon.asked_by(get(&[PRIVATE])).variable("KEYWARD_DEADLINE", "600").start();
    fake.wait_until("the request has come", |fake| fake.requests().len() == 1);
    running.signal(Signal::TERM);
    let outcome = running.finish();
    assert_eq!((outcome.status, outcome.output.as_str()), (10, ""));
    assert!(outcome.errors.starts_with("error: terminated (SIGTERM): the lookup was cancelled"), "{outcome:?}");
    fake.wait_until("the connection is closed", |fake| fake.connections_open() == 0);
    // As it does where the command looks up itself, since there is no daemon.
    assert_eq!(daemon.end().status, 0);
    let call = get(&[PRIVATE]).against(&fake).variable("KEYWARD_DEADLINE", "600");
    let running = call.variable("KEYWARD_SOCKET", "/dev/null/keyward.sock").start();
    fake.wait_until("another request has come", |fake| fake.requests().len() == 2);
    running.signal(Signal::TERM);
    let outcome = running.finish();
    assert_eq!((outcome.status, outcome.output.as_str()), (10, ""));
    assert!(outcome.errors.contains("error: terminated (SIGTERM): the lookup was cancelled, while it"), "{outcome:?}");
}

/// Whoever may not ask gets nothing, and whoever may be somebody else is not asked.
#[test]
fn another_user_is_turned_away_by_the_daemon_and_another_users_daemon_by_the_command() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: it takes root to be somebody else");
        return;
    }
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("keyward");
    fs::copy(env!("CARGO_BIN_EXE_keyward"), &program).unwrap();
    // Everything of the file system lets him.
    let daemon = Daemon::start(&fake, &[]);
    let socket = folder.path().join("keyward.sock");
    fs::set_permissions(&daemon.socket, Permissions::from_mode(0o666)).unwrap();
    fs::hard_link(&daemon.socket, &socket).unwrap();
    let as_nobody = |call: Call| {
        let call = call.variable("KEYWARD_SOCKET", &socket).variable("PROGRAM", &program);
        call.by_shell(r#"shift; exec setpriv --reuid 65534 --regid 65534 --clear-groups "$PROGRAM" "$@""#)
    };
    let outcome = as_nobody(get(&[PRIVATE])).run();
    assert_eq!((outcome.status, outcome.output.as_str()), (4, ""), "{outcome:?}");
    assert!(outcome.errors.contains("was not used, since it has closed the connection"), "{outcome:?}");
    assert_eq!(fake.requests().len(), 0);
    let ended = daemon.end();
    assert!(ended.errors.contains("a client of another user is turned away"), "{ended:?}");
    assert!(ended.errors.contains("\"uid\":65534"), "{ended:?}");

    let listener = fs::remove_file(&socket).map(|()| folder.path().join("his")).unwrap();
    fs::create_dir(&listener).unwrap();
    std::os::unix::fs::chown(&listener, Some(65534), Some(65534)).unwrap();
    let socket = listener.join("keyward.sock");
    let keys = |call: Call| {
        let call = call.variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID);
        call.variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY).variable("AWS_ENDPOINT_URL", fake.url())
    };
    let call = as_nobody(keys(Call::keyward(&["serve", "--socket"]).argument(&socket)));
    let his = call.start();
    crate::running::until("his daemon listens", || super::is_there(&socket));
    let outcome = get(&[PRIVATE]).variable("KEYWARD_SOCKET", &socket).run();
    assert_eq!((outcome.status, outcome.output.as_str()), (4, ""), "{outcome:?}");
    assert!(outcome.errors.contains("was not used, since it is that of another user, 65534"), "{outcome:?}");
    his.signal(Signal::TERM);
    assert_eq!(his.finish().status, 0);
}
