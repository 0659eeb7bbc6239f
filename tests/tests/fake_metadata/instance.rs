//! The instance metadata service: session tokens, the role, and its credentials.

use std::time::{Duration, UNIX_EPOCH};

use keyward_testbed::{Expiry, FakeMetadata, InstanceRole};

use crate::client::{LIFETIME_HEADER, ROLES, Reply, TOKEN, TOKEN_HEADER, keys, send, token};

const ROLE: &str = "instance-role";

#[tokio::test]
async fn a_session_token_opens_the_role_and_its_credentials() {
    let fake = fake();
    let token = token(&fake).await;
    let list = send(&fake, "GET", ROLES, &[(TOKEN_HEADER, &token)]).await;
    assert_eq!((list.status, &*list.text), (200, ROLE));
    assert_eq!(list.header("content-type"), Some("text/plain"));

    let document = send(&fake, "GET", &format!("{ROLES}{}", list.text), &[(TOKEN_HEADER, &token)]).await;
    assert_eq!(document.status, 200);
    let keys = keys();
    for (name, value) in [
        ("Code", "Success"),
        ("Type", "AWS-HMAC"),
        ("AccessKeyId", &keys.access_key_id),
        ("SecretAccessKey", &keys.secret_access_key),
        ("Token", keys.session_token.as_ref().unwrap()),
        ("Expiration", "2021-08-05T19:58:02Z"),
    ] {
        assert_eq!(document.body[name], value, "{name}");
    }
    assert!(document.body["LastUpdated"].as_str().unwrap().ends_with('Z'));
    assert_eq!(fake.counters().credentials, 1);
}

#[tokio::test]
async fn every_request_is_recorded() {
    let fake = fake();
    let token = token(&fake).await;
    send(&fake, "GET", ROLES, &[(TOKEN_HEADER, &token)]).await;
    send(&fake, "GET", ROLES, &[]).await;
    let requests = fake.requests();
    let seen: Vec<_> = requests.iter().map(|seen| (&*seen.method, &*seen.path)).collect();
    assert_eq!(seen, [("PUT", TOKEN), ("GET", ROLES), ("GET", ROLES)]);
    assert_eq!(requests[0].header(LIFETIME_HEADER), Some("21600"));
    assert_eq!((requests[0].host.as_str(), &requests[0].server_name), ("169.254.169.254", &None));
    assert_eq!(requests[1].refusal, None);
    assert!(requests[2].refusal.as_ref().unwrap().starts_with("Unauthorized"));
    assert_eq!((fake.connections_accepted(), fake.counters().requests), (3, 3));
    assert_eq!(fake.url(), format!("http://{}", fake.address()));
}

#[tokio::test]
async fn the_life_of_a_session_token_is_repeated_in_the_answer() {
    for lifetime in ["1", "60", "21600"] {
        let reply = send(&fake(), "PUT", TOKEN, &[(LIFETIME_HEADER, lifetime)]).await;
        assert_eq!((reply.status, reply.header(LIFETIME_HEADER)), (200, Some(lifetime)));
    }
}

#[tokio::test]
async fn a_session_token_without_a_life_or_with_a_wrong_one_is_refused() {
    assert_page(&send(&fake(), "PUT", TOKEN, &[]).await, 400, "Bad Request");
    for lifetime in ["0", "21601", "-1", "1.5", "long"] {
        assert_page(&send(&fake(), "PUT", TOKEN, &[(LIFETIME_HEADER, lifetime)]).await, 400, "Bad Request");
    }
    let twice = [(LIFETIME_HEADER, "60"), (LIFETIME_HEADER, "60")];
    assert_page(&send(&fake(), "PUT", TOKEN, &twice).await, 400, "Bad Request");
}

#[tokio::test]
async fn a_session_token_is_refused_to_a_proxy() {
    let headers = [(LIFETIME_HEADER, "60"), ("x-forwarded-for", "10.0.0.1")];
    assert_page(&send(&fake(), "PUT", TOKEN, &headers).await, 403, "Forbidden");
}

#[tokio::test]
async fn nothing_is_given_out_without_a_session_token_or_for_a_wrong_one() {
    let fake = fake();
    let token = token(&fake).await;
    for path in [ROLES.to_owned(), format!("{ROLES}{ROLE}")] {
        assert_page(&send(&fake, "GET", &path, &[]).await, 401, "Unauthorized");
        assert_page(&send(&fake, "GET", &path, &[(TOKEN_HEADER, "another")]).await, 401, "Unauthorized");
        let twice = [(TOKEN_HEADER, &*token), (TOKEN_HEADER, &*token)];
        assert_page(&send(&fake, "GET", &path, &twice).await, 401, "Unauthorized");
    }
    assert_eq!(fake.counters().credentials, 0);
}

