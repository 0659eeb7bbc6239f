//! The services that give out credentials inside of AWS's machines: where there is one, and where nobody answers in its place.
//!
//! How long a lookup waits for nothing is never measured: these lookups have no deadline, so that they end at all because of the
//! time that the component gives such a service.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use keyward::{Budget, CancelToken, Config, Error, Lookup, Resolver};
use keyward_testbed::{AccessKeys, Answer, FakeAws, Fault, FaultServer};
use tokio::runtime::Handle;

use crate::common::{PRIVATE, config_without_keys};

const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
const HINT: &str = "--http-put-response-hop-limit 2";
const URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

/// A lookup that nothing but its component ends.
async fn look_up(config: &Config) -> Lookup {
    let budget = Budget::default().with_deadline(Duration::MAX);
    Resolver::new(config).unwrap().look_up(PRIVATE, &budget, &CancelToken::new()).await
}

/// Instance metadata is at this server, and nothing else is configured.
fn instance_metadata_at(server: &FaultServer) -> Config {
    Config::new()
        .without_cache()
        .with_variable("SSL_CERT_FILE", server.authority().ca_file().to_str().unwrap())
        .with_variable(ENDPOINT, &server.url())
}

fn reason(lookup: &Lookup) -> String {
    let Err(Error::NoCredentials(text)) = &lookup.result else { panic!("{lookup:?}") };
    let (_, reason) = text.split_once("instance metadata: ").unwrap();
    reason.to_owned()
}

/// What the services answer, word for word but for the keys, which a fake has to know.
const DOCUMENT: &str = r#"{"Code": "Success", "LastUpdated": "2015-08-30T11:36:00Z", "Type": "AWS-HMAC",
    "AccessKeyId": "ASIAMETADATA", "SecretAccessKey": "metadata-secret", "Token": "metadata-token",
    "Expiration": "2015-08-30T12:36:00Z"}"#;

fn fake_with_keys() -> FakeAws {
    let fake = FakeAws::start();
    fake.add_keys(AccessKeys::new("ASIAMETADATA", "metadata-secret").with_session_token("metadata-token"));
    fake
}

fn raw(headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer::Raw { status: 200, headers, body: body.as_bytes().to_vec() }
}

fn paths(fake: &FakeAws) -> Vec<String> {
    fake.requests().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
}

#[tokio::test]
async fn the_role_of_an_instance_gets_a_token() {
    let fake = fake_with_keys();
    fake.answer_next(raw(&[("x-aws-ec2-metadata-token-ttl-seconds", "21600")], "session"));
    fake.answer_next(raw(&[], "role"));
    fake.answer_next(raw(&[], DOCUMENT));
    let config = config_without_keys(&fake)
        .with_variable("AWS_EC2_METADATA_DISABLED", "false")
        .with_variable(ENDPOINT, &fake.url());
    let lookup = look_up(&config).await;
    lookup.result.unwrap();
    assert_eq!(
        paths(&fake),
        [
            "PUT /latest/api/token",
            "GET /latest/meta-data/iam/security-credentials/",
            "GET /latest/meta-data/iam/security-credentials/role",
            "POST /"
        ]
    );
    let requests = fake.requests();
    assert_eq!(requests[0].header("x-aws-ec2-metadata-token-ttl-seconds"), Some("21600"));
    assert_eq!(requests[2].header("x-aws-ec2-metadata-token"), Some("session"));
    assert!(requests[3].signature_is_right, "{:?}", requests[3].refusal);
    assert_eq!((lookup.usage.requests, fake.connections_accepted()), (4, 2));
}

#[tokio::test]
async fn the_role_of_a_container_gets_a_token() {
    let fake = fake_with_keys();
    fake.answer_next(raw(&[], DOCUMENT));
    let config = config_without_keys(&fake)
        .with_variable(URI, &format!("{}/v1/credentials?a=1", fake.url()))
        .with_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of the pod");
    look_up(&config).await.result.unwrap();
    assert_eq!(paths(&fake), ["GET /v1/credentials?a=1", "POST /"]);
    let requests = fake.requests();
    assert_eq!(requests[0].header("authorization"), Some("of the pod"));
    assert_eq!(requests[0].header("accept"), Some("application/json"));
}

