//! What clients of the daemon get, and what they cannot do to each other.

use std::io::Write;

use keyward_testbed::{ACCESS_KEY_ID, Answer, FakeAws, Gate, Role, SECRET_ACCESS_KEY};
use rustix::process::Signal;
use serde_json::json;

use super::{Client, Daemon, IRELAND, is_there, password};
use crate::harness::{Call, PRIVATE};
use crate::running::until;

#[test]
fn a_credential_is_that_of_dockers_helpers_with_the_time_at_which_it_ends() {
    let fake = FakeAws::start();
    let daemon = Daemon::start(&fake, &[]);
    let mut client = daemon.connect();
    let asked = format!("https://{PRIVATE}/v2/");
    let answer = client.ask_for(&asked);
    assert_eq!((&answer["ServerURL"], &answer["Username"]), (&asked.into(), &"AWS".into()));
    assert_eq!(answer["Secret"], password("us-east-1"));
    assert!(answer["ExpiresAt"].as_u64().is_some(), "{:?}", answer["ExpiresAt"]);
    assert_eq!(client.ask(json!({ "action": "version" })), json!({ "Version": env!("CARGO_PKG_VERSION") }));
    // The same, over the same connection, in another form of its address.
    assert_eq!(client.ask_for(PRIVATE)["Secret"], password("us-east-1"));
    assert_eq!(fake.counters().tokens, 1);
    assert_eq!(client.ask(json!({ "action": "erase", "ServerURL": PRIVATE })), json!({}));
    assert_eq!(client.ask_for(PRIVATE)["Secret"], password("us-east-1"));
    assert_eq!(fake.counters().tokens, 2);
    let outcome = daemon.end();
    assert_eq!((outcome.status, outcome.output.as_str()), (0, ""));
}

#[test]
fn a_failure_has_the_name_of_its_outcome() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::aws_error(400, "AccessDeniedException", "no"));
    let daemon = Daemon::start(&fake, &[]);
    let mut client = daemon.connect();
    let answer = client.ask_for(PRIVATE);
    assert_eq!(answer["Outcome"], "denied");
    assert!(answer["Error"].as_str().unwrap().contains("AccessDeniedException") && answer["Secret"].is_null());
    assert_eq!(client.ask_for("docker.io")["Outcome"], "not_our_registry");
    fake.answer_always(Answer::Silence);
    let answer = client.ask(json!({ "action": "get", "ServerURL": PRIVATE, "deadline": 1.5 }));
    assert_eq!(answer["Outcome"], "timeout");
    let text = "no credential within 1.5s";
    assert!(answer["Error"].as_str().unwrap().starts_with(text), "{answer}");
}

