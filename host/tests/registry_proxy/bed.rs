//! A proxy, and what it asks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward::{Budget, Config, Resolver};
use keyward_testbed::{
    ACCESS_KEY_ID, Answer, Authority, DEFAULT_ACCOUNT, FakeAws, FakeMetadata, SECRET_ACCESS_KEY, private_password,
};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, MutexGuard, oneshot};

use crate::client::{self, Answered};
use crate::proxy::{Limits, Proxy, Upstream};

/// An upstream that is well, and another one; both are reached at the same registry.
pub(crate) const REGISTRY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
pub(crate) const OTHER: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const REGISTRY_API: &str = "api.ecr.us-east-1.amazonaws.com";
pub(crate) const OTHER_API: &str = "api.ecr.eu-west-1.amazonaws.com";

/// An upstream that Keyward has no credentials for.
pub(crate) const FOREIGN: &str = "registry.example";

/// A path of the registry.
pub(crate) const MANIFEST: &str = "/v2/team/image/manifests/1";
pub(crate) const LAYER: &str =
    "/v2/team/image/blobs/sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// One after the other: what the process holds is counted.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A proxy with its own runtime, so that its tasks can be counted, until it is dropped.
pub(crate) struct Bed {
    pub(crate) address: SocketAddr,
    pub(crate) aws: FakeAws,
    /// A server with a script is a registry too.
    pub(crate) registry: FakeMetadata,
    pub(crate) resolver: Resolver,
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<()>,
    _alone: MutexGuard<'static, ()>,
}

/// What is not as in every test.
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) limits: Limits,
    pub(crate) upstreams: Vec<String>,
}

impl Bed {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a proxy for three upstreams, and for what else `change` says.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let alone = ALONE.lock().await;
        let authority = Arc::new(Authority::new());
        let (aws, registry) = (FakeAws::start_with(authority.clone()), FakeMetadata::start());
        let config = Config::new()
            .with_budget(Budget::default().with_deadline(Duration::from_secs(60)))
            .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
            .with_variable("AWS_EC2_METADATA_DISABLED", "true")
            .with_variable("SSL_CERT_FILE", authority.ca_file().to_str().unwrap())
            .with_connect_to(REGISTRY_API, aws.address())
            .with_connect_to(OTHER_API, aws.address());
        let upstreams = [REGISTRY, OTHER, FOREIGN].map(|host| format!("{host}={}", registry.url()));
        let mut settings = Settings { config, limits: Limits::default(), upstreams: upstreams.into() };
        change(&mut settings);

        let Settings { config, limits, upstreams } = settings;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (started, proxy) = oneshot::channel();
        runtime.spawn(async move {
            let upstreams = upstreams.iter().map(|upstream| upstream.parse::<Upstream>().unwrap());
            let proxy = Proxy::new(&config, upstreams, limits).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            started.send((proxy.resolver().clone(), listener.local_addr().unwrap())).unwrap();
            proxy.serve(listener, async { drop(stopped.await) }).await;
            let _ = end.send(());
        });
        let (resolver, address) = proxy.await.expect("the proxy starts");
        let bed =
            Self { address, aws, registry, resolver, runtime: Some(runtime), stop: Some(stop), ended, _alone: alone };
        bed.serve_image();
        bed
    }

    /// Makes the registry have a manifest and a layer for whoever logs in as the fake AWS says, and refuse everybody else.
    fn serve_image(&self) {
        self.registry.answer_always(refused(401));
        for (path, content_type, body) in
            [(MANIFEST, MANIFEST_TYPE, manifest()), (LAYER, "application/octet-stream", layer())]
        {
            let allowed = [login("us-east-1"), login("eu-west-1")];
            self.registry.answer_where(
                move |request| {
                    request.path == path
                        && request.header("authorization").is_some_and(|login| allowed.contains(&login.to_owned()))
                },
                found(content_type, body),
            );
        }
    }

    /// Asks the proxy for something of an upstream's, as a client that has nothing to log in with.
    pub(crate) async fn get(&self, upstream: &str, path: &str) -> Answered {
        client::get(self.address, &through(upstream, path)).await
    }

    /// What the proxy counts, by the name and the labels of the metric.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let answered = client::get(self.address, "/metrics").await;
        let line =
            answered.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        line.map_or(0, |value| value.parse().unwrap())
    }

    /// What the registry was asked, without what came before.
    pub(crate) fn logins(&self) -> Vec<Option<String>> {
        self.registry.requests().iter().map(|request| request.header("authorization").map(str::to_owned)).collect()
    }

    /// The tasks of the proxy.
    pub(crate) fn tasks(&self) -> usize {
        self.runtime.as_ref().unwrap().metrics().num_alive_tasks()
    }

    /// Tells the proxy to stop.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has.
    pub(crate) async fn has_ended(&mut self) {
        (&mut self.ended).await.expect("the proxy ends by itself");
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        // A runtime must not wait for its threads on one of another's.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The path of something of an upstream's, at the proxy.
pub(crate) fn through(upstream: &str, path: &str) -> String {
    format!("/v2/{upstream}{}", path.strip_prefix("/v2").unwrap())
}

/// What is logged in with in a region.
pub(crate) fn login(region: &str) -> String {
    login_by(region, "")
}

/// What is logged in with in a region once passwords have this behind them.
pub(crate) fn login_by(region: &str, password_suffix: &str) -> String {
    let password = private_password(DEFAULT_ACCOUNT, region);
    format!("Basic {}", STANDARD.encode(format!("AWS:{password}{password_suffix}")))
}

pub(crate) fn found(content_type: &str, body: Vec<u8>) -> Answer {
    Answer::Raw { status: 200, headers: vec![("content-type".to_owned(), content_type.to_owned())], body }
}

pub(crate) fn refused(status: u16) -> Answer {
    let headers = vec![("www-authenticate".to_owned(), "Basic realm=\"upstream\"".to_owned())];
    Answer::Raw { status, headers, body: b"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"not yours\"}]}".to_vec() }
}

pub(crate) fn manifest() -> Vec<u8> {
    b"{\"schemaVersion\":2}".to_vec()
}

/// Larger than what the sockets between the registry and a client hold.
pub(crate) fn layer() -> Vec<u8> {
    (0..96 * 1024_u32).flat_map(u32::to_le_bytes).collect()
}

/// Waits, with a bound, until something holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..4_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within 20 s: {what}");
}
