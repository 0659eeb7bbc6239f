//! A world that is played to a lookup: what it is asked for, what comes of its answers, and which limits hold.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use keyward::replay::Failure;
use keyward::{Budget, CancelToken, Config, Error, Resolver};

use crate::common::{PRIVATE, PRIVATE_API};
use crate::world::World;

/// 2015-08-30T12:36:00Z
const NOW: Duration = Duration::from_secs(1_440_938_160);

/// What ECR answers: "AWS:p" in base64.
const TOKEN: &str = r#"{"authorizationData":[{"authorizationToken":"QVdTOnA=","expiresAt":1440981360}]}"#;

const PROFILE: &[u8] = b"[default]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n";

/// One answer to every request.
fn world(answer: Result<&str, Failure>) -> World {
    let answer = answer.map(|body| Bytes::copy_from_slice(body.as_bytes()));
    World::new(move |_, _| answer.clone().map(Response::new)).with_clock([NOW])
}

fn config(world: &Arc<World>) -> Config {
    Config::new().with_variable("HOME", "/home").with_replay(world.clone())
}

fn config_with_keys(world: &Arc<World>) -> Config {
    config(world).with_variable("AWS_ACCESS_KEY_ID", "AKID").with_variable("AWS_SECRET_ACCESS_KEY", "secret")
}

#[tokio::test(start_paused = true)]
async fn a_lookup_is_answered_and_asks_nobody_else() {
    let world = Arc::new(world(Ok(TOKEN)));
    // A server of this name would be asked if any was.
    let config = config_with_keys(&world).with_connect_to(PRIVATE_API, "127.0.0.1:1".parse().unwrap());
    let lookup = Resolver::new(&config).unwrap().look_up(PRIVATE, &Budget::default(), &CancelToken::new()).await;
    let credential = lookup.result.unwrap();
    assert_eq!((credential.secret.expose(), credential.expires_at), ("p", Some(1_440_981_360)));
    assert_eq!((lookup.usage.requests, lookup.usage.bytes_received), (1, TOKEN.len() as u64));

    let requests = world.requests();
    let [request] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!(request.uri().to_string(), format!("https://{PRIVATE_API}/"));
    assert_eq!(request.body(), "{}");
}

#[tokio::test(start_paused = true)]
async fn the_clock_that_is_played_is_in_the_signature() {
    let world = Arc::new(world(Ok(TOKEN)));
    Resolver::new(&config_with_keys(&world)).unwrap().resolve(PRIVATE).await.unwrap();
    let requests = world.requests();
    assert_eq!(requests[0].headers()["x-amz-date"], "20150830T123600Z");
}

#[tokio::test(start_paused = true)]
async fn files_that_are_granted_are_played_and_no_other_is_asked_for() {
    let world = world(Ok(TOKEN)).with_file("/home/.aws/credentials", PROFILE);
    let world = Arc::new(world.with_unreadable_file("/home/.aws/config", io::ErrorKind::PermissionDenied));
    let found = Resolver::new(&config(&world)).unwrap().resolve(PRIVATE).await;
    found.unwrap();
    let authorization = world.requests()[0].headers()["authorization"].clone();
    assert!(authorization.to_str().unwrap().contains("AKIDPROFILE"));
    assert_eq!(world.asked_files(), ["/home/.aws/config", "/home/.aws/credentials"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_too_large_to_be_read_is_too_large_to_be_played() {
    let large = vec![b'#'; 1024 * 1024 + 1];
    for (content, is_read) in [(&large[1..], true), (&large[..], false)] {
        let content = [PROFILE, &content[PROFILE.len()..]].concat();
        let world = Arc::new(world(Ok(TOKEN)).with_file("/home/.aws/credentials", content));
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
        let world = Arc::new(world(Err(failure)));
        let error = Resolver::new(&config_with_keys(&world)).unwrap().resolve(PRIVATE).await.unwrap_err();
        assert!(matches!(&error, Error::Unavailable(said) if said.contains(text)), "{failure:?}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_played_has_the_same_limit() {
    let world = Arc::new(world(Ok(TOKEN)));
    let budget = Budget::default().with_response_bytes(TOKEN.len() as u64 - 1);
    let resolver = Resolver::new(&config_with_keys(&world)).unwrap();
    let error = resolver.look_up(PRIVATE, &budget, &CancelToken::new()).await.result.unwrap_err();
    assert!(error.to_string().contains("is larger than"), "{error:?}");
}

/// A runtime moves a paused clock on when it has nothing to do: it has, as long as the component computes.
#[tokio::test(start_paused = true)]
async fn no_time_passes_on_a_paused_clock_while_the_component_computes() {
    let content = "[a]\nb=c\n".repeat(100_000);
    let world = Arc::new(world(Ok(TOKEN)).with_file("/home/.aws/credentials", content));
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