#[test]
fn who_asks_the_same_at_the_same_time_waits_for_one_lookup() {
    let (fake, gate) = (FakeAws::start(), Gate::new());
    fake.answer_always(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let daemon = Daemon::start(&fake, &[]);
    let mut clients: Vec<Client> = (0..8).map(|_| daemon.connect()).collect();
    for client in &mut clients {
        client.send(&format!("{}\n", json!({ "action": "get", "ServerURL": PRIVATE })));
    }
    fake.wait_until("one request has come", |fake| fake.requests().len() == 1);
    gate.open();
    for client in &mut clients {
        assert_eq!(client.answer().unwrap()["Secret"], password("us-east-1"));
    }
    assert_eq!(fake.requests().len(), 1);
}

#[test]
fn a_registry_that_is_stuck_holds_up_nobody_else_and_its_lookup_ends_when_its_client_hangs_up() {
    let fake = FakeAws::start();
    let is_stuck = |region: &str| region == "us-east-1";
    fake.answer_where(
        move |request| request.scope.as_ref().is_some_and(|scope| is_stuck(&scope.region)),
        Answer::Silence,
    );
    let daemon = Daemon::start(&fake, &[]);
    // More than there are threads.
    let mut stuck: Vec<Client> = (1..=6).map(|_| daemon.connect()).collect();
    for (client, account) in stuck.iter_mut().zip(1..) {
        let registry = format!("{account:012}.dkr.ecr.us-east-1.amazonaws.com");
        client.send(&format!("{}\n", json!({ "action": "get", "ServerURL": registry })));
    }
    fake.wait_until("all of them are stuck", |fake| fake.requests().len() == 6);
    assert_eq!(daemon.connect().ask_for(IRELAND)["Secret"], password("eu-west-1"));
    // One is kept open for the next lookup.
    fake.wait_until("nothing else is open", |fake| fake.connections_open() == 7);
    drop(stuck);
    fake.wait_until("those of the stuck ones are closed", |fake| fake.connections_open() == 1);
    let outcome = daemon.end();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert_eq!(outcome.errors.matches("\"outcome\":\"cancelled\"").count(), 6, "{outcome:?}");
}

/// As `socat` and `nc` do with the end of their input.
#[test]
fn who_says_no_more_is_still_answered() {
    let (fake, gate) = (FakeAws::start(), Gate::new());
    fake.answer_always(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let daemon = Daemon::start(&fake, &[]);
    let mut client = daemon.connect();
    // Without the end of the line, too.
    client.send(&json!({ "action": "get", "ServerURL": PRIVATE }).to_string());
    client.say_no_more();
    fake.wait_until("the request has come", |fake| fake.requests().len() == 1);
    gate.open();
    assert_eq!(client.answer().unwrap()["Secret"], password("us-east-1"));
    assert_eq!(client.answer(), None);
}

#[test]
fn what_makes_no_sense_is_said_and_the_next_request_is_another_one() {
    let fake = FakeAws::start();
    let daemon = Daemon::start(&fake, &[]);
    let mut client = daemon.connect();
    for (line, said) in [
        ("get\n", "the request makes no sense"),
        ("\n", "the request makes no sense"),
        ("{\"action\":\"list\"}\n", "unknown variant `list`"),
        ("{\"action\":\"get\",\"ServerURL\":\"a\",\"endpoint\":\"https://x.example\"}\n", "unknown field `endpoint`"),
    ] {
        client.send(line);
        let answer = client.answer().unwrap();
        assert_eq!(answer["Outcome"], "invalid");
        assert!(answer["Error"].as_str().unwrap().contains(said), "{answer}");
    }
    assert_eq!(client.ask_for(PRIVATE)["Secret"], password("us-east-1"));
    // Where one is too long, nobody can tell where the next one begins.
    let mut client = daemon.connect();
    let _ = client.0.get_mut().write_all(&[b'x'; 80 * 1024]);
    let answer = client.answer().unwrap();
    assert_eq!(answer["Error"], "the request is longer than 65536 bytes: ask for less");
    assert_eq!(client.answer(), None);
}

#[test]
fn a_client_too_many_is_told_so_at_once_and_takes_nobodys_place() {
    let fake = FakeAws::start();
    let daemon = Daemon::start(&fake, &["--max-clients", "2"]);
    // What has looked for the daemon may still count.
    let mut clients: Vec<Client> = Vec::new();
    while clients.len() < 2 {
        let mut client = daemon.connect();
        if client.try_ask(json!({ "action": "version" })).is_some_and(|answer| answer["Version"].is_string()) {
            clients.push(client);
        }
    }
    let mut turned_away = daemon.connect();
    let answer = turned_away.answer().unwrap();
    assert_eq!(answer["Outcome"], "overloaded");
    assert_eq!(answer["Error"], "2 clients are connected already: try again later, or raise --max-clients");
    assert_eq!(turned_away.answer(), None);
    assert_eq!(clients[0].ask_for(PRIVATE)["Secret"], password("us-east-1"));
    clients.pop();
    until("there is a place again", || daemon.answers());
}

#[test]
fn a_client_that_takes_too_long_for_its_request_makes_room_for_others() {
    let fake = FakeAws::start();
    let daemon = Daemon::start(&fake, &["--client-timeout", "1.5"]);
    let (mut idle, mut slow) = (daemon.connect(), daemon.connect());
    slow.send("{\"action\":");
    let answer = slow.answer().unwrap();
    assert_eq!(answer["Error"], "the request did not come to its end within 1.5s: end it with a newline");
    assert_eq!((slow.answer(), idle.answer()), (None, None));
}

#[test]
fn the_settings_of_the_daemon_hold_and_a_request_may_say_whose_credentials_it_means() {
    let fake = FakeAws::start();
    let arn = "arn:aws:iam::123456789012:role/puller";
    fake.add_role(Role::new(arn));
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("keyward.toml");
    std::fs::write(&config, format!("[[registry]]\nmatch = 'r.example.com'\nalias = '{IRELAND}'\n")).unwrap();
    let keys = format!("[build]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n");
    std::fs::write(folder.path().join("credentials"), keys).unwrap();
    let call = Call::keyward(&["serve"]).against(&fake).variable("KEYWARD_CONFIG", &config);
    let call = call.variable("AWS_SHARED_CREDENTIALS_FILE", folder.path().join("credentials"));
    let daemon = Daemon::start_call(call, &[]);
    let mut client = daemon.connect();
    let answer = client.ask_for("r.example.com");
    assert_eq!((&answer["ServerURL"], &answer["Secret"]), (&"r.example.com".into(), &password("eu-west-1").into()));
    let get = json!({ "action": "get", "ServerURL": PRIVATE, "profile": "build", "roleArn": arn, "sessionName": "ci" });
    assert_eq!(client.ask(get)["Secret"], password("us-east-1"));
    let assumed = fake.requests().into_iter().find(|request| request.parameter("RoleArn").is_some()).unwrap();
    assert_eq!(assumed.parameter("RoleSessionName").as_deref(), Some("ci"));
    let answer = client.ask(json!({ "action": "get", "ServerURL": PRIVATE, "profile": "missing" }));
    assert!(answer["Error"].as_str().unwrap().contains("profile missing is not in"), "{answer}");
}

#[test]
fn lookups_that_are_under_way_come_to_their_end_when_the_daemon_is_told_to_end() {
    for signal in [Signal::TERM, Signal::INT] {
        let (fake, gate) = (FakeAws::start(), Gate::new());
        fake.answer_always(Answer::Held(gate.clone(), Box::new(Answer::Token)));
        let daemon = Daemon::start(&fake, &[]);
        let (mut idle, mut client) = (daemon.connect(), daemon.connect());
        client.send(&format!("{}\n", json!({ "action": "get", "ServerURL": PRIVATE })));
        fake.wait_until("the request has come", |fake| fake.requests().len() == 1);
        daemon.running.signal(signal);
        until("nobody can come any more", || !is_there(&daemon.socket));
        assert_eq!(idle.answer(), None);
        gate.open();
        assert_eq!(client.answer().unwrap()["Secret"], password("us-east-1"));
        assert_eq!(client.answer(), None);
        let outcome = daemon.running.finish();
        assert_eq!(outcome.status, 0, "{outcome:?}");
        assert!(outcome.errors.contains("the daemon ends"), "{outcome:?}");
    }
}

#[test]
fn a_second_signal_ends_the_daemon_at_once() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::Silence);
    let daemon = Daemon::start(&fake, &[]);
    let mut client = daemon.connect();
    client.send(&format!("{}\n", json!({ "action": "get", "ServerURL": PRIVATE })));
    fake.wait_until("the request has come", |fake| fake.requests().len() == 1);
    daemon.running.signal(Signal::TERM);
    until("nobody can come any more", || !is_there(&daemon.socket));
    daemon.running.signal(Signal::TERM);
    let outcome = daemon.running.finish();
    assert_eq!(outcome.status, 10, "{outcome:?}");
    fake.wait_until("the connection is closed", |fake| fake.connections_open() == 0);
}

