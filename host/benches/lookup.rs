//! `cargo bench -p keyward`: what the sandbox costs, on this machine, now.
//!
//! The figures that are no times (sizes, fuel) are printed first; they are the same in every run of one build. The peer
//! of a lookup is the same signed request sent by a plain client over the same kind of connection: what any program would
//! have to do.

use std::fs;
use std::path::Path;

use divan::Bencher;
use keyward::{Budget, CancelToken, Config, Error, Resolver};
use keyward_testbed::{ACCESS_KEY_ID, FakeAws, SECRET_ACCESS_KEY};
use tokio::runtime::{Builder, Runtime};

const PRIVATE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
/// A registry of a region that belongs to another partition: only the component knows that.
const IMPOSSIBLE: &str = "123456789012.dkr.ecr.cn-north-1.amazonaws.com";
const PRIVATE_API: &str = "api.ecr.us-east-1.amazonaws.com";

fn main() {
    print_sizes_and_fuel();
    divan::main();
}

fn print_sizes_and_fuel() {
    let size = |file: &str| fs::metadata(Path::new(file)).map(|file| file.len());
    println!("component:        {:>10} bytes", size(env!("KEYWARD_COMPONENT")).expect("the build script wrote it"));
    println!(
        "component, compiled: {:>7} bytes",
        size(&env!("KEYWARD_COMPONENT").replace(".wasm", ".cwasm")).expect("the build script wrote it")
    );
    println!("stripped binary:  {:>10} bytes", size(env!("CARGO_BIN_EXE_keyward")).expect("cargo built it"));
    let fake = FakeAws::start();
    let (runtime, resolver) = (runtime(), resolver(&fake));
    for registry in [PRIVATE, "public.ecr.aws", "docker.io"] {
        let lookup = runtime.block_on(resolver.look_up(registry, &Budget::default(), &CancelToken::new()));
        println!(
            "fuel of a lookup: {:>10} units, peak memory {} bytes ({registry})",
            lookup.usage.fuel, lookup.usage.peak_memory
        );
    }
    println!();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime of one thread")
}

fn config(fake: &FakeAws) -> Config {
    Config::new()
        .without_cache()
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .with_variable("SSL_CERT_FILE", &fake.authority().ca_file().display().to_string())
        .with_connect_to(PRIVATE_API, fake.address())
        .with_connect_to("api.ecr-public.us-east-1.amazonaws.com", fake.address())
}

fn resolver(fake: &FakeAws) -> Resolver {
    Resolver::new(&config(fake)).expect("the component that is built in")
}

/// Engine, component, linker: once per process, as the command does it.
#[divan::bench]
fn load(bencher: Bencher<'_, '_>) {
    let config = Config::new().with_max_live_lookups(1);
    bencher.bench(|| Resolver::new(&config));
}

/// The same with a pool for a thousand lookups at once, as a library does it.
#[divan::bench]
fn load_with_pool(bencher: Bencher<'_, '_>) {
    let config = Config::new();
    bencher.bench(|| Resolver::new(&config));
}

/// Store, instance, drop: the component has fuel for nothing, and ends with its first instruction.
#[divan::bench]
fn instantiate(bencher: Bencher<'_, '_>) {
    let (runtime, resolver) = (runtime(), Resolver::new(&Config::new()).expect("the component that is built in"));
    let budget = Budget::default().with_fuel(1);
    let cancel = CancelToken::new();
    bencher.bench_local(|| {
        let lookup = runtime.block_on(resolver.look_up(PRIVATE, &budget, &cancel));
        assert!(matches!(lookup.result, Err(Error::OutOfFuel { .. })), "it has had a sandbox");
    });
}

/// Store, instance, call, answer, drop: a lookup without a request.
#[divan::bench]
fn instantiate_and_call(bencher: Bencher<'_, '_>) {
    let (runtime, resolver) = (runtime(), Resolver::new(&Config::new()).expect("the component that is built in"));
    bencher.bench_local(|| {
        let result = runtime.block_on(resolver.resolve(IMPOSSIBLE));
        assert!(matches!(result, Err(Error::Invalid(_))), "the component has seen it");
    });
}

/// A whole lookup over a connection that is open already.
#[divan::bench]
fn warm_lookup(bencher: Bencher<'_, '_>) {
    let fake = FakeAws::start();
    let (runtime, resolver) = (runtime(), resolver(&fake));
    bencher.bench_local(|| runtime.block_on(resolver.resolve(PRIVATE)).expect("the fake answers"));
}

/// Loading, trusted certificates, TLS handshake, lookup: what a process does for one credential.
#[divan::bench]
fn cold_lookup(bencher: Bencher<'_, '_>) {
    let fake = FakeAws::start();
    let runtime = runtime();
    let config = config(&fake).with_max_live_lookups(1);
    bencher.bench_local(|| {
        let resolver = Resolver::new(&config).expect("the component that is built in");
        runtime.block_on(resolver.resolve(PRIVATE)).expect("the fake answers")
    });
}

/// The peer of `warm_lookup`: the same request, signed by the same code run natively, over a plain client.
mod plain_client {
    use super::{ACCESS_KEY_ID, Bencher, FakeAws, PRIVATE_API, SECRET_ACCESS_KEY, runtime};
    use std::sync::Arc;
    use std::time::SystemTime;

    use http_body_util::{BodyExt, Full};
    use hyper::Request;
    use hyper::body::Bytes;
    use hyper::client::conn::http1::SendRequest;
    use hyper_util::rt::TokioIo;
    use keyward_ecr::credentials::Credentials;
    use keyward_ecr::sigv4::{self, PathStyle, Scope, SignableRequest};
    use keyward_ecr::time::Timestamp;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;

    const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";

    #[divan::bench]
    fn warm_request(bencher: Bencher<'_, '_>) {
        let fake = FakeAws::start();
        let runtime = runtime();
        let mut sender = runtime.block_on(connect(&fake));
        bencher.bench_local(|| runtime.block_on(ask(&mut sender)));
    }

    async fn connect(fake: &FakeAws) -> SendRequest<Full<Bytes>> {
        let mut roots = rustls::RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(fake.authority().ca_file()).expect("the fake wrote it");
        roots.add(certificate).expect("a certificate of an authority");
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tcp = TcpStream::connect(fake.address()).await.expect("the fake listens");
        tcp.set_nodelay(true).expect("a socket");
        let name = ServerName::try_from(PRIVATE_API).expect("a name");
        let tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.expect("the fake's certificate");
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        sender
    }

    async fn ask(sender: &mut SendRequest<Full<Bytes>>) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_secs();
        let credentials = Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY);
        let headers = [("host", PRIVATE_API), ("content-type", "application/x-amz-json-1.1"), ("x-amz-target", TARGET)];
        let signable = SignableRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body: b"{}",
            path_style: PathStyle::Normalized,
        };
        let scope = Scope { time: Timestamp { seconds: now }, region: "us-east-1", service: "ecr" };
        let signed = sigv4::sign(&signable, &credentials, &scope);
        let mut request = Request::post("/");
        for (name, value) in headers.iter().copied().chain(signed.iter().map(|(name, value)| (&**name, &**value))) {
            request = request.header(name, value);
        }
        let request = request.body(Full::from("{}")).expect("a request");
        let response = sender.send_request(request).await.expect("the fake answers");
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.expect("the fake answers");
    }
}
