//! The example `registry_proxy` as its users start it, between a registry and a client that nobody here wrote.

use std::env;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward_testbed::{Fault, FaultServer};

use super::bed::{Bed, STUCK_ECR, STUCK_REGISTRY};
use super::image::{files_of, write_image};
use super::moto::{REGISTRY, TOKEN};
use super::process::{Server, available};
use crate::{IMAGE, secrets};

#[test]
fn skopeo_pulls_an_image_through_the_proxy_while_the_aws_of_another_upstream_is_stuck() {
    let bed = Bed::start();
    let keys = &bed.moto.permitted;
    let pushed = write_image(&bed.path("image"));
    bed.skopeo(keys, &["copy", &format!("dir:{}", pushed.display()), IMAGE]).assert_success();

    let stuck = FaultServer::start_with_at(Default::default(), Fault::TlsSilence, STUCK_ECR.1);
    let (proxy, address) = start_proxy(&bed);
    // Two that wait for one lookup.
    let path = format!("/v2/{STUCK_REGISTRY}/keyward/demo/manifests/1");
    let waiting = [ask(address, &path), ask(address, &path)];
    stuck.wait_until("the lookup is stuck", |stuck| stuck.connections_open() == 1);

    let pulled = bed.path("pulled");
    let (image, target) =
        (format!("docker://{address}/{REGISTRY}/keyward/demo:1"), format!("dir:{}", pulled.display()));
    // It has nothing to log in with, and the proxy has no TLS.
    let arguments = ["copy", "--src-no-creds", "--src-tls-verify=false", &image, &target];
    let outcome = bed.skopeo(keys, &arguments);
    outcome.assert_success();
    outcome.assert_without(&secrets(bed.moto, keys));
    assert_eq!(files_of(&pulled), files_of(&pushed));

    let metrics = get(address, "/metrics");
    assert_eq!(stuck.connections_open(), 1, "the lookup is no longer stuck");
    assert!(metrics.contains("\nkeyward_lookups_live 1\n"), "{metrics}");
    drop(waiting);
    stuck.wait_until("the lookup is gone with its clients", |stuck| stuck.connections_open() == 0);

    // Nothing is there for whoever reaches ECR without the proxy.
    let direct = bed.skopeo(keys, &["inspect", "--no-creds", IMAGE]);
    assert!(!direct.status.success(), "the registry needs no credential: {direct}");

    let (status, messages) = proxy.end();
    assert!(status.success(), "{status}: {messages}");
    assert!(messages.contains(REGISTRY), "it was to tell of everything: {messages}");
    let login = STANDARD.encode(format!("AWS:{TOKEN}"));
    for secret in secrets(bed.moto, keys).into_iter().chain([login.as_str()]) {
        assert!(!messages.contains(secret) && !metrics.contains(secret), "a secret was told");
    }
}

/// Starts the example with two upstreams, and waits until it listens.
fn start_proxy(bed: &Bed) -> (Server, SocketAddr) {
    let address = available((Ipv4Addr::LOCALHOST, 0).into());
    let mut command = bed.among_real_names_at(&example());
    command
        .args(["--listen", &address.to_string(), "--upstream", REGISTRY, "--upstream", STUCK_REGISTRY])
        .args(["--deadline", "300", "--log-level", "trace"])
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(bed.moto.permitted.environment());
    (Server::start_until(&command, || TcpStream::connect(address).is_ok()), address)
}

/// The program, which cargo builds before it runs all tests of the package.
fn example() -> PathBuf {
    let tests = env::current_exe().expect("the system knows what it runs");
    let program =
        tests.parent().and_then(|folder| folder.parent()).expect("cargo has folders").join("examples/registry_proxy");
    assert!(program.exists(), "no {}: run cargo build --release --example registry_proxy", program.display());
    program
}

fn get(address: SocketAddr, path: &str) -> String {
    let (mut stream, mut answer) = (ask(address, path), String::new());
    stream.read_to_string(&mut answer).expect("the proxy answers with text");
    answer
}

fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the proxy listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("the proxy reads");
    stream
}
