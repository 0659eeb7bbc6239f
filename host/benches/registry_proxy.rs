//! `cargo bench -p keyward --bench registry_proxy`: what a pull through the example `registry_proxy` takes while another upstream is stuck and
//! clients hang up, beside what it takes alone.
//!
//! The same 200 clients pull in both, each a manifest and a layer once in a round of four seconds, at the same moments in all rounds. Alone, nobody
//! else does anything. Beside, 100 more ask the upstream whose AWS does not answer, and 20 more ask for the layer; all of these hang up
//! after some seconds, and ask again some seconds later. The two take turns, so that what else the machine does meets both. AWS and the
//! registry are in other processes.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use keyward::{Budget, Config};
use keyward_testbed::stuck::{Servers, Spread, met, serve_if_told};
use keyward_testbed::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use proxy::{Limits, Proxy, Upstream};
use random::Random;

#[allow(dead_code, unused_imports, reason = "its unit tests are those of the test registry_proxy")]
#[path = "../examples/registry_proxy/proxy/mod.rs"]
mod proxy;
#[path = "../examples/fleet/random.rs"]
mod random;

const HEALTHY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const HEALTHY_API: &str = "api.ecr.us-east-1.amazonaws.com";
const STUCK: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const STUCK_API: &str = "api.ecr.eu-west-1.amazonaws.com";

const MANIFEST: &str = "team/image/manifests/1";
const LAYER: &str = "team/image/blobs/sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const LAYER_BYTES: usize = 256 * 1024;

const CLIENTS: u64 = 200;
const ON_STUCK: u64 = 100;
const ON_LAYER: u64 = 20;

const PAIRS: usize = 11;
const ROUND: Duration = Duration::from_secs(4);
const GOAL: f64 = 1.2;

/// Says that this process is the registry.
const REGISTRY: &str = "KEYWARD_BENCH_REGISTRY";

fn main() {
    if serve_if_told() {
        return;
    }
    if env::var_os(REGISTRY).is_some() {
        return runtime(1).block_on(serve_registry());
    }
    let aws = Servers::start(&["fake-aws", "silence"]);
    let registry = Registry::start();
    let proxy = runtime(2);
    let address = proxy.block_on(start_proxy(&aws, registry.address));

    let clients = runtime(1);
    clients.block_on(round(address, false));
    let (mut alone, mut beside, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let pair = [false, true].map(|is_beside| clients.block_on(round(address, is_beside)));
        let [first, second] = pair.each_ref().map(|samples| Spread::of(samples.clone()));
        let ratio = |beside: Duration, alone: Duration| beside.as_secs_f64() / alone.as_secs_f64();
        ratios.push((ratio(second.median, first.median), ratio(second.percentile_99, first.percentile_99)));
        let [first, second] = pair;
        alone.extend(first);
        beside.extend(second);
    }
    println!(
        "{:<44} {:>6} {:>11} {:>11} {:>11}",
        "a pull of a manifest and a layer", "pulls", "median", "99 of 100", "worst"
    );
    for (name, samples) in [("alone: 200 clients", alone), ("beside a stuck upstream and hang-ups", beside)] {
        let pulls = samples.len();
        let [median, percentile_99, worst] = Spread::of(samples).cells();
        println!("{name:<44} {pulls:>6} {median:>11} {percentile_99:>11} {worst:>11}");
    }
    let (median, percentile_99) =
        (middle(ratios.iter().map(|ratio| ratio.0)), middle(ratios.iter().map(|ratio| ratio.1)));
    println!("ratio, the middle one of {PAIRS} pairs of rounds: {median:.2}, 99 of 100: {percentile_99:.2}");
    println!("goal: {GOAL}: {}, {}", met(median <= GOAL), met(percentile_99 <= GOAL));
}

/// What the pull of each client took that waits for its answers.
async fn round(proxy: SocketAddr, is_beside: bool) -> Vec<Duration> {
    let mut others = JoinSet::new();
    if is_beside {
        for number in 0..ON_STUCK {
            others.spawn(hang_up_again_and_again(proxy, STUCK, MANIFEST, Random::new(number)));
        }
        for number in 0..ON_LAYER {
            others.spawn(hang_up_again_and_again(proxy, HEALTHY, LAYER, Random::new(ON_STUCK + number)));
        }
    }
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(async move {
            tokio::time::sleep(ROUND.mul_f64(number as f64 / CLIENTS as f64)).await;
            let begin = Instant::now();
            pull(proxy).await.expect("a healthy pull succeeds");
            begin.elapsed()
        });
    }
    clients.join_all().await
}

