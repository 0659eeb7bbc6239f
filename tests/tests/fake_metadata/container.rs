//! The credentials of containers of ECS, and of pods of EKS.

use std::time::{Duration, UNIX_EPOCH};

use keyward_testbed::{AccessKeys, ContainerCredentials, Expiry, FakeMetadata};
use serde_json::json;

use crate::client::{Reply, keys, send};

const ECS: &str = "/v2/credentials/3b1e7d5e-5f0c-4f0e-9d3a-000000000000";
const EKS: &str = "/v1/credentials";
const ACCEPT: (&str, &str) = ("accept", "application/json");

#[tokio::test]
async fn a_container_gets_its_credentials_at_its_path() {
    let fake = FakeMetadata::start();
    let expiry = Expiry::At(UNIX_EPOCH + Duration::from_secs(1_628_193_482));
    let role_arn = "arn:aws:iam::210987654321:role/task";
    fake.set_container_credentials(ContainerCredentials::new(ECS, keys()).with_expiry(expiry).with_role_arn(role_arn));
    let reply = send(&fake, "GET", ECS, &[ACCEPT]).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let document = json!({
        "AccessKeyId": "ASIAMETADATA",
        "SecretAccessKey": "metadata-secret",
        "Token": "metadata-session",
        "Expiration": "2021-08-05T19:58:02Z",
        "RoleArn": role_arn,
    });
    assert_eq!(reply.body, document);
    assert_eq!((fake.counters().credentials, &*fake.requests()[0].path), (1, ECS));
}

#[tokio::test]
async fn a_pod_gets_its_credentials_for_its_token_only() {
    let fake = FakeMetadata::start();
    let credentials =
        ContainerCredentials::new(EKS, keys()).with_authorization("token").with_account_id("210987654321");
    fake.set_container_credentials(credentials);
    let reply = send(&fake, "GET", EKS, &[ACCEPT, ("authorization", "token")]).await;
    assert_eq!((reply.status, &reply.body["AccountId"]), (200, &json!("210987654321")));
    assert_refused(&send(&fake, "GET", EKS, &[ACCEPT]).await, 401);
    for wrong in ["another", "Bearer token", "token2"] {
        assert_refused(&send(&fake, "GET", EKS, &[ACCEPT, ("authorization", wrong)]).await, 401);
    }
    let twice = [ACCEPT, ("authorization", "token"), ("authorization", "token")];
    assert_refused(&send(&fake, "GET", EKS, &twice).await, 401);
    assert_eq!(fake.counters().credentials, 1);
}

#[tokio::test]
async fn a_token_that_was_replaced_is_refused() {
    let fake = FakeMetadata::start();
    fake.set_container_credentials(ContainerCredentials::new(EKS, keys()).with_authorization("first"));
    fake.set_container_authorization(EKS, "second");
    assert_refused(&send(&fake, "GET", EKS, &[ACCEPT, ("authorization", "first")]).await, 401);
    assert_eq!(send(&fake, "GET", EKS, &[ACCEPT, ("authorization", "second")]).await.status, 200);
}

#[tokio::test]
async fn a_request_that_does_not_accept_json_is_refused() {
    let fake = FakeMetadata::start();
    fake.set_container_credentials(ContainerCredentials::new(ECS, keys()));
    assert_refused(&send(&fake, "GET", ECS, &[]).await, 406);
    assert_refused(&send(&fake, "GET", ECS, &[("accept", "*/*")]).await, 406);
    assert_refused(&send(&fake, "GET", ECS, &[ACCEPT, ACCEPT]).await, 406);
}

#[tokio::test]
async fn another_method_is_refused() {
    let fake = FakeMetadata::start();
    fake.set_container_credentials(ContainerCredentials::new(ECS, keys()));
    assert_refused(&send(&fake, "POST", ECS, &[ACCEPT]).await, 405);
}

#[tokio::test]
async fn a_path_is_compared_with_its_query_and_another_is_not_found() {
    let fake = FakeMetadata::start();
    fake.set_container_credentials(ContainerCredentials::new("/credentials?id=1", keys()));
    assert_eq!(send(&fake, "GET", "/credentials?id=1", &[ACCEPT]).await.status, 200);
    for path in ["/credentials", "/credentials?id=2", "/credentials/", EKS] {
        assert_eq!(send(&fake, "GET", path, &[ACCEPT]).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn later_credentials_of_a_path_replace_earlier_ones_and_those_of_others_stay() {
    let fake = FakeMetadata::start();
    let other = AccessKeys::new("ASIAOTHER", "other").with_session_token("other");
    fake.set_container_credentials(ContainerCredentials::new(ECS, keys()));
    fake.set_container_credentials(ContainerCredentials::new(EKS, keys()));
    fake.set_container_credentials(ContainerCredentials::new(ECS, other));
    assert_eq!(send(&fake, "GET", ECS, &[ACCEPT]).await.body["AccessKeyId"], "ASIAOTHER");
    assert_eq!(send(&fake, "GET", EKS, &[ACCEPT]).await.body["AccessKeyId"], "ASIAMETADATA");
}

#[test]
#[should_panic(expected = "there are no credentials at \"/v1/credentials\"")]
fn a_token_for_a_path_without_credentials_panics_where_it_is_set() {
    FakeMetadata::start().set_container_authorization(EKS, "token");
}

fn assert_refused(reply: &Reply, status: u16) {
    assert_eq!((reply.status, reply.header("content-type")), (status, Some("application/json")), "{reply:?}");
    assert!(reply.body["code"].is_string() && reply.body["message"].is_string(), "{reply:?}");
    assert!(reply.body["AccessKeyId"].is_null(), "{reply:?}");
}
