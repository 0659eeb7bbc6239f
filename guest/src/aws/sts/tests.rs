use super::*;
use crate::context::Context;
use crate::endpoint::Service;
use crate::test_world::{TestWorld, in_lookup};

const ANSWER: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
                      <SessionToken>t&amp;</SessionToken><SecretAccessKey>s</SecretAccessKey>\
                      <Expiration>2015-08-30T12:36:00Z</Expiration><AccessKeyId>i</AccessKeyId></Credentials>\
                      <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/r/n</Arn></AssumedRoleUser>\
                      </AssumeRoleResult></AssumeRoleResponse>";
const ROLE: RoleRequest<'_> =
    RoleRequest { role_arn: "arn:r", session_name: None, external_id: None, duration_seconds: None };

fn assumed(world: &TestWorld, role: &RoleRequest<'_>) -> Result<Credentials, Error> {
    in_lookup(world, &Context::default(), |lookup| {
        let endpoint = lookup.endpoint(Service::Sts, "eu-west-1").unwrap();
        let credentials = Credentials::new("AKID", "hunter2").with_session_token(Some("session"));
        assume_role(lookup.client, &endpoint, &credentials, role)
    })
}

fn with_token(world: &TestWorld) -> Result<Credentials, Error> {
    in_lookup(world, &Context::default(), |lookup| {
        let endpoint = lookup.endpoint(Service::Sts, "eu-west-1").unwrap();
        assume_role_with_web_identity(lookup.client, &endpoint, &Secret::new("hunter2\n".to_owned()), &ROLE)
    })
}

fn body(world: &TestWorld) -> String {
    String::from_utf8(world.requests.borrow().last().unwrap().body.clone()).unwrap()
}

#[test]
fn a_role_is_asked_for_with_all_that_the_settings_say_and_signed() {
    let world = TestWorld::default().answer(200, &[], ANSWER);
    let role = RoleRequest {
        role_arn: "arn:aws:iam::1:role/r",
        session_name: Some("a@b"),
        external_id: Some("x/y"),
        duration_seconds: Some(900),
    };
    let credentials = assumed(&world, &role).unwrap();
    assert_eq!(
        body(&world),
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=a%40b&\
         ExternalId=x%2Fy&DurationSeconds=900"
    );
    let requests = world.requests.borrow();
    let header = |name: &str| requests[0].headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(requests[0].authority, "sts.eu-west-1.amazonaws.com");
    assert_eq!(header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(header("content-length"), Some(body(&world).len().to_string().as_str()));
    assert!(header("authorization").unwrap().contains("Credential=AKID/20150830/eu-west-1/sts/aws4_request"));
    assert_eq!(
        credentials,
        Credentials {
            account_id: Some("123456789012".to_owned()),
            expires_at: Some(Timestamp { seconds: 1_440_938_160 }),
            ..Credentials::new("i", "s").with_session_token(Some("t&"))
        }
    );
}

#[test]
fn a_session_without_a_name_gets_one_that_sts_takes() {
    let world = TestWorld::default().answer(200, &[], ANSWER);
    assumed(&world, &ROLE).unwrap();
    assert!(body(&world).ends_with("&RoleSessionName=keyward-1440938160"), "{}", body(&world));
}

#[test]
fn a_token_is_sent_as_it_is_and_nothing_is_signed() {
    let world =
        TestWorld::default().answer(200, &[], &ANSWER.replace("AssumeRoleResult", "AssumeRoleWithWebIdentityResult"));
    with_token(&world).unwrap();
    assert!(body(&world).starts_with("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"));
    assert!(body(&world).ends_with("&WebIdentityToken=hunter2%0A"), "{}", body(&world));
    assert!(world.requests.borrow()[0].headers.iter().all(|(name, _)| name != "authorization" && name != "x-amz-date"));
}

#[test]
fn a_refusal_names_the_role_and_is_not_tried_again() {
    let world = TestWorld::default().answer(
        403,
        &[],
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not with hunter2.</Message></Error>\
         <RequestId>7a1b</RequestId></ErrorResponse>",
    );
    assert_eq!(
        assumed(&world, &ROLE),
        Err(Error::Denied(
            "AssumeRole of sts.eu-west-1.amazonaws.com for arn:r was denied: AccessDenied: not with [redacted] (HTTP status 403, \
             request id 7a1b); grant this permission to the identity"
                .to_owned()
        ))
    );
    assert_eq!(world.requests.borrow().len(), 1);
}

/// Of the errors that STS gives with status 400, this one passes.
#[test]
fn an_identity_provider_that_sts_did_not_reach_is_tried_again() {
    let failure = "<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error></ErrorResponse>";
    let answer = ANSWER.replace("AssumeRoleResult", "AssumeRoleWithWebIdentityResult");
    let world = TestWorld::default().answer(400, &[], failure).answer(400, &[], failure).answer(200, &[], &answer);
    with_token(&world).unwrap();
    assert_eq!((world.requests.borrow().len(), world.sleeps.borrow().len()), (3, 2));

    let world = (0..3).fold(TestWorld::default(), |world, _| world.answer(400, &[], failure));
    assert!(matches!(with_token(&world), Err(Error::Unavailable(_))));

    let world = TestWorld::default().answer(400, &[], failure);
    assumed(&world, &ROLE).unwrap_err();
    assert_eq!(world.requests.borrow().len(), 1);
}

/// STS answers with status 400, as it does to requests that make no sense: it is the token that nobody accepts.
#[test]
fn a_token_that_is_refused_is_a_denial_and_the_advice_is_about_the_token() {
    for code in ["InvalidIdentityToken", "IDPRejectedClaim"] {
        let failure = format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>");
        let world = TestWorld::default().answer(400, &[], &failure);
        let Err(Error::Denied(text)) = with_token(&world) else { panic!("{code}") };
        assert!(text.contains("; check the token, its audience, the role's trust policy"), "{text}");
        assert_eq!(world.requests.borrow().len(), 1);
    }
}

/// A connection that nobody takes would otherwise last as long as the lookup.
#[test]
fn a_service_has_as_long_for_a_connection_as_the_aws_sdk_gives_it() {
    let world = TestWorld::default().answer(200, &[], ANSWER);
    assumed(&world, &ROLE).unwrap();
    let patience = world.requests.borrow()[0].patience;
    assert_eq!((patience.connection.map(|time| time.as_millis()), patience.answer), (Some(3100), None));
}

#[test]
fn an_answer_without_credentials_is_a_clear_error_that_repeats_nothing_of_it() {
    for body in [
        String::new(),
        "{}".to_owned(),
        "<AssumeRoleResponse></AssumeRoleResponse>".to_owned(),
        ANSWER.replace("<AccessKeyId>i</AccessKeyId>", ""),
        ANSWER.replace("<AccessKeyId>i", "<AccessKeyId>"),
        ANSWER.replace("2015-08-30T12:36:00Z", "soon hunter3"),
        ANSWER.replace("AssumeRoleResult", "AssumeRoleWithWebIdentityResult"),
    ] {
        let Err(Error::Invalid(text)) = assumed(&TestWorld::default().answer(200, &[], &body), &ROLE) else {
            panic!("{body}")
        };
        assert!(text.contains("answered with no credentials that can be read; check"), "{text}");
        assert!(!text.contains("hunter3"), "{text}");
    }
}