/// A pull over a connection of its own, as clients make it.
async fn pull(proxy: SocketAddr) -> Result<(), hyper::Error> {
    let stream = TcpStream::connect(proxy).await.expect("the proxy listens");
    let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await?;
    let pulling = async {
        for (path, bytes) in [(MANIFEST, manifest().len()), (LAYER, LAYER_BYTES)] {
            let request = Request::get(format!("/v2/{HEALTHY}/{path}")).header("host", "proxy");
            let answer = sender.send_request(request.body(Empty::<Bytes>::new()).expect("a request")).await?;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.into_body().collect().await?.to_bytes().len(), bytes);
        }
        drop(sender);
        Ok(())
    };
    tokio::join!(pulling, connection).0
}

/// Asks after some seconds, reads some of what comes, hangs up when that is there or after some seconds more, and begins again.
async fn hang_up_again_and_again(proxy: SocketAddr, upstream: &str, path: &str, mut random: Random) {
    loop {
        // First of all, so that they do not all come at once.
        tokio::time::sleep(some_time(&mut random)).await;
        let mut stream = TcpStream::connect(proxy).await.expect("the proxy listens");
        let request = format!("GET /v2/{upstream}/{path} HTTP/1.1\r\nhost: proxy\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("the proxy reads");
        let mut some = vec![0; 1 + random.below(LAYER_BYTES as u64) as usize];
        let (read, patience) = (stream.read_exact(&mut some), some_time(&mut random));
        let _ = tokio::time::timeout(patience, read).await;
        drop(stream);
    }
}

/// As long as a round at most.
fn some_time(random: &mut Random) -> Duration {
    Duration::from_millis(random.below(ROUND.as_millis() as u64))
}

async fn start_proxy(aws: &Servers, registry: SocketAddr) -> SocketAddr {
    let config = Config::new()
        .with_budget(Budget::default().with_deadline(Duration::from_secs(600)))
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .with_variable("SSL_CERT_FILE", aws.ca_file.to_str().expect("a name"))
        .with_connect_to(HEALTHY_API, aws.addresses[0])
        .with_connect_to(STUCK_API, aws.addresses[1]);
    let upstreams =
        [HEALTHY, STUCK].map(|host| format!("{host}=http://{registry}").parse::<Upstream>().expect("a URL"));
    let limits = Limits { connections: 1_000, requests_of_one_upstream: 500, ..Limits::default() };
    let proxy = Proxy::new(&config, upstreams, limits).expect("the component that is built in");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(proxy.serve(listener, std::future::pending()));
    address
}

fn runtime(threads: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(threads).enable_all().build().expect("a runtime")
}

fn middle(ratios: impl Iterator<Item = f64>) -> f64 {
    let mut ratios: Vec<f64> = ratios.collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn manifest() -> Bytes {
    Bytes::from_static(b"{\"schemaVersion\":2}")
}

/// The other process: a registry that has one image, until this is dropped.
struct Registry {
    process: Child,
    address: SocketAddr,
}

impl Registry {
    fn start() -> Self {
        let mut process = Command::new(env::current_exe().expect("the system knows what it runs"))
            .env(REGISTRY, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started once more");
        let mut line = String::new();
        let output = process.stdout.as_mut().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("the registry writes text");
        Self { process, address: line.trim().parse().expect("the registry says where it is") }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Serves until the standard input ends.
async fn serve_registry() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("{}", listener.local_addr().expect("it is bound"));
    io::stdout().flush().expect("somebody reads");
    let layer = Bytes::from(vec![b'x'; LAYER_BYTES]);
    let serving = async {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let layer = layer.clone();
            tokio::spawn(async move {
                let service = service_fn(|request: Request<hyper::body::Incoming>| {
                    assert!(request.method() == Method::GET && request.headers().contains_key("authorization"));
                    let body = if request.uri().path().ends_with(MANIFEST) { manifest() } else { layer.clone() };
                    async { Ok::<_, hyper::Error>(Response::new(Full::new(body))) }
                });
                let _ = server::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    };
    let ended = tokio::task::spawn_blocking(|| io::stdin().lock().lines().count());
    tokio::select! {
        () = serving => {}
        _ = ended => {}
    }
}
