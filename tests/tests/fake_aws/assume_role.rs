//! STS: who may assume a role, and what comes of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use keyward_testbed::{ACCESS_KEY_ID, AccessKeys, Expiry, FakeAws, Role};

use crate::client::{Call, Form, Reply, send};

const ROLE: &str = "arn:aws:iam::210987654321:role/some/path/puller";

#[tokio::test]
async fn the_keys_of_a_role_are_accepted_once_they_were_given_out() {
    let fake = fake();
    let keys = Role::new(ROLE).keys().clone();
    let with_the_roles_keys = || Call { keys: keys.clone(), ..Call::default() }.sign();
    assert_eq!(send(&fake, with_the_roles_keys()).await.code(), "UnrecognizedClientException");

    let reply = send(&fake, assume_role().sign()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.content_type.as_deref(), Some("text/xml"));
    assert!(reply.text.starts_with("<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"));
    assert_eq!(reply.keys(), keys);
    assert_eq!(reply.element("Arn"), "arn:aws:sts::210987654321:assumed-role/puller/session");
    assert_eq!(Some(reply.element("RequestId")), reply.request_id.as_deref());

    assert_eq!(send(&fake, with_the_roles_keys()).await.status, 200);
    assert_eq!((fake.counters().credentials, fake.counters().tokens), (1, 1));
}

#[tokio::test]
async fn a_request_to_sts_is_recorded_as_any_other() {
    let fake = fake();
    send(&fake, assume_role().sign()).await;
    let seen = &fake.requests()[0];
    assert_eq!((&*seen.method, &*seen.path), ("POST", "/"));
    assert!(seen.signature_is_right);
    assert_eq!(seen.access_key_id.as_deref(), Some(ACCESS_KEY_ID));
    assert_eq!(seen.scope.as_ref().unwrap().service, "sts");
    assert_eq!(seen.parameter("RoleArn").as_deref(), Some(ROLE));
    assert_eq!(seen.parameter("ExternalId"), None);
    assert_eq!(seen.refusal, None);
}

#[tokio::test]
async fn a_role_can_be_assumed_with_the_keys_of_another() {
    let fake = fake();
    let second = "arn:aws:iam::210987654321:role/second";
    fake.add_role(Role::new(second).with_caller(&Role::new(ROLE).keys().access_key_id));
    let chained = |keys| Form { keys, ..Form::sts("AssumeRole", second) }.sign();
    assert_refused(&fake, chained(AccessKeys::default()), 403, "AccessDenied").await;
    let keys = send(&fake, assume_role().sign()).await.keys();
    assert_eq!(send(&fake, chained(keys)).await.status, 200);
}

#[tokio::test]
async fn keys_that_a_test_has_chosen_are_given_out_as_they_are() {
    let fake = FakeAws::start();
    let keys = AccessKeys::new("ASIACHOSEN", "a&b<c>").with_session_token("token+/=");
    fake.add_role(Role::new(ROLE).with_keys(keys));
    let reply = send(&fake, assume_role().sign()).await;
    assert_eq!(reply.element("SecretAccessKey"), "a&amp;b&lt;c&gt;");
    assert_eq!(reply.element("SessionToken"), "token+/=");
}

#[tokio::test]
async fn keys_end_when_the_request_says_or_in_an_hour_or_when_the_test_says() {
    let fake = fake();
    let now = now();
    let lifetime = |reply: &Reply| seconds_since_1970(reply.element("Expiration")) - now;
    let default = send(&fake, assume_role().sign()).await;
    assert!((3600..3660).contains(&lifetime(&default)), "{default:?}");
    let asked_for = send(&fake, assume_role().with("DurationSeconds", "900").sign()).await;
    assert!((900..960).contains(&lifetime(&asked_for)), "{asked_for:?}");

    let moment = UNIX_EPOCH + Duration::from_secs(1_628_193_482);
    fake.add_role(Role::new(ROLE).with_expiry(Expiry::At(moment)));
    assert_eq!(send(&fake, assume_role().sign()).await.element("Expiration"), "2021-08-05T19:58:02Z");
}

