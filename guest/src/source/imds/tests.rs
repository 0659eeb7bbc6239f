use super::*;
use crate::context::Context;
use crate::test_world::{TestWorld, in_lookup};
use crate::time::Timestamp;

const DOCUMENT: &str = r#"{"Code": "Success", "AccessKeyId": "i", "SecretAccessKey": "s", "Token": "t",
                           "Expiration": "2015-08-30T12:36:00Z"}"#;
const LIFE: [(&str, &str); 1] = [(TOKEN_LIFE, "21600")];
const LIST: &str = "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/";
const PUT: &str = "PUT http://169.254.169.254/latest/api/token";

fn found(world: &TestWorld) -> Result<Found, Error> {
    in_lookup(world, &Context::default(), find)
}

/// What was asked for, in order. Whatever it was, it had a second for the connection, and a second for the answer.
fn asked(world: &TestWorld) -> Vec<String> {
    let requests = world.requests.borrow();
    assert!(
        requests
            .iter()
            .all(|request| request.patience == Patience::of(Duration::from_secs(1)) && request.body.is_empty())
    );
    let scheme = |request: &Request| if request.scheme == Scheme::Http { "http" } else { "https" };
    let line = |request: &Request| {
        format!("{} {}://{}{}", request.method.as_str(), scheme(request), request.authority, request.path)
    };
    requests.iter().map(line).collect()
}

