//! Debug output shows no secrets.

use keyward_testbed::{AccessKeys, ContainerCredentials, FakeAws, InstanceRole, Role, SsoRefresh, SsoRole};

use crate::client::{Call, Form, send};

#[tokio::test]
async fn no_debug_output_shows_a_secret() {
    let keys = AccessKeys::new("ASIASHOWN", "hidden-secret").with_session_token("hidden-session");
    let role = Role::new("arn:aws:iam::210987654321:role/puller")
        .with_web_identity_token("hidden-identity")
        .with_expired_web_identity_token("hidden-expired")
        .with_keys(keys.clone());
    let fake = FakeAws::start();
    fake.add_role(role.clone());
    fake.add_keys(keys.clone());
    send(&fake, Call { keys: keys.clone(), ..Call::default() }.sign()).await;
    let identity = Form::sts("AssumeRoleWithWebIdentity", role.arn()).with("WebIdentityToken", "hidden-identity");
    send(&fake, identity.unsigned()).await;

    let shown = [
        format!("{keys:?} {role:?} {fake:?} {:?}", fake.requests()),
        format!("{:?}", SsoRole::new("hidden-access", "210987654321", "puller", keys.clone())),
        format!("{:?}", SsoRefresh::new("client", "hidden-client", "hidden-refresh", "hidden-access")),
        format!("{:?}", SsoRefresh::new("client", "-", "-", "-").with_new_refresh_token("hidden-new")),
        format!("{:?}", InstanceRole::new("instance", keys.clone())),
        format!("{:?}", ContainerCredentials::new("/v1", keys).with_authorization("hidden-authorization")),
    ]
    .concat();
    assert!(shown.contains("ASIASHOWN") && shown.contains("x-amz-security-token"), "{shown}");
    assert!(!shown.contains("hidden"), "{shown}");
}