#[tokio::test]
async fn only_the_right_external_id_opens_a_role_that_has_one() {
    let fake = FakeAws::start();
    fake.add_role(Role::new(ROLE).with_external_id("external:id/1"));
    assert_refused(&fake, assume_role().sign(), 403, "AccessDenied").await;
    assert_refused(&fake, assume_role().with("ExternalId", "external:id/2").sign(), 403, "AccessDenied").await;
    assert_eq!(send(&fake, assume_role().with("ExternalId", "external:id/1").sign()).await.status, 200);
}

#[tokio::test]
async fn an_external_id_that_the_role_does_not_ask_for_does_no_harm() {
    assert_eq!(send(&fake(), assume_role().with("ExternalId", "not-needed").sign()).await.status, 200);
}

#[tokio::test]
async fn an_unknown_role_and_one_for_web_identities_only_are_refused_alike() {
    let fake = FakeAws::start();
    assert_refused(&fake, assume_role().sign(), 403, "AccessDenied").await;
    fake.add_role(Role::new(ROLE).with_web_identity_token("a-token"));
    assert_refused(&fake, assume_role().sign(), 403, "AccessDenied").await;
}

#[tokio::test]
async fn a_wrong_signature_is_refused_in_the_words_of_sts() {
    let wrong_secret = Form { keys: AccessKeys::new(ACCESS_KEY_ID, "another-secret"), ..assume_role() };
    assert_refused(&fake(), wrong_secret.sign(), 403, "SignatureDoesNotMatch").await;
    let unknown = Form { keys: AccessKeys::new("AKIDUNKNOWN", "some-secret"), ..assume_role() };
    assert_refused(&fake(), unknown.sign(), 403, "InvalidClientTokenId").await;
    assert_refused(&fake(), assume_role().unsigned(), 403, "MissingAuthenticationToken").await;

    let mut no_signature = assume_role().unsigned();
    no_signature.headers_mut().insert("authorization", HeaderValue::from_static("AWS4-HMAC-SHA256 Credential=x"));
    assert_refused(&fake(), no_signature, 400, "IncompleteSignature").await;

    let mut changed = assume_role().sign();
    *changed.body_mut() = assume_role().with("RoleSessionName", "other").unsigned().into_body();
    assert_refused(&fake(), changed, 403, "SignatureDoesNotMatch").await;
}

#[tokio::test]
async fn a_scope_that_does_not_suit_sts_or_the_host_is_refused() {
    let wrong_service = Form { service: "ecr", ..assume_role() };
    let wrong_region = Form { region: "us-east-1", ..assume_role() };
    let wrong_global_region = Form { host: "sts.amazonaws.com", ..assume_role() };
    for form in [wrong_service, wrong_region, wrong_global_region] {
        assert_refused(&fake(), form.sign(), 403, "SignatureDoesNotMatch").await;
    }
    let global = Form { region: "us-east-1", host: "sts.amazonaws.com", ..assume_role() };
    assert_eq!(send(&fake(), global.sign()).await.status, 200);
}

#[tokio::test]
async fn a_form_that_is_not_that_of_the_query_protocol_is_refused() {
    let json = Form { content_type: "application/json", ..assume_role() };
    assert_refused(&fake(), json.sign(), 400, "MalformedInput").await;

    let mut twice = assume_role().unsigned();
    *twice.body_mut() = Full::from("Action=AssumeRole&Action=AssumeRole");
    twice.headers_mut().remove("content-length");
    assert_refused(&fake(), twice, 400, "MalformedInput").await;

    assert_refused(&fake(), assume_role().without("Action").sign(), 400, "MissingAction").await;
    for (name, value) in [("Action", "AssumeRoot"), ("Version", "2011-06-16")] {
        assert_refused(&fake(), assume_role().with(name, value).sign(), 400, "InvalidAction").await;
    }
    assert_refused(&fake(), assume_role().without("Version").sign(), 400, "InvalidAction").await;
}

