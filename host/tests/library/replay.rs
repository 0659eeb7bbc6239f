//! A world that is played to a lookup: what it is asked for, what comes of its answers, and which limits hold.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use keyward::replay::{Failure, Replay};
use keyward::{Budget, CancelToken, Config, Error, Resolver};

use crate::common::{PRIVATE, PRIVATE_API};

/// 2015-08-30T12:36:00Z
const NOW: Duration = Duration::from_secs(1_440_938_160);

/// What ECR answers: "AWS:p" in base64.
const TOKEN: &str = r#"{"authorizationData":[{"authorizationToken":"QVdTOnA=","expiresAt":1440981360}]}"#;

const PROFILE: &[u8] = b"[default]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n";

/// One answer to every request, and a memory of what was asked.
struct World {
    files: BTreeMap<&'static str, Result<Vec<u8>, io::ErrorKind>>,
    answer: Result<Vec<u8>, Failure>,
    asked_files: Mutex<Vec<String>>,
    requests: Mutex<Vec<Request<Bytes>>>,
}

impl World {
    fn new(answer: Result<&str, Failure>) -> Self {
        Self {
            files: BTreeMap::new(),
            answer: answer.map(|body| body.as_bytes().to_vec()),
            asked_files: Mutex::default(),
            requests: Mutex::default(),
        }
    }

    fn with_file(mut self, path: &'static str, content: Result<&[u8], io::ErrorKind>) -> Self {
        self.files.insert(path, content.map(<[u8]>::to_vec));
        self
    }
}

impl Replay for World {
    fn file(&self, path: &str) -> Option<Result<Vec<u8>, io::ErrorKind>> {
        self.asked_files.lock().unwrap().push(path.to_owned());
        self.files.get(path).cloned()
    }

    fn now(&self) -> Duration {
        NOW
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
        self.requests.lock().unwrap().push(request);
        self.answer.clone().map(|body| Response::new(body.into()))
    }
}

fn config(world: &Arc<World>) -> Config {
    Config::new().with_variable("HOME", "/home").with_replay(world.clone())
}

fn config_with_keys(world: &Arc<World>) -> Config {
    config(world).with_variable("AWS_ACCESS_KEY_ID", "AKID").with_variable("AWS_SECRET_ACCESS_KEY", "secret")
}

#[tokio::test(start_paused = true)]
async fn a_lookup_is_answered_and_asks_nobody_else() {
    let world = Arc::new(World::new(Ok(TOKEN)));
    // A server of this name would be asked if any was.
    let config = config_with_keys(&world).with_connect_to(PRIVATE_API, "127.0.0.1:1".parse().unwrap());
    let lookup = Resolver::new(&config).unwrap().look_up(PRIVATE, &Budget::default(), &CancelToken::new()).await;
    let credential = lookup.result.unwrap();
    assert_eq!((credential.secret.expose(), credential.expires_at), ("p", Some(1_440_981_360)));
    assert_eq!((lookup.usage.requests, lookup.usage.bytes_received), (1, TOKEN.len() as u64));

    let requests = world.requests.lock().unwrap();
    let [request] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!(request.uri().to_string(), format!("https://{PRIVATE_API}/"));
    assert_eq!(request.body(), "{}");
}

#[tokio::test(start_paused = true)]
async fn the_clock_that_is_played_is_in_the_signature() {
    let world = Arc::new(World::new(Ok(TOKEN)));
    Resolver::new(&config_with_keys(&world)).unwrap().resolve(PRIVATE).await.unwrap();
    let requests = world.requests.lock().unwrap();
    assert_eq!(requests[0].headers()["x-amz-date"], "20150830T123600Z");
}

#[tokio::test(start_paused = true)]
async fn files_that_are_granted_are_played_and_no_other_is_asked_for() {
    let world = World::new(Ok(TOKEN)).with_file("/home/.aws/credentials", Ok(PROFILE));
    let world = Arc::new(world.with_file("/home/.aws/config", Err(io::ErrorKind::PermissionDenied)));
    let found = Resolver::new(&config(&world)).unwrap().resolve(PRIVATE).await;
    found.unwrap();
    let authorization = world.requests.lock().unwrap()[0].headers()["authorization"].clone();
    assert!(authorization.to_str().unwrap().contains("AKIDPROFILE"));
    assert_eq!(*world.asked_files.lock().unwrap(), ["/home/.aws/config", "/home/.aws/credentials"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_too_large_to_be_read_is_too_large_to_be_played() {
    let large = vec![b'#'; 1024 * 1024 + 1];
    for (content, is_read) in [(&large[1..], true), (&large[..], false)] {
        let content = [PROFILE, &content[PROFILE.len()..]].concat();
        let world = Arc::new(World::new(Ok(TOKEN)).with_file("/home/.aws/credentials", Ok(&content)));
        let found = Resolver::new(&config(&world)).unwrap().resolve(PRIVATE).await;
        assert_eq!(found.is_ok(), is_read, "{found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_played_is_what_it_would_be_on_a_network() {
    for (failure, text) in [
        (Failure::AnswerTimeout, "no answer in time"),
        (Failure::ConnectionClosed, "the connection was closed"),
        (Failure::ConnectionRefused, "no connection: refused"),
        (Failure::ConnectionTimeout, "no connection: no answer in time"),
        (Failure::NameUnknown, "its name could not be resolved"),
    ] {
        let world = Arc::new(World::new(Err(failure)));
        let error = Resolver::new(&config_with_keys(&world)).unwrap().resolve(PRIVATE).await.unwrap_err();
        assert!(matches!(&error, Error::Unavailable(said) if said.contains(text)), "{failure:?}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_played_has_the_same_limit() {
    let world = Arc::new(World::new(Ok(TOKEN)));
    let budget = Budget::default().with_response_bytes(TOKEN.len() as u64 - 1);
    let resolver = Resolver::new(&config_with_keys(&world)).unwrap();
    let error = resolver.look_up(PRIVATE, &budget, &CancelToken::new()).await.result.unwrap_err();
    assert!(error.to_string().contains("is larger than"), "{error:?}");
}

/// A runtime moves a paused clock on when it has nothing to do: it has, as long as the component computes.
#[tokio::test(start_paused = true)]
async fn no_time_passes_on_a_paused_clock_while_the_component_computes() {
    let content = "[a]\nb=c\n".repeat(100_000);
    let world = Arc::new(World::new(Ok(TOKEN)).with_file("/home/.aws/credentials", Ok(content.as_bytes())));
    let budget = Budget::default().with_fuel(u64::MAX).with_memory(1 << 30).with_deadline(Duration::from_millis(1));
    let begin = std::time::Instant::now();
    let lookup = Resolver::new(&config(&world).with_variable("AWS_EC2_METADATA_DISABLED", "true"))
        .unwrap()
        .look_up(PRIVATE, &budget, &CancelToken::new())
        .await;
    assert!(matches!(lookup.result, Err(Error::NoCredentials(_))), "{lookup:?}");
    assert_eq!(lookup.usage.wall, Duration::ZERO);
    assert!(begin.elapsed() > budget.deadline, "the component did not compute long enough to prove anything");
}
