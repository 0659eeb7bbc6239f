//! What comes of every kind of answer, and of none.

use keyward::{Error, Resolver};
use keyward_testbed::{Answer, Authority, FakeAws};

use crate::common::{PRIVATE, PRIVATE_API, PUBLIC, config, config_without_retries};

async fn resolve(registry: &str, answer: Answer) -> Result<keyward::Credential, Error> {
    let fake = FakeAws::start();
    fake.answer_always(answer);
    let result = Resolver::new(&config_without_retries(&fake)).unwrap().resolve(registry).await;
    assert_eq!(fake.requests().len(), 1, "one request, whatever was answered");
    result
}

fn json(body: &str) -> Answer {
    Answer::Raw {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/x-amz-json-1.1".to_owned())],
        body: body.as_bytes().to_vec(),
    }
}

/// "AWS:p" in base64.
const TOKEN: &str = "QVdTOnA=";

#[tokio::test]
async fn a_malformed_answer_is_invalid_and_says_what_is_wrong_with_it() {
    for (registry, body, complaint) in [
        (PRIVATE, "", "something that is not JSON"),
        (PRIVATE, "<html>", "something that is not JSON"),
        (PRIVATE, r#"{"authorizationData":[]}"#, "an empty list of tokens"),
        (PRIVATE, r#"{"authorizationData":[{"authorizationToken":null}]}"#, "no token in it"),
        (PRIVATE, r#"{"authorizationData":[{"authorizationToken":"***"}]}"#, "a token that is not base64"),
        (PRIVATE, r#"{"authorizationData":[{"authorizationToken":"QVdT"}]}"#, "a token without a colon"),
        (PUBLIC, r#"{"authorizationData":[{"authorizationToken":"QVdTOnA="}]}"#, "no token in it"),
        (
            PRIVATE,
            r#"{"authorizationData":[{"authorizationToken":"QVdTOnA=","expiresAt":"soon"}]}"#,
            "an expiry that is not a time in seconds",
        ),
    ] {
        let Err(Error::Invalid(text)) = resolve(registry, json(body)).await else { panic!("{body}") };
        assert!(text.contains(complaint), "{body}: {text}");
    }
}

#[tokio::test]
async fn an_expiry_is_understood_in_every_form_of_a_number() {
    for (number, expires_at) in
        [("1700000000", 1_700_000_000), ("1700000000.75", 1_700_000_000), ("1.7e9", 1_700_000_000)]
    {
        let body = format!(r#"{{"authorizationData":[{{"authorizationToken":"{TOKEN}","expiresAt":{number}}}]}}"#);
        assert_eq!(resolve(PRIVATE, json(&body)).await.unwrap().expires_at, Some(expires_at));
    }
}

/// A component that saw such an answer break off once asked two more times for it.
#[tokio::test]
async fn an_oversized_answer_is_cut_off_and_not_asked_for_again() {
    for answer in [json(&" ".repeat(65 * 1024)), Answer::EndlessBody] {
        let fake = FakeAws::start();
        fake.answer_always(answer);
        let result = Resolver::new(&config(&fake)).unwrap().resolve(PRIVATE).await;
        let Err(Error::Invalid(text)) = result else { panic!() };
        assert!(text.contains("is larger than 65536 bytes"), "{text}");
        assert_eq!(fake.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_error_of_aws_is_sorted_by_its_code_and_keeps_code_and_request_id() {
    for (status, code, sort) in [
        (400, "AccessDeniedException", "denied"),
        (400, "ExpiredTokenException", "denied"),
        (400, "UnrecognizedClientException", "denied"),
        (400, "ThrottlingException", "throttled"),
        (500, "ServerException", "unavailable"),
        (503, "ServiceUnavailable", "unavailable"),
        (400, "InvalidParameterException", "invalid"),
    ] {
        let error = resolve(PRIVATE, Answer::aws_error(status, code, "a message")).await.unwrap_err();
        let sorted = match &error {
            Error::Denied(_) => "denied",
            Error::Throttled(_) => "throttled",
            Error::Unavailable(_) => "unavailable",
            Error::Invalid(_) => "invalid",
            other => panic!("{code}: {other:?}"),
        };
        assert_eq!(sorted, sort, "{code}");
        let text = error.to_string();
        let expected = format!("{code}: a message (HTTP status {status}, request id 00000000-0000-4000-8000-");
        assert!(text.contains(PRIVATE_API) && text.contains(&expected), "{text}");
    }
}

/// A redirect could carry a signed request elsewhere.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let fake = FakeAws::start();
    let location = ("location".to_owned(), format!("{}/elsewhere", fake.url()));
    fake.answer_always(Answer::Raw { status: 307, headers: vec![location], body: Vec::new() });
    let result = Resolver::new(&config(&fake)).unwrap().resolve(PRIVATE).await;
    assert!(matches!(result, Err(Error::Invalid(_))), "{result:?}");
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_connection_that_is_dropped_is_unavailable() {
    let fake = FakeAws::start();
    fake.answer_always(Answer::DropConnection);
    let Err(Error::Unavailable(text)) = Resolver::new(&config(&fake)).unwrap().resolve(PRIVATE).await else { panic!() };
    assert!(text.contains("the answer broke off: the connection was closed"), "{text}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unavailable() {
    let fake = FakeAws::start();
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = config(&fake).with_connect_to(PRIVATE_API, address);
    let Err(Error::Unavailable(text)) = Resolver::new(&config).unwrap().resolve(PRIVATE).await else { panic!() };
    assert!(text.contains("no connection: refused"), "{text}");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_not_trusted() {
    let fake = FakeAws::start();
    let stranger = Authority::new();
    let config = config(&fake).with_variable("SSL_CERT_FILE", stranger.ca_file().to_str().unwrap());
    let Err(Error::Invalid(text)) = Resolver::new(&config).unwrap().resolve(PRIVATE).await else { panic!() };
    assert!(text.contains("is not trusted") && text.contains("AWS_CA_BUNDLE"), "{text}");

    // The bundle adds to the other roots.
    let config = config.with_variable("AWS_CA_BUNDLE", fake.authority().ca_file().to_str().unwrap());
    Resolver::new(&config).unwrap().resolve(PRIVATE).await.unwrap();
}

#[tokio::test]
async fn a_bad_bundle_is_an_error_that_names_setting_and_file() {
    let fake = FakeAws::start();
    let config = config(&fake).with_variable("AWS_CA_BUNDLE", "/no/such/bundle.pem");
    let Err(Error::Invalid(text)) = Resolver::new(&config).unwrap().resolve(PRIVATE).await else { panic!() };
    assert!(text.starts_with("AWS_CA_BUNDLE names /no/such/bundle.pem, which is not usable (no such file)"), "{text}");
    assert_eq!(fake.connections_accepted(), 0);
}

/// A failure that was kept once made a resolver useless for ever, when a secret was mounted late.
#[tokio::test]
async fn a_bundle_that_is_missing_now_may_be_there_for_the_next_lookup() {
    let fake = FakeAws::start();
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle.pem");
    let config = config(&fake).with_variable("AWS_CA_BUNDLE", bundle.to_str().unwrap());
    let resolver = Resolver::new(&config).unwrap();
    assert!(matches!(resolver.resolve(PRIVATE).await, Err(Error::Invalid(_))));
    std::fs::copy(fake.authority().ca_file(), &bundle).unwrap();
    resolver.resolve(PRIVATE).await.unwrap();
}

/// Between two lookups, a runtime may sleep as a whole: then nobody has seen that the server closed the connection.
#[test]
fn a_server_that_closed_an_idle_connection_costs_no_lookup() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config(&fake)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for lookups in 1..=4 {
        runtime.block_on(resolver.resolve(PRIVATE)).unwrap();
        assert_eq!((fake.requests().len(), fake.connections_accepted()), (lookups, lookups));
        fake.close_connections();
        fake.wait_until("the connection is closed", |fake| fake.connections_open() == 0);
    }
}

#[tokio::test]
async fn a_server_that_says_that_it_closes_is_believed() {
    let fake = FakeAws::start();
    let closing = Answer::Raw {
        status: 200,
        headers: vec![("connection".to_owned(), "close".to_owned())],
        body: br#"{"authorizationData":[{"authorizationToken":"QVdTOnA="}]}"#.to_vec(),
    };
    fake.answer_next(closing);
    let resolver = Resolver::new(&config(&fake)).unwrap();
    for _ in 0..2 {
        resolver.resolve(PRIVATE).await.unwrap();
    }
    assert_eq!(fake.connections_accepted(), 2);
}