#[tokio::test]
async fn instance_metadata_that_does_not_answer_is_no_source_and_the_reason_hints_at_the_hop_limit() {
    for fault in [Fault::Silence, Fault::HeaderDrip, Fault::InterimFlood] {
        let server = FaultServer::start(fault);
        let tasks = Handle::current().metrics().num_alive_tasks();
        let lookup = look_up(&instance_metadata_at(&server)).await;
        assert!(reason(&lookup).contains(HINT), "{lookup:?}");
        assert_eq!((lookup.usage.requests, server.requests(), server.connections_accepted()), (1, 1, 1), "{fault}");
        // What was given up is gone, and so is the timer.
        server.wait_until_async("its connection is closed", |server| server.connections_open() == 0).await;
        server.wait_until_async("every task is over", |_| Handle::current().metrics().num_alive_tasks() == tasks).await;
    }
}

#[tokio::test]
async fn instance_metadata_that_takes_no_connection_is_no_source() {
    for (fault, connections) in [(Fault::FullBacklog, 0), (Fault::TlsSilence, 1)] {
        let server = FaultServer::start(fault);
        let lookup = look_up(&instance_metadata_at(&server)).await;
        let reason = reason(&lookup);
        assert!(
            reason.contains("was not reached: no connection: no answer in time") && !reason.contains(HINT),
            "{reason}"
        );
        assert_eq!((lookup.usage.requests, server.connections_accepted()), (1, connections), "{fault}");
        server.wait_until_async("its connection is closed", |server| server.connections_open() == 0).await;
    }
}

#[tokio::test]
async fn where_nobody_listens_there_is_no_instance_metadata_and_that_is_known_with_one_request() {
    // Closed again: nobody is there any more.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let lookup = look_up(&Config::new().without_cache().with_variable(ENDPOINT, &format!("http://{nobody}"))).await;
    let reason = reason(&lookup);
    assert!(reason.contains("was not reached: no connection: refused") && !reason.contains(HINT), "{reason}");
    assert_eq!(lookup.usage.requests, 1);
}

#[tokio::test]
async fn the_deadline_of_a_lookup_goes_before_the_time_that_a_service_is_given() {
    let server = FaultServer::start(Fault::Silence);
    let resolver = Resolver::new(&instance_metadata_at(&server)).unwrap();
    let budget = Budget::default().with_deadline(Duration::from_millis(300));
    let lookup = resolver.look_up(PRIVATE, &budget, &CancelToken::new()).await;
    assert!(matches!(lookup.result, Err(Error::Timeout { waiting_for: Some(_), .. })), "{lookup:?}");
    server.wait_until_async("its connection is closed", |server| server.connections_open() == 0).await;
}

#[tokio::test]
async fn an_endpoint_that_only_a_profile_names_is_asked_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let server = FaultServer::start(Fault::Silence);
    fs::write(&file, format!("[default]\nec2_metadata_service_endpoint = {}\n", server.url())).unwrap();
    let authority = server.authority().ca_file().to_str().unwrap();
    let config = Config::new().without_cache().with_variable("AWS_CONFIG_FILE", file.to_str().unwrap());
    let lookup = look_up(&config.with_variable("SSL_CERT_FILE", authority)).await;
    assert!(reason(&lookup).contains(HINT), "{lookup:?}");
    assert_eq!(server.connections_accepted(), 1);
}

#[tokio::test]
async fn a_container_service_that_does_not_answer_is_an_error() {
    let server = FaultServer::start(Fault::Silence);
    let config = Config::new()
        .without_cache()
        .with_variable("SSL_CERT_FILE", server.authority().ca_file().to_str().unwrap())
        .with_variable("AWS_MAX_ATTEMPTS", "1")
        .with_variable("AWS_EC2_METADATA_DISABLED", "true")
        .with_variable(URI, &server.url());
    let lookup = look_up(&config).await;
    let Err(Error::Unavailable(text)) = &lookup.result else { panic!("{lookup:?}") };
    assert!(text.contains("no answer in time") && text.contains(URI), "{text}");
    assert_eq!((lookup.usage.requests, server.requests(), server.connections_accepted()), (1, 1, 1));
}
