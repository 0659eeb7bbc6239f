//! IAM Identity Center: keys for an access token, and an access token for a refresh token.

use std::time::{Duration, UNIX_EPOCH};

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use keyward_testbed::{AccessKeys, Expiry, FakeAws, SsoRefresh, SsoRole};
use serde_json::{Value, json};

use crate::client::{Call, Reply, send};

const QUERY: &str = "role_name=puller&account_id=210987654321";

#[tokio::test]
async fn the_portal_gives_out_keys_that_are_accepted() {
    let fake = fake();
    let reply = send(&fake, portal(QUERY, "access")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.content_type.as_deref(), Some("application/json"));
    let credentials = &reply.body["roleCredentials"];
    assert_eq!(credentials["accessKeyId"], keys().access_key_id);
    assert_eq!(credentials["secretAccessKey"], keys().secret_access_key);
    assert_eq!(credentials["sessionToken"], keys().session_token.unwrap());
    assert_eq!(credentials["expiration"], 1_628_193_482_500_u64);

    let call = Call { keys: keys(), ..Call::default() };
    assert_eq!(send(&fake, call.sign()).await.status, 200);
    assert_eq!(fake.counters().credentials, 1);
    let seen = &fake.requests()[0];
    assert_eq!((&*seen.method, seen.parameter("role_name").as_deref()), ("GET", Some("puller")));
    assert_eq!(seen.header("x-amz-sso_bearer_token"), Some("access"));
}

