//! STS: roles for web identities, such as those of pods.

use keyward_testbed::{FakeAws, Role};

use crate::client::{Call, Form, send};

const ROLE: &str = "arn:aws-cn:iam::210987654321:role/pod";
const TOKEN: &str = "header.payload.signature\n";

#[tokio::test]
async fn the_right_token_gets_keys_that_are_accepted() {
    let fake = fake();
    let reply = send(&fake, request().unsigned()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.text.starts_with("<AssumeRoleWithWebIdentityResponse "));
    assert_eq!(reply.keys(), *Role::new(ROLE).keys());
    assert_eq!(reply.element("Arn"), "arn:aws-cn:sts::210987654321:assumed-role/pod/session");
    let call = Call { keys: reply.keys(), ..Call::default() };
    assert_eq!(send(&fake, call.sign()).await.status, 200);
    assert_eq!(fake.requests()[0].parameter("WebIdentityToken").as_deref(), Some(TOKEN));
}

#[tokio::test]
async fn tokens_are_refused_that_are_wrong_expired_missing_or_trimmed() {
    let request = request();
    for (form, code) in [
        (request.clone().with("WebIdentityToken", "another"), "InvalidIdentityToken"),
        (request.clone().with("WebIdentityToken", TOKEN.trim()), "InvalidIdentityToken"),
        (request.clone().with("WebIdentityToken", "expired"), "ExpiredTokenException"),
        (request.clone().with("WebIdentityToken", "abc"), "ValidationError"),
        (request.clone().without("WebIdentityToken"), "ValidationError"),
        (request.clone().without("RoleSessionName"), "ValidationError"),
        (request.clone().with("ExternalId", "of-the-other-action"), "ValidationError"),
    ] {
        let reply = send(&fake(), form.unsigned()).await;
        assert_eq!((reply.status, reply.element("Code")), (400, code), "{reply:?}");
        assert!(!reply.text.contains("another") && !reply.text.contains("payload"), "a token is repeated: {reply:?}");
    }
}

#[tokio::test]
async fn an_unknown_role_is_refused_whatever_the_token() {
    let reply = send(&FakeAws::start(), request().unsigned()).await;
    assert_eq!((reply.status, reply.element("Code")), (403, "AccessDenied"));
}

#[tokio::test]
async fn a_signed_request_is_refused() {
    let fake = fake();
    let reply = send(&fake, request().sign()).await;
    assert_eq!((reply.status, reply.element("Code")), (400, "ValidationError"));
    assert_eq!(fake.counters().credentials, 0);
}

fn fake() -> FakeAws {
    let fake = FakeAws::start();
    fake.add_role(Role::new(ROLE).with_web_identity_token(TOKEN).with_expired_web_identity_token("expired"));
    fake
}

fn request() -> Form {
    Form::sts("AssumeRoleWithWebIdentity", ROLE).with("WebIdentityToken", TOKEN)
}
