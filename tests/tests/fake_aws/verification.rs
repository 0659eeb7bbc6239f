//! Which requests get a token, and which are refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use keyward_testbed::{ACCESS_KEY_ID, AccessKeys, DEFAULT_ACCOUNT, FakeAws, private_password, public_password};
use serde_json::Value;

use crate::client::{Call, PUBLIC, send};

#[tokio::test]
async fn the_right_key_gets_a_token() {
    let fake = FakeAws::start();
    let reply = send(&fake, Call::default().sign()).await;

    assert_eq!(reply.status, 200);
    assert_eq!(reply.content_type.as_deref(), Some("application/x-amz-json-1.1"));
    let data = &reply.body["authorizationData"][0];
    assert_eq!(password(data), private_password(DEFAULT_ACCOUNT, "eu-central-1"));
    assert_eq!(data["proxyEndpoint"], "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com");
    assert!(data["expiresAt"].is_f64());
    assert_eq!(fake.counters().tokens, 1);
}

#[tokio::test]
async fn a_token_is_for_the_account_that_the_request_names() {
    let fake = FakeAws::start();
    let call = Call { body: r#"{"registryIds":["210987654321"]}"#, ..Call::default() };
    let reply = send(&fake, call.sign()).await;
    assert_eq!(password(&reply.body["authorizationData"][0]), private_password("210987654321", "eu-central-1"));
}

#[tokio::test]
async fn with_another_suffix_the_tokens_of_both_operations_are_others() {
    let fake = FakeAws::start();
    fake.set_password_suffix("/second");
    let private = send(&fake, Call::default().sign()).await;
    let expected = format!("{}/second", private_password(DEFAULT_ACCOUNT, "eu-central-1"));
    assert_eq!(password(&private.body["authorizationData"][0]), expected);
    let public = send(&fake, Call::public().sign()).await;
    assert_eq!(password(&public.body["authorizationData"]), format!("{}/second", public_password()));
}

#[tokio::test]
async fn ecr_public_answers_with_an_object() {
    let fake = FakeAws::start();
    let reply = send(&fake, Call::public().sign()).await;
    let data = &reply.body["authorizationData"];
    assert_eq!(password(data), public_password());
    assert_eq!(data["proxyEndpoint"], Value::Null);
}

#[tokio::test]
async fn temporary_keys_get_a_token_with_their_session_token() {
    let fake = FakeAws::start();
    let keys = AccessKeys::new("ASIATEMPORARY", "temporary-secret").with_session_token("session");
    fake.add_keys(keys.clone());
    let call = Call { keys, ..Call::default() };
    assert_eq!(send(&fake, call.sign()).await.status, 200);
}

#[tokio::test]
async fn temporary_keys_without_their_session_token_are_refused() {
    let fake = FakeAws::start();
    let keys = AccessKeys::new("ASIATEMPORARY", "temporary-secret");
    fake.add_keys(keys.clone().with_session_token("session"));
    let call = Call { keys, ..Call::default() };
    assert_refused(&fake, call.sign(), 400, "UnrecognizedClientException").await;
}

#[tokio::test]
async fn a_session_token_that_is_not_signed_is_refused() {
    let fake = FakeAws::start();
    let keys = AccessKeys::new("ASIATEMPORARY", "temporary-secret");
    fake.add_keys(keys.clone().with_session_token("session"));
    let call = Call { keys, ..Call::default() };
    let mut request = call.sign();
    set(&mut request, "x-amz-security-token", "session");
    assert_refused(&fake, request, 403, "InvalidSignatureException").await;
}

#[tokio::test]
async fn a_session_token_with_keys_that_have_none_is_refused() {
    let fake = FakeAws::start();
    let call = Call { keys: AccessKeys::default().with_session_token("session"), ..Call::default() };
    assert_refused(&fake, call.sign(), 400, "UnrecognizedClientException").await;
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let fake = FakeAws::start();
    let call = Call { keys: AccessKeys::new(ACCESS_KEY_ID, "another-secret"), ..Call::default() };
    assert_refused(&fake, call.sign(), 403, "InvalidSignatureException").await;
}

#[tokio::test]
async fn an_unknown_key_is_refused() {
    let fake = FakeAws::start();
    let call = Call { keys: AccessKeys::new("AKIDUNKNOWN", "some-secret"), ..Call::default() };
    assert_refused(&fake, call.sign(), 400, "UnrecognizedClientException").await;
}

#[tokio::test]
async fn a_body_changed_after_signing_is_refused() {
    let fake = FakeAws::start();
    let mut request = Call::default().sign();
    *request.body_mut() = Full::from(r#"{"registryIds":["210987654321"]}"#);
    assert_refused(&fake, request, 403, "InvalidSignatureException").await;
}

#[tokio::test]
async fn signed_headers_changed_after_signing_are_refused() {
    for (name, value) in
        [("host", "api.ecr.eu-central-1.api.aws"), ("x-amz-date", "20200101T000000Z"), ("x-amz-target", PUBLIC)]
    {
        let fake = FakeAws::start();
        let mut request = Call::default().sign();
        set(&mut request, name, value);
        assert_refused(&fake, request, 403, "InvalidSignatureException").await;
    }
}

#[tokio::test]
async fn an_unsigned_request_is_refused() {
    let fake = FakeAws::start();
    let mut request = Call::default().sign();
    request.headers_mut().remove("authorization");
    assert_refused(&fake, request, 400, "MissingAuthenticationTokenException").await;
}

#[tokio::test]
async fn an_unknown_operation_is_refused() {
    let fake = FakeAws::start();
    let call = Call { target: "AmazonEC2ContainerRegistry_V20150921.DeleteRepository", ..Call::default() };
    let reply = send(&fake, call.sign()).await;
    assert_eq!((reply.status, reply.code()), (400, "UnknownOperationException"));
    assert!(fake.requests()[0].signature_is_right);
}

#[tokio::test]
async fn a_scope_that_does_not_suit_the_operation_or_the_host_is_refused() {
    let wrong_service = Call { service: "ecr-public", ..Call::default() };
    let wrong_region = Call { region: "us-east-1", ..Call::default() };
    let wrong_public_region = Call { region: "eu-central-1", ..Call::public() };
    for call in [wrong_service, wrong_region, wrong_public_region] {
        let fake = FakeAws::start();
        let reply = send(&fake, call.sign()).await;
        assert_eq!((reply.status, reply.code()), (403, "InvalidSignatureException"));
        let seen = &fake.requests()[0];
        assert!(seen.signature_is_right, "it is the scope that is wrong, and not the signature");
        assert_eq!(seen.scope.as_ref().unwrap().region, call.region);
    }
}

#[tokio::test]
async fn a_form_that_is_not_that_of_the_protocol_is_refused() {
    let mut two_hosts = Call::default().sign();
    two_hosts.headers_mut().append("host", HeaderValue::from_static("example.com"));
    let mut chunked = Call::default().sign();
    set(&mut chunked, "transfer-encoding", "chunked");
    let mut other_type = Call::default().sign();
    set(&mut other_type, "content-type", "application/json");
    let not_an_object = Call { body: "[]", ..Call::default() };
    for request in [two_hosts, chunked, other_type, not_an_object.sign()] {
        let fake = FakeAws::start();
        let reply = send(&fake, request).await;
        assert_eq!((reply.status, reply.code()), (400, "SerializationException"));
        assert_eq!(fake.counters().tokens, 0);
    }
}

#[tokio::test]
async fn an_account_that_is_not_twelve_digits_is_refused() {
    let fake = FakeAws::start();
    let call = Call { body: r#"{"registryIds":["12345"]}"#, ..Call::default() };
    let reply = send(&fake, call.sign()).await;
    assert_eq!((reply.status, reply.code()), (400, "InvalidParameterException"));
}

#[tokio::test]
async fn what_was_sent_can_be_looked_at() {
    let fake = FakeAws::start();
    let reply = send(&fake, Call::default().sign()).await;

    let requests = fake.requests();
    let [seen] = &requests[..] else {
        panic!("one request was sent: {requests:?}");
    };
    assert_eq!((&*seen.method, &*seen.path), ("POST", "/"));
    assert_eq!(seen.host, "api.ecr.eu-central-1.amazonaws.com");
    assert_eq!(seen.body, b"{}");
    assert_eq!(seen.header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(seen.access_key_id.as_deref(), Some(ACCESS_KEY_ID));
    let scope = seen.scope.as_ref().unwrap();
    assert_eq!((&*scope.region, &*scope.service), ("eu-central-1", "ecr"));
    assert!(seen.signature_is_right);
    assert_eq!(seen.refusal, None);
    assert_eq!(reply.request_id.as_ref(), Some(&seen.request_id));
    assert_eq!(seen.request_id, "00000000-0000-4000-8000-000000000001");
}

/// Sends a request that has to be refused because of its signature.
async fn assert_refused(fake: &FakeAws, request: Request<Full<Bytes>>, status: u16, code: &str) {
    let reply = send(fake, request).await;
    assert_eq!((reply.status, reply.code()), (status, code), "{reply:?}");
    let seen = &fake.requests()[0];
    assert!(!seen.signature_is_right);
    assert!(seen.refusal.as_ref().unwrap().starts_with(code));
    assert_eq!(fake.counters().tokens, 0);
}

fn set(request: &mut Request<Full<Bytes>>, name: &'static str, value: &'static str) {
    request.headers_mut().insert(name, HeaderValue::from_static(value));
}

fn password(data: &Value) -> String {
    let token = data["authorizationToken"].as_str().unwrap();
    let decoded = String::from_utf8(STANDARD.decode(token).unwrap()).unwrap();
    decoded.strip_prefix("AWS:").unwrap().to_owned()
}
