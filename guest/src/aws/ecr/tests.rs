use super::*;
use crate::context::Context;
use crate::registry::Registry;
use crate::test_world::{TestWorld, in_lookup};
use crate::world::HttpError;

const PRIVATE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

fn ask(address: &str, world: &TestWorld) -> Result<RegistryCredential, Error> {
    in_lookup(world, &Context::default(), |lookup| {
        let endpoint = Endpoint::of_registry(&Registry::parse(address).unwrap(), lookup.settings).unwrap();
        let credentials = Credentials::new("AKID", "hunter2").with_session_token(Some("session"));
        get_authorization_token(lookup.client, &endpoint, &credentials)
    })
}

fn answered(address: &str, body: &str) -> Result<RegistryCredential, Error> {
    ask(address, &TestWorld::default().answer(200, &[], body))
}

fn token(username_and_password: &str) -> String {
    STANDARD.encode(username_and_password)
}

fn private_body(token: &str, expires_at: &str) -> String {
    format!(r#"{{"authorizationData":[{{"authorizationToken":"{token}","expiresAt":{expires_at}}}]}}"#)
}

#[test]
fn the_request_is_what_the_service_expects() {
    let world = TestWorld::default();
    ask(PRIVATE, &world).unwrap_err();
    ask("public.ecr.aws", &world).unwrap_err();
    let requests = world.requests.borrow();

    for request in requests.iter() {
        assert_eq!((request.method, request.path.as_str(), request.body.as_slice()), (Method::Post, "/", &b"{}"[..]));
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "x-amz-date",
                "x-amz-security-token",
                "authorization",
                "content-length",
                "user-agent",
                "content-type",
                "x-amz-target"
            ]
        );
        let signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
        assert!(request.headers[2].1.contains(signed), "{:?}", request.headers[2]);
    }
    assert_eq!(requests[0].authority, "api.ecr.us-east-1.amazonaws.com");
    assert_eq!(requests[0].headers[6].1, "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
    assert!(requests[0].headers[2].1.contains("/us-east-1/ecr/aws4_request"));
    assert_eq!(requests[1].authority, "api.ecr-public.us-east-1.amazonaws.com");
    assert_eq!(requests[1].headers[6].1, "SpencerFrontendService.GetAuthorizationToken");
    assert!(requests[1].headers[2].1.contains("/us-east-1/ecr-public/aws4_request"));
}

#[test]
fn a_token_becomes_user_name_and_password_split_at_the_first_colon() {
    let credential = answered(PRIVATE, &private_body(&token("AWS:pass:word"), "1440981360")).unwrap();
    assert_eq!(credential.username, "AWS");
    assert_eq!(credential.password.expose(), "pass:word");
    assert_eq!(credential.expires_at, Some(1_440_981_360));
}

#[test]
fn the_public_service_answers_with_an_object() {
    let body = format!(r#"{{"authorizationData":{{"authorizationToken":"{}","expiresAt":1}}}}"#, token("AWS:p"));
    assert_eq!(answered("public.ecr.aws", &body).unwrap().password.expose(), "p");
}

#[test]
fn an_expiry_may_be_an_integer_a_fraction_or_have_an_exponent_or_be_missing() {
    for (number, seconds) in [
        ("1440981360", Some(1_440_981_360)),
        ("1440981360.999", Some(1_440_981_360)),
        ("1.44098136e9", Some(1_440_981_360)),
        ("1.7E+9", Some(1_700_000_000)),
        ("0", Some(0)),
        ("null", None),
    ] {
        let credential = answered(PRIVATE, &private_body(&token("AWS:p"), number)).unwrap();
        assert_eq!(credential.expires_at, seconds, "{number}");
    }
}

#[test]
fn a_malformed_answer_is_a_clear_error_that_repeats_nothing_of_it() {
    for (address, body, complaint) in [
        (PRIVATE, String::new(), "something that is not JSON"),
        (PRIVATE, "<html>hunter3</html>".to_owned(), "something that is not JSON"),
        (PRIVATE, "{}".to_owned(), "no token in it"),
        (PRIVATE, r#"{"authorizationData":[]}"#.to_owned(), "an empty list of tokens"),
        (PRIVATE, r#"{"authorizationData":null}"#.to_owned(), "no token in it"),
        (PRIVATE, r#"{"authorizationData":[{"authorizationToken":null}]}"#.to_owned(), "no token in it"),
        (PRIVATE, private_body("%%%hunter3", "1"), "a token that is not base64"),
        (PRIVATE, private_body(&STANDARD.encode(b"AWS:\xff"), "1"), "a token that is not base64"),
        (PRIVATE, private_body(&token("hunter3"), "1"), "a token without a colon between user name and password"),
        (PRIVATE, private_body(&token(":hunter3"), "1"), "no token in it"),
        (PRIVATE, private_body(&token("AWS:"), "1"), "no token in it"),
        (PRIVATE, private_body(&token("AWS:hunter3"), "-1"), "an expiry that is not a time in seconds"),
        (PRIVATE, private_body(&token("AWS:hunter3"), "1e300"), "an expiry that is not a time in seconds"),
        (PRIVATE, private_body(&token("AWS:hunter3"), "\"2015\""), "an expiry that is not a time in seconds"),
        ("public.ecr.aws", r#"{"authorizationData":[]}"#.to_owned(), "no token in it"),
    ] {
        let Err(Error::Invalid(text)) = answered(address, &body) else { panic!("{body}") };
        assert!(text.contains(&format!("answered with {complaint}; check")), "{body}: {text}");
        assert!(!text.contains("hunter3"), "{text}");
    }
}

#[test]
fn an_answer_that_does_not_come_is_unavailable_unless_a_setting_is_the_cause() {
    for (error, is_setting) in [
        (HttpError::Connection("refused".to_owned()), false),
        (HttpError::Resolution("no such name".to_owned()), false),
        (HttpError::Response("reset".to_owned()), false),
        (HttpError::Timeout, false),
        (HttpError::Tls("certificate".to_owned()), false),
        (HttpError::HeadersTooLarge, true),
        (HttpError::TooLarge, true),
        (HttpError::Refused, true),
    ] {
        let outcome = ask(PRIVATE, &(0..3).fold(TestWorld::default(), |world, _| world.no_answer(error.clone())));
        match outcome {
            Err(Error::Invalid(_)) => assert!(is_setting, "{error}"),
            Err(Error::Unavailable(_)) => assert!(!is_setting, "{error}"),
            other => panic!("{error}: {other:?}"),
        }
    }
}