#[tokio::test]
async fn parameters_that_are_missing_or_break_their_patterns_are_refused() {
    for name in ["RoleArn", "RoleSessionName"] {
        assert_refused(&fake(), assume_role().without(name).sign(), 400, "ValidationError").await;
    }
    let (long_name, long_id) = ("n".repeat(65), "i".repeat(1225));
    for (name, value) in [
        ("RoleArn", "arn:aws:iam::1"),
        ("RoleSessionName", "n"),
        ("RoleSessionName", &long_name),
        ("RoleSessionName", "with space"),
        ("RoleSessionName", "with/slash"),
        ("ExternalId", "i"),
        ("ExternalId", &long_id),
        ("ExternalId", "with space"),
        ("DurationSeconds", "899"),
        ("DurationSeconds", "43201"),
        ("DurationSeconds", "an hour"),
        ("ExternalID", "misspelled"),
        ("WebIdentityToken", "of-the-other-action"),
    ] {
        assert_refused(&fake(), assume_role().with(name, value).sign(), 400, "ValidationError").await;
    }
}

#[tokio::test]
async fn parameters_at_the_ends_of_their_patterns_are_taken() {
    let name = "n".repeat(64);
    for (name, value) in [
        ("RoleSessionName", "_1"),
        ("RoleSessionName", "a+=,.@-"),
        ("RoleSessionName", &name),
        ("ExternalId", "+=,.@:/-"),
        ("DurationSeconds", "900"),
        ("DurationSeconds", "43200"),
    ] {
        assert_eq!(send(&fake(), assume_role().with(name, value).sign()).await.status, 200, "{name}: {value}");
    }
}

#[tokio::test]
async fn an_action_in_the_query_is_no_request_to_sts() {
    let request = Request::get("/?Action=AssumeRole&Version=2011-06-15").body(Full::default()).unwrap();
    assert_eq!(send(&fake(), request).await.code(), "UnknownOperationException");
}

#[test]
#[should_panic(expected = "is not the ARN of a role")]
fn what_is_not_the_arn_of_a_role_panics_where_it_is_declared() {
    let _ = Role::new("arn:aws:iam::210987654321:user/puller");
}

#[test]
#[should_panic(expected = "AKIDPERMANENT has no session token")]
fn permanent_keys_panic_where_they_are_declared_for_a_role() {
    let _ = Role::new(ROLE).with_keys(AccessKeys::new("AKIDPERMANENT", "secret"));
}

/// A fake that knows the role.
fn fake() -> FakeAws {
    let fake = FakeAws::start();
    fake.add_role(Role::new(ROLE));
    fake
}

fn assume_role() -> Form {
    Form::sts("AssumeRole", ROLE)
}

/// Sends a request that has to be refused, in the form that errors of STS have.
async fn assert_refused(fake: &FakeAws, request: Request<Full<Bytes>>, status: u16, code: &str) {
    let given = fake.counters().credentials;
    let reply = send(fake, request).await;
    assert_eq!((reply.status, reply.element("Code")), (status, code), "{reply:?}");
    assert_eq!(reply.element("Type"), "Sender");
    assert_eq!(reply.content_type.as_deref(), Some("text/xml"));
    assert!(reply.text.starts_with("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"));
    assert_eq!(Some(reply.element("RequestId")), reply.request_id.as_deref());
    assert!(fake.requests().pop().unwrap().refusal.unwrap().starts_with(code));
    assert_eq!(fake.counters().credentials, given);
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn seconds_since_1970(moment: &str) -> u64 {
    use time::macros::format_description;

    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let moment = time::PrimitiveDateTime::parse(moment, format).unwrap();
    moment.assume_utc().unix_timestamp().try_into().unwrap()
}
