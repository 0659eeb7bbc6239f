//! Proxies. Endpoints have names here, which no name server is asked for: this machine is never asked through a proxy.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;

use keyward_testbed::{
    DEFAULT_ACCOUNT, FakeAws, Fault, FaultServer, NameServer, PASSWORD_MARK, TestProxy, private_password,
};
use rustix::process::Signal;

use crate::harness::{Call, Outcome, PRIVATE};
use crate::machine::{Machine, name_server, own_address};

const ENDPOINT: &str = "https://ecr.example:8443";
const TARGET: &str = "ecr.example:8443";

/// A call that has to reach the endpoint, through a proxy if it can.
fn call(fake: &FakeAws) -> Call {
    Call::keyward(&["get", PRIVATE, "--format", "password"])
        .trusting(fake.authority())
        .variable("AWS_ENDPOINT_URL", ENDPOINT)
}

fn assert_credential(outcome: &Outcome) {
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{outcome:?}");
    assert_eq!(outcome.output, format!("{}\n", private_password(DEFAULT_ACCOUNT, "us-east-1")));
}

#[test]
fn a_credential_comes_through_the_tunnel_that_each_of_the_settings_names() {
    let fake = FakeAws::start();
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = TestProxy::start(fake.address());
        assert_credential(&call(&fake).variable(name, proxy.url()).run());
        assert_eq!(proxy.targets(), [TARGET], "{name}");
        assert_eq!(proxy.authorizations(), [None], "{name}");
        proxy.wait_until("the tunnel is closed", |proxy| proxy.connections_open() == 0);
    }
    // The server is named in the handshake and in the request, and the proxy is in neither.
    let request = fake.requests().remove(0);
    assert_eq!((request.host.as_str(), request.server_name.as_deref()), (TARGET, Some("ecr.example")));
    assert_eq!(request.header("proxy-authorization"), None);
}

#[test]
fn the_endpoint_of_aws_is_not_resolved_where_a_proxy_does_it() {
    let fake = FakeAws::start();
    let names = NameServer::silent_at(name_server(own_address(21)));
    let machine = Machine::new("", own_address(21));
    let proxy = TestProxy::start(fake.address());
    let call = Call::keyward(&["get", PRIVATE, "--format", "password"]).trusting(fake.authority());
    assert_credential(&call.variable("HTTPS_PROXY", proxy.url()).on(&machine).run());
    assert_eq!(proxy.targets(), ["api.ecr.us-east-1.amazonaws.com:443"]);
    assert_eq!(names.question_count(), 0);
}

#[test]
fn the_user_and_password_of_a_proxy_are_sent_to_it_and_said_to_nobody() {
    let fake = FakeAws::start();
    let url = |proxy: &TestProxy| format!("http://user:hunter2%40%3A@{}", proxy.address());
    // Of `user:hunter2@:`.
    let authorization = "Basic dXNlcjpodW50ZXIyQDo=";
    let assert_unsaid = |outcome: &Outcome| {
        for secret in ["hunter2", "dXNlcjpodW50ZXIyQDo"] {
            assert!(!outcome.output.contains(secret) && !outcome.errors.contains(secret), "{outcome:?}");
        }
    };
    let proxy = TestProxy::start(fake.address());
    let outcome = call(&fake).variable("HTTPS_PROXY", url(&proxy)).run();
    assert_credential(&outcome);
    assert_unsaid(&outcome);
    assert_eq!(proxy.authorizations(), [Some(authorization.to_owned())]);
    assert_eq!(fake.requests()[0].header("proxy-authorization"), None);

    let proxy = TestProxy::refusing(407);
    let outcome = call(&fake).variable("HTTPS_PROXY", url(&proxy)).run();
    assert_eq!(outcome.status, 7, "{outcome:?}");
    assert_unsaid(&outcome);
    assert_eq!(proxy.authorizations(), [Some(authorization.to_owned())]);

    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let outcome = call(&fake).variable("HTTPS_PROXY", format!("http://user:hunter2@{gone}")).run();
    assert_eq!(outcome.status, 7, "{outcome:?}");
    assert_unsaid(&outcome);
    for scheme in ["socks5", "ftp"] {
        let outcome = call(&fake).variable("HTTPS_PROXY", format!("{scheme}://user:hunter2@{gone}")).run();
        assert_eq!(outcome.status, 8, "{outcome:?}");
        assert!(outcome.errors.starts_with("error: HTTPS_PROXY does not name a proxy that can be used"), "{outcome:?}");
        assert_unsaid(&outcome);
    }
}