#[test]
fn no_secret_is_in_what_the_daemon_logs() {
    let fake = FakeAws::start();
    let call = Call::keyward(&["serve", "-vv", "--log-format", "json"]).against(&fake);
    let daemon = Daemon::start_call(call, &[]);
    let mut client = daemon.connect();
    client.ask_for(&format!("https://somebody:hunter2@{PRIVATE}/"));
    client.ask_for(PRIVATE);
    client.send("{\"action\":\"get\",\"ServerURL\":\"x\",\"Secret\":\"hunter2\"}\n");
    client.answer().unwrap();
    // Of the access key and the password, the harness sees to it.
    let outcome = daemon.end();
    for line in outcome.errors.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["message"].is_string() && !line.to_string().contains("hunter2"), "{line}");
    }
    assert!(outcome.errors.contains("the request is over"), "nothing was logged: {outcome:?}");
}

/// Its lines are lost, and nothing else.
#[test]
fn a_log_that_nobody_reads_holds_up_nobody() {
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    // A pipe that is open at both ends, so that it can be written to until it is full.
    let script = format!(r#"mkfifo {0}; exec "$@" 2<>{0}"#, folder.path().join("pipe").display());
    let call = Call::keyward(&["serve", "-vv"]).against(&fake).by_shell(&script);
    let daemon = Daemon::start_call(call, &[]);
    let mut client = daemon.connect();
    // Far more than a pipe and the queue before it take, a line each.
    for _ in 0..4000 {
        assert!(client.ask_for(PRIVATE)["Secret"].is_string());
    }
    assert_eq!(daemon.end().status, 0);
}