#[tokio::test]
async fn tokens_that_a_test_has_ended_are_refused_and_new_ones_are_not() {
    let fake = fake();
    let old = token(&fake).await;
    fake.expire_tokens();
    assert_page(&send(&fake, "GET", ROLES, &[(TOKEN_HEADER, &old)]).await, 401, "Unauthorized");
    let new = token(&fake).await;
    assert_ne!(old, new);
    assert_eq!(send(&fake, "GET", ROLES, &[(TOKEN_HEADER, &new)]).await.status, 200);
    assert_page(&send(&fake, "GET", ROLES, &[(TOKEN_HEADER, &old)]).await, 401, "Unauthorized");
}

#[tokio::test]
async fn a_session_token_ends_by_itself() {
    let fake = fake();
    let token = send(&fake, "PUT", TOKEN, &[(LIFETIME_HEADER, "1")]).await.text;
    tokio::time::sleep(Duration::from_millis(1001)).await;
    assert_page(&send(&fake, "GET", ROLES, &[(TOKEN_HEADER, &token)]).await, 401, "Unauthorized");
}

#[tokio::test]
async fn an_instance_without_a_role_has_no_list_of_roles() {
    let fake = fake();
    let token = token(&fake).await;
    fake.remove_instance_role();
    for path in [ROLES.to_owned(), format!("{ROLES}{ROLE}")] {
        assert_page(&send(&fake, "GET", &path, &[(TOKEN_HEADER, &token)]).await, 404, "Not Found");
    }
}

#[tokio::test]
async fn a_role_can_be_replaced_and_its_name_may_be_escaped() {
    let fake = fake();
    let token = token(&fake).await;
    fake.set_instance_role(InstanceRole::new("a+b=c", keys()));
    assert_eq!(send(&fake, "GET", ROLES, &[(TOKEN_HEADER, &token)]).await.text, "a+b=c");
    for name in ["a+b=c", "a%2Bb%3Dc"] {
        let reply = send(&fake, "GET", &format!("{ROLES}{name}"), &[(TOKEN_HEADER, &token)]).await;
        assert_eq!(reply.status, 200);
    }
    let old = send(&fake, "GET", &format!("{ROLES}{ROLE}"), &[(TOKEN_HEADER, &token)]).await;
    assert_page(&old, 404, "Not Found");
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_has_a_document_without_keys() {
    let fake = FakeMetadata::start();
    fake.set_instance_role(InstanceRole::new(ROLE, keys()).with_failing_code("AssumeRoleUnauthorizedAccess"));
    let token = token(&fake).await;
    let reply = send(&fake, "GET", &format!("{ROLES}{ROLE}"), &[(TOKEN_HEADER, &token)]).await;
    assert_eq!((reply.status, &reply.body["Code"]), (200, &"AssumeRoleUnauthorizedAccess".into()));
    assert!(reply.body["AccessKeyId"].is_null() && reply.body["Message"].is_string(), "{reply:?}");
    assert_eq!(fake.counters().credentials, 0);
}

#[tokio::test]
async fn everything_else_is_not_found() {
    let fake = fake();
    let token = token(&fake).await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", TOKEN),
        ("POST", TOKEN),
        ("PUT", "/latest/api/token/"),
        ("PUT", ROLES),
        ("GET", "/latest/meta-data/iam/security-credentials"),
        ("GET", "/latest/meta-data/iam/security-credentials-extended/"),
        ("GET", "/latest/meta-data/placement/region"),
    ] {
        let reply = send(&fake, method, path, &[(TOKEN_HEADER, &token), (LIFETIME_HEADER, "60")]).await;
        assert_page(&reply, 404, "Not Found");
    }
}

/// A fake of an instance with a role, whose keys ended long ago.
fn fake() -> FakeMetadata {
    let fake = FakeMetadata::start();
    let expiry = Expiry::At(UNIX_EPOCH + Duration::from_secs(1_628_193_482));
    fake.set_instance_role(InstanceRole::new(ROLE, keys()).with_expiry(expiry));
    fake
}

fn assert_page(reply: &Reply, status: u16, reason: &str) {
    assert_eq!((reply.status, reply.header("content-type")), (status, Some("text/html")), "{reply:?}");
    assert!(reply.text.contains(&format!("<h1>{status} - {reason}</h1>")), "{reply:?}");
}