#[test]
fn the_exceptions_from_a_proxy_are_reached_without_it() {
    let fake = FakeAws::start();
    let machine = Machine::new("127.0.0.1 ecr.example\n", own_address(22));
    let endpoint = format!("https://ecr.example:{}", fake.address().port());
    let proxy = TestProxy::refusing(403);
    for (name, value) in
        [("NO_PROXY", "ecr.example"), ("no_proxy", ".example"), ("NO_PROXY", "*"), ("NO_PROXY", "other.test, example")]
    {
        let call = call(&fake).variable("AWS_ENDPOINT_URL", &endpoint).variable("HTTPS_PROXY", proxy.url());
        assert_credential(&call.variable(name, value).on(&machine).run());
    }
    // And this machine itself needs no exception.
    let outcome = call(&fake).variable("AWS_ENDPOINT_URL", fake.url()).variable("HTTPS_PROXY", proxy.url()).run();
    assert_credential(&outcome);
    assert_eq!(proxy.connections_accepted(), 0);
}

#[test]
fn a_proxy_that_refuses_is_named_with_its_answer_and_what_to_do() {
    let fake = FakeAws::start();
    // What it did not reach, it may reach in a moment; what it refuses, it refuses.
    for (status, attempts, advice) in [
        (407, 1, "put its user name and password into the setting that names it (HTTPS_PROXY, HTTP_PROXY)"),
        (403, 1, "ask who runs it, or name the host in NO_PROXY"),
        (502, 3, "ask who runs it, or name the host in NO_PROXY"),
    ] {
        let proxy = TestProxy::refusing(status);
        let outcome = call(&fake).variable("HTTPS_PROXY", proxy.url()).run();
        assert_eq!((outcome.status, outcome.output.as_str()), (7, ""), "{outcome:?}");
        let text = format!("the proxy {} refused a tunnel to {TARGET} (HTTP status {status}): {advice}", proxy.url());
        assert_eq!(outcome.errors, format!("error: {text}\n"));
        assert_eq!(proxy.targets(), [TARGET].repeat(attempts));
    }
    assert_eq!(fake.connections_accepted(), 0);
}

#[test]
fn a_proxy_that_answers_nothing_is_ended_by_the_deadline_and_by_a_signal() {
    let fake = FakeAws::start();
    let awaited = |proxy: &FaultServer| {
        format!(", while it waited for the proxy's tunnel to {ENDPOINT} at {} for ", proxy.address())
    };
    let proxy = FaultServer::start(Fault::TlsSilence);
    let url = format!("http://{}", proxy.address());
    let outcome = call(&fake).variable("HTTPS_PROXY", &url).variable("KEYWARD_DEADLINE", "0.5").run();
    assert_eq!((outcome.status, outcome.output.as_str()), (9, ""), "{outcome:?}");
    let text = format!("error: no credential within 500ms{}", awaited(&proxy));
    assert!(outcome.errors.starts_with(&text), "{outcome:?}");
    proxy.wait_until("the connection is closed", |proxy| proxy.connections_open() == 0);

    let running = call(&fake).variable("HTTPS_PROXY", &url).variable("KEYWARD_DEADLINE", "600").start();
    proxy.wait_until("the proxy is asked", |proxy| proxy.connections_open() == 1 && running.is_asleep());
    running.signal(Signal::TERM);
    let outcome = running.finish();
    assert_eq!((outcome.status, outcome.output.as_str()), (10, ""), "{outcome:?}");
    let text = format!("error: terminated (SIGTERM): the lookup was cancelled{}", awaited(&proxy));
    assert!(outcome.errors.starts_with(&text), "{outcome:?}");
    proxy.wait_until("the connection is closed", |proxy| proxy.connections_open() == 0);
}

/// Without TLS, a proxy forwards each request, and is told whose it is.
#[test]
fn an_endpoint_without_tls_is_asked_for_by_its_whole_address() {
    let server = plain_server();
    let fake = FakeAws::start();
    let proxy = TestProxy::start(server);
    let plain = |name: &str| {
        let call = call(&fake).variable("AWS_ENDPOINT_URL", "http://ecr.example:8080/path");
        call.variable(name, format!("http://user:hunter2@{}", proxy.address())).run()
    };
    for name in ["HTTP_PROXY", "http_proxy"] {
        let outcome = plain(name);
        assert_eq!((outcome.status, outcome.output.as_str()), (0, "keyward-testbed-password:plain\n"), "{outcome:?}");
    }
    assert_eq!(proxy.absolute_requests(), ["http://ecr.example:8080/path/"; 2]);
    assert_eq!(proxy.authorizations(), vec![Some("Basic dXNlcjpodW50ZXIy".to_owned()); 2]);
    assert!(proxy.targets().is_empty());
}

/// A server without TLS that answers every request with a token.
fn plain_server() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    // Of `AWS:keyward-testbed-password:plain`.
    let token = "QVdTOmtleXdhcmQtdGVzdGJlZC1wYXNzd29yZDpwbGFpbg==";
    let body = format!(r#"{{"authorizationData":[{{"authorizationToken":"{token}","expiresAt":4102444800}}]}}"#);
    assert!("keyward-testbed-password:plain".contains(PASSWORD_MARK));
    let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    // It ends with the process of the tests.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while stream.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            stream.read_exact(&mut vec![0; length]).unwrap();
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}