fn not_configured(world: &TestWorld) -> String {
    match found(world) {
        Ok(Found::NotConfigured(reason) | Found::NotReached(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// A world with a service that has given out a token.
fn with_token(variables: &[(&str, &str)]) -> TestWorld {
    TestWorld::with_environment(variables).answer(200, &LIFE, "hunter2")
}

fn is_success(world: &TestWorld) -> bool {
    let credentials = Credentials::new("i", "s").with_session_token(Some("t"));
    let expected = Credentials { expires_at: Some(Timestamp { seconds: 1_440_938_160 }), ..credentials };
    found(world) == Ok(Found::Credentials(expected))
}

#[test]
fn a_token_the_role_and_its_credentials_are_three_requests() {
    // The clock of these tests stands where these credentials end: expired ones are taken as they are.
    let world = with_token(&[]).answer(200, &[], " role \nsecond").answer(200, &[], DOCUMENT);
    assert!(is_success(&world));
    assert_eq!(asked(&world), [PUT.to_owned(), LIST.to_owned(), format!("{LIST}role")]);
    let headers: Vec<_> = world.requests.borrow().iter().map(|request| request.headers.clone()).collect();
    let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    assert_eq!(headers, [header(TOKEN_LIFE, "21600"), header(TOKEN, "hunter2"), header(TOKEN, "hunter2")]);
    assert!(world.sleeps.borrow().is_empty());
}

#[test]
fn a_role_that_a_setting_names_is_not_asked_for() {
    for world in [
        with_token(&[(ROLE[0], "role")]),
        with_token(&[("HOME", "/h")]).file("/h/.aws/config", "[default]\nec2_instance_profile_name = role\n"),
    ] {
        let world = world.answer(200, &[], DOCUMENT);
        assert!(is_success(&world));
        assert_eq!(asked(&world), [PUT.to_owned(), format!("{LIST}role")]);
    }
}

#[test]
fn a_service_that_is_disabled_is_not_asked() {
    let world = TestWorld::with_environment(&[(DISABLED, "True"), (MODE[0], "nonsense")]);
    assert_eq!(not_configured(&world), "AWS_EC2_METADATA_DISABLED is true");
    assert!(world.requests.borrow().is_empty());
    for other in ["false", "1", "yes", ""] {
        let world = TestWorld::with_environment(&[(DISABLED, other)]).no_answer(HttpError::Timeout);
        not_configured(&world);
        assert_eq!(asked(&world).len(), 1, "{other}");
    }
}

#[test]
fn settings_that_lead_nowhere_are_told_and_nothing_is_asked() {
    for (variable, value, text) in [
        (MODE[0], "IPv7", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is 'IPv7': set it to IPv4 or IPv6"),
        (
            ENDPOINT[0],
            "not a uri",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT is not a usable URL (it has no scheme): set it to http://HOST[:PORT]",
        ),
        (ROLE[0], "a/b", "AWS_EC2_INSTANCE_PROFILE_NAME is 'a/b': set it to the name of the instance's role"),
    ] {
        let world = TestWorld::with_environment(&[(variable, value)]);
        assert_eq!(found(&world), Err(Error::Invalid(text.to_owned())));
        assert!(world.requests.borrow().is_empty());
    }
}

#[test]
fn a_path_of_the_endpoint_stays_before_those_of_the_service() {
    let world = TestWorld::with_environment(&[(ENDPOINT[0], "https://Proxy.example:443/metadata/")])
        .no_answer(HttpError::Timeout);
    not_configured(&world);
    assert_eq!(asked(&world), ["PUT https://proxy.example/metadata/latest/api/token"]);
}

#[test]
fn without_a_connection_there_is_no_service_and_no_other_request() {
    for (error, reason) in [
        (HttpError::Connection("no answer in time".to_owned()), "was not reached: no connection: no answer in time"),
        (HttpError::Connection("refused".to_owned()), "was not reached: no connection: refused"),
        (HttpError::Resolution("it does not exist".to_owned()), "was not reached: its name could not be resolved: "),
        (HttpError::Response("the connection was closed".to_owned()), "was not reached: the answer broke off: "),
        (HttpError::Tls("the handshake failed".to_owned()), "was not reached: no trusted TLS connection: "),
    ] {
        let world = TestWorld::default().no_answer(error);
        let told = not_configured(&world);
        assert!(told.starts_with(&format!("the instance metadata service at 169.254.169.254 {reason}")), "{told}");
        assert!(!told.contains("hop limit"), "{told}");
        assert_eq!((asked(&world).len(), world.sleeps.borrow().len()), (1, 0));
    }
}

#[test]
fn a_token_that_does_not_come_hints_at_the_hop_limit() {
    let world = TestWorld::with_environment(&[(ENDPOINT[0], "http://127.0.0.1:1338")]).no_answer(HttpError::Timeout);
    assert_eq!(
        not_configured(&world),
        "the instance metadata service at 127.0.0.1:1338 (AWS_EC2_METADATA_SERVICE_ENDPOINT) took a connection and did not answer \
         within 1 s; inside a container, the instance's metadata hop limit has to be 2: aws ec2 modify-instance-metadata-options \
         --http-put-response-hop-limit 2"
    );
    assert_eq!((asked(&world).len(), world.sleeps.borrow().len()), (1, 0));
}

#[test]
fn a_sandbox_that_does_not_let_the_request_out_is_an_error_with_the_setting() {
    let world = TestWorld::with_environment(&[("HOME", "/h")])
        .file("/h/.aws/config", "[default]\nec2_metadata_service_endpoint = http://10.0.0.1\n")
        .no_answer(HttpError::Refused);
    assert_eq!(
        found(&world),
        Err(Error::Invalid(
            "the instance metadata service at 10.0.0.1 (ec2_metadata_service_endpoint of profile default) failed: the sandbox does not \
             allow this destination; allow it with --allow (KEYWARD_ALLOW)"
                .to_owned()
        ))
    );
    assert_eq!(asked(&world).len(), 1);
}

#[test]
fn an_instance_without_a_role_is_not_configured() {
    for (status, list) in [(404, "<html>"), (200, ""), (200, "\n")] {
        let world = with_token(&[]).answer(status, &[], list);
        let expected =
            "the instance metadata service at 169.254.169.254 has no role for this instance: attach one to it";
        assert_eq!(not_configured(&world), expected);
        assert_eq!(asked(&world).len(), 2);
    }
}

#[test]
fn a_service_that_fails_is_asked_four_times_each() {
    let failing = |world: TestWorld| (0..3).fold(world, |world, _| world.answer(503, &[], ""));
    let world = failing(TestWorld::default()).answer(200, &LIFE, "hunter2");
    let world = failing(world).answer(200, &[], "role");
    let world = failing(world).answer(200, &[], DOCUMENT);
    assert!(is_success(&world));
    assert_eq!((asked(&world).len(), world.sleeps.borrow().len()), (12, 9));

    let world = failing(failing(TestWorld::default()));
    let Err(Error::Unavailable(text)) = found(&world) else { panic!() };
    assert!(text.contains("for a token failed (HTTP status 503); try again later"), "{text}");
    assert_eq!((asked(&world).len(), world.sleeps.borrow().len()), (4, 3));

    let world = failing(failing(with_token(&[])));
    assert!(matches!(found(&world), Err(Error::Unavailable(_))));
    assert_eq!(asked(&world).len(), 5);
}

#[test]
fn a_token_that_is_over_is_replaced() {
    let world = with_token(&[]).answer(401, &[], "").answer(200, &LIFE, "renewed").answer(200, &[], "role").answer(
        200,
        &[],
        DOCUMENT,
    );
    assert!(is_success(&world));
    assert_eq!(asked(&world), [PUT, LIST, PUT, LIST, &format!("{LIST}role")]);
    let tokens: Vec<_> = world.requests.borrow().iter().map(|request| request.headers[0].1.clone()).collect();
    assert_eq!(tokens, ["21600", "hunter2", "21600", "renewed", "renewed"]);
}

#[test]
fn a_service_that_takes_no_token_is_asked_four_times() {
    let world = (0..4).fold(TestWorld::default(), |world, _| world.answer(200, &LIFE, "hunter2").answer(401, &[], ""));
    let Err(Error::Denied(text)) = found(&world) else { panic!() };
    assert!(text.contains("for the role of this instance was denied (HTTP status 401)"), "{text}");
    assert_eq!(asked(&world), [PUT, LIST].repeat(4));
}

#[test]
fn a_token_that_cannot_be_replaced_is_an_error() {
    let world = with_token(&[]).answer(401, &[], "").no_answer(HttpError::Timeout);
    assert!(matches!(found(&world), Err(Error::Unavailable(_))));
    assert_eq!(asked(&world), [PUT, LIST, PUT]);
}

#[test]
fn a_connection_that_is_lost_behind_the_token_is_an_error_and_ends_the_requests() {
    for lost in [HttpError::Timeout, HttpError::Connection("refused".to_owned())] {
        let world = with_token(&[]).no_answer(lost.clone());
        assert!(matches!(found(&world), Err(Error::Unavailable(_))));
        assert_eq!((asked(&world).len(), world.sleeps.borrow().len()), (2, 0));
        let world = with_token(&[]).answer(200, &[], "role").no_answer(lost);
        assert!(matches!(found(&world), Err(Error::Unavailable(_))));
        assert_eq!((asked(&world).len(), world.sleeps.borrow().len()), (3, 0));
    }
}

#[test]
fn an_answer_that_is_no_token_is_an_error_that_says_what_to_do() {
    type Case<'a> = (u16, &'a [(&'a str, &'a str)], &'a str, fn(String) -> Error, &'a str);
    let cases: [Case<'_>; 7] = [
        (
            403,
            &[],
            "",
            Error::Denied,
            "was denied (HTTP status 403); the service is disabled, or its tokens are not permitted",
        ),
        (410, &[], "", Error::Invalid, "for a token failed (HTTP status 410); only version 2 of the service (IMDSv2)"),
        (
            200,
            &[],
            "hunter2",
            Error::Invalid,
            "answered with a token without x-aws-ec2-metadata-token-ttl-seconds; check",
        ),
        (200, &[(TOKEN_LIFE, "long")], "hunter2", Error::Invalid, "answered with a token without"),
        (200, &LIFE, "", Error::Invalid, "answered with something that is no token; check what answers there"),
        (200, &LIFE, "hunter2\r\nx: y", Error::Invalid, "answered with something that is no token"),
        (200, &LIFE, "hunter2 é", Error::Invalid, "answered with something that is no token"),
    ];
    for (status, headers, body, class, text) in cases {
        let world = TestWorld::default().answer(status, headers, body);
        let error = found(&world).unwrap_err();
        let told = error.to_string();
        assert_eq!(error, class(told.clone()));
        assert!(told.contains(text) && !told.contains("hunter2"), "{told}");
        assert_eq!(asked(&world).len(), 1);
    }
}

/// On machines of other clouds, the same address has a service too, and a public registry needs no credentials there.
#[test]
fn the_service_of_another_vendor_is_no_source() {
    let google: &[(&str, &str)] = &[("metadata-flavor", "Google")];
    for (status, headers) in [(400, &[][..]), (404, &[]), (405, &[]), (403, google), (200, google)] {
        let world = TestWorld::default().answer(status, headers, "hunter2");
        let Ok(Found::NotConfigured(reason)) = found(&world) else { panic!("{status}") };
        assert!(reason.contains("is not of EC2") && !reason.contains("hunter2"), "{reason}");
        assert_eq!(asked(&world).len(), 1);
    }
}

#[test]
fn an_answer_without_credentials_is_an_error_that_says_what_to_do() {
    let unauthorized = r#"{"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume hunter2."}"#;
    type Class = fn(String) -> Error;
    let cases: [(u16, &str, Class, &str); 6] = [
        (
            200,
            unauthorized,
            Error::Invalid,
            "failed: AssumeRoleUnauthorizedAccess: EC2 cannot assume [redacted] (HTTP status 200); let the trust policy of the role \
             name ec2.amazonaws.com",
        ),
        (
            200,
            r#"{"Code": "NoGood", "Message": "m"}"#,
            Error::Invalid,
            "failed: NoGood: m (HTTP status 200); check the role",
        ),
        (
            200,
            r#"{"code": "InternalFailure"}"#,
            Error::Unavailable,
            "failed: InternalFailure (HTTP status 200); try again",
        ),
        (200, "<html>", Error::Invalid, "answered with something that is not JSON; check what answers there"),
        (403, "", Error::Denied, "for the credentials of role role was denied (HTTP status 403)"),
        (
            404,
            "",
            Error::Invalid,
            "for the credentials of role role failed (HTTP status 404); check the role that is attached",
        ),
    ];
    for (status, body, class, text) in cases {
        let world = with_token(&[]).answer(200, &[], "role").answer(status, &[], body);
        let error = found(&world).unwrap_err();
        let told = error.to_string();
        assert_eq!(error, class(told.clone()));
        assert!(told.contains(text) && !told.contains("hunter2"), "{told}");
        assert_eq!(asked(&world).len(), 3);
    }
    let world = with_token(&[(ROLE[0], "other")]).answer(404, &[], "");
    let Err(Error::Invalid(text)) = found(&world) else { panic!() };
    assert!(text.contains("role other failed (HTTP status 404)") && text.contains(ROLE[0]), "{text}");
}

#[test]
fn a_list_that_is_none_is_an_error() {
    for (status, list, class) in [
        (200, "<html>", "invalid"),
        (200, "a?b", "invalid"),
        (200, "../x", "invalid"),
        (403, "", "denied"),
        (400, "", "invalid"),
    ] {
        let world = with_token(&[]).answer(status, &[], list);
        let seen = match found(&world) {
            Err(Error::Invalid(_)) => "invalid",
            Err(Error::Denied(_)) => "denied",
            other => panic!("{other:?}"),
        };
        assert_eq!((seen, asked(&world).len()), (class, 2), "{list}");
    }
}

#[test]
fn to_a_profile_that_names_this_source_a_service_that_does_not_answer_is_an_outage() {
    let world = TestWorld::with_environment(&[("HOME", "/h")])
        .file("/h/.aws/config", "[default]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n")
        .no_answer(HttpError::Timeout);
    let Err(Error::Unavailable(text)) = in_lookup(&world, &Context::default(), crate::chain::resolve) else { panic!() };
    assert!(text.contains("hop limit"), "{text}");
    assert_eq!(asked(&world).len(), 1);
}