#[tokio::test]
async fn the_order_of_the_query_does_not_matter() {
    let reply = send(&fake(), portal("account_id=210987654321&role_name=%70uller", "access")).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn the_portal_refuses_a_token_that_is_wrong_missing_or_taken_back() {
    let mut missing = portal(QUERY, "access");
    missing.headers_mut().remove("x-amz-sso_bearer_token");
    for request in [portal(QUERY, "another"), missing] {
        assert_rest_error(&send(&fake(), request).await, 401, "UnauthorizedException");
    }
    let fake = fake();
    fake.revoke_sso_token("access");
    assert_rest_error(&send(&fake, portal(QUERY, "access")).await, 401, "UnauthorizedException");
}

#[tokio::test]
async fn the_portal_refuses_accounts_and_roles_that_the_token_is_not_for() {
    for query in ["role_name=other&account_id=210987654321", "role_name=puller&account_id=123456789012"] {
        assert_rest_error(&send(&fake(), portal(query, "access")).await, 403, "ForbiddenException");
    }
}

#[tokio::test]
async fn the_portal_refuses_requests_of_another_form() {
    let mut requests: Vec<_> = [
        "",
        "role_name=puller",
        "role_name=puller&account_id=21098765432",
        "role_name=puller&account_id=210987654321&account_id=210987654321",
        "role_name=puller&account_id=210987654321&other=1",
    ]
    .map(|query| portal(query, "access"))
    .into();
    let mut signed = portal(QUERY, "access");
    signed.headers_mut().insert("x-amz-security-token", HeaderValue::from_static("session"));
    requests.push(signed);
    for request in requests {
        assert_rest_error(&send(&fake(), request).await, 400, "InvalidRequestException");
    }
}

#[tokio::test]
async fn another_method_or_path_is_an_unknown_operation() {
    let post = Request::post(format!("/federation/credentials?{QUERY}")).body(Full::default()).unwrap();
    let other = Request::get("/federation/other").body(Full::default()).unwrap();
    let token = Request::get("/token").body(Full::default()).unwrap();
    for request in [post, other, token] {
        assert_eq!(send(&fake(), request).await.code(), "UnknownOperationException");
    }
}

#[tokio::test]
async fn a_refresh_token_gets_an_access_token_that_the_portal_accepts() {
    let fake = fake();
    fake.add_sso_refresh(refresh().with_lifetime(Duration::from_secs(60)));
    fake.add_sso_role(SsoRole::new("new-access", "210987654321", "puller", keys()));
    for _ in 0..2 {
        let reply = send(&fake, token(&grant())).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.body, json!({ "accessToken": "new-access", "expiresIn": 60, "tokenType": "Bearer" }));
    }
    assert_eq!(send(&fake, portal(QUERY, "new-access")).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_that_was_replaced_is_worth_nothing() {
    let fake = fake();
    fake.add_sso_refresh(refresh().with_new_refresh_token("second"));
    fake.add_sso_refresh(SsoRefresh::new("client", "client-secret", "second", "newest-access"));
    assert_eq!(send(&fake, token(&grant())).await.body["refreshToken"], "second");
    assert_oauth_error(&send(&fake, token(&grant())).await, 400, "InvalidGrantException", "invalid_grant");

    let mut second = grant();
    second["refreshToken"] = json!("second");
    assert_eq!(send(&fake, token(&second)).await.body["accessToken"], "newest-access");
}

#[tokio::test]
async fn what_is_wrong_in_a_request_for_a_token_is_told_as_oauth_has_it() {
    for (name, value, status, code, error) in [
        ("refreshToken", json!("another"), 400, "InvalidGrantException", "invalid_grant"),
        ("clientId", json!("another"), 401, "InvalidClientException", "invalid_client"),
        ("clientSecret", json!("another"), 401, "InvalidClientException", "invalid_client"),
        ("grantType", json!("device_code"), 400, "UnsupportedGrantTypeException", "unsupported_grant_type"),
        ("refreshToken", Value::Null, 400, "InvalidRequestException", "invalid_request"),
        ("clientId", json!(1), 400, "InvalidRequestException", "invalid_request"),
        ("other", json!("other"), 400, "InvalidRequestException", "invalid_request"),
    ] {
        let fake = fake();
        fake.add_sso_refresh(refresh());
        let mut grant = grant();
        grant[name] = value;
        assert_oauth_error(&send(&fake, token(&grant)).await, status, code, error);
    }
}

#[tokio::test]
async fn a_request_for_a_token_that_is_signed_or_no_json_is_refused() {
    let mut signed = token(&grant());
    signed.headers_mut().insert("authorization", HeaderValue::from_static("Bearer access"));
    let mut other_type = token(&grant());
    other_type.headers_mut().insert("content-type", HeaderValue::from_static("application/x-amz-json-1.1"));
    for request in [signed, other_type, token(&json!([]))] {
        let fake = fake();
        fake.add_sso_refresh(refresh());
        assert_oauth_error(&send(&fake, request).await, 400, "InvalidRequestException", "invalid_request");
    }
}

/// A fake whose portal knows one role.
fn fake() -> FakeAws {
    let fake = FakeAws::start();
    let expiry = Expiry::At(UNIX_EPOCH + Duration::from_millis(1_628_193_482_500));
    fake.add_sso_role(SsoRole::new("access", "210987654321", "puller", keys()).with_expiry(expiry));
    fake
}

fn keys() -> AccessKeys {
    AccessKeys::new("ASIASSO", "sso-secret").with_session_token("sso-session")
}

fn refresh() -> SsoRefresh {
    SsoRefresh::new("client", "client-secret", "first", "new-access")
}

fn grant() -> Value {
    json!({
        "clientId": "client",
        "clientSecret": "client-secret",
        "grantType": "refresh_token",
        "refreshToken": "first",
    })
}

fn portal(query: &str, access_token: &str) -> Request<Full<Bytes>> {
    Request::get(format!("/federation/credentials?{query}"))
        .header("host", "portal.sso.eu-central-1.amazonaws.com")
        .header("x-amz-sso_bearer_token", access_token)
        .body(Full::default())
        .unwrap()
}

fn token(body: &Value) -> Request<Full<Bytes>> {
    Request::post("/token")
        .header("host", "oidc.eu-central-1.amazonaws.com")
        .header("content-type", "application/json")
        .body(Full::from(body.to_string()))
        .unwrap()
}

fn assert_rest_error(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.error_type.as_deref()), (status, Some(code)), "{reply:?}");
    assert_eq!(reply.content_type.as_deref(), Some("application/json"));
    assert!(reply.body["message"].is_string());
}

fn assert_oauth_error(reply: &Reply, status: u16, code: &str, error: &str) {
    assert_eq!((reply.status, reply.error_type.as_deref()), (status, Some(code)), "{reply:?}");
    assert_eq!(reply.body["error"], error);
    assert!(reply.body["error_description"].is_string());
}
