use super::*;
use crate::context::Context;
use crate::credentials::Credentials;
use crate::role_chain::SsoRole;
use crate::test_world::{TestWorld, in_lookup};
use crate::world::{FileError, HttpError, Local};

const FILE: &str = "/h/.aws/sso/cache/d033e22ae348aeb5660fc2140aec35850c4da997.json";
const START_URL: &str = "https://d-92671207e4.awsapps.com/start";
const FILE_OF_START_URL: &str = "/h/.aws/sso/cache/13f9d35043871d073ab260e020f0ffde092cb14b.json";

const KEYS: &str =
    r#"{"roleCredentials":{"accessKeyId":"i","secretAccessKey":"s","sessionToken":"t","expiration":1651516560000}}"#;
const NEW_TOKEN: &str = r#"{"accessToken":"hunter-new","expiresIn":28800,"refreshToken":"hunter-next"}"#;

/// In every world of these tests it is 2015-08-30T12:36:00Z.
const FRESH: &str = "2015-08-30T12:41:01Z";
const ENDING: &str = "2015-08-30T12:41:00Z";
const OVER: &str = "2015-08-30T12:36:00Z";

fn world() -> TestWorld {
    TestWorld::with_environment(&[("HOME", "/h"), ("AWS_REGION", "us-east-1")])
}

/// A token of the kind that is renewed.
fn token(expires_at: &str) -> String {
    format!(
        r#"{{"accessToken":"hunter-old","clientId":"client","clientSecret":"hunter-secret","expiresAt":"{expires_at}",
            "refreshToken":"hunter-refresh","registrationExpiresAt":"2015-08-30T12:36:01Z","scopes":["a"]}}"#
    )
}

fn sso(session: Option<&str>) -> Sso {
    Sso {
        session: session.map(str::to_owned),
        region: "eu-west-1".to_owned(),
        start_url: START_URL.to_owned(),
        role: Some(SsoRole { account_id: "123456789012".to_owned(), role_name: "Reader".to_owned() }),
    }
}

fn asked(world: &TestWorld, sso: &Sso) -> Result<Credentials, Error> {
    match in_lookup(world, &Context::default(), |lookup| get(lookup, "work", sso))? {
        Found::Credentials(credentials) => Ok(credentials),
        Found::NotConfigured(reason) | Found::NotReached(reason) => panic!("{reason}"),
    }
}

/// The tokens that the portal was sent, and how often another service was called.
fn tokens(world: &TestWorld) -> (Vec<String>, usize) {
    let requests = world.requests.borrow();
    let (portal, others): (Vec<_>, Vec<_>) =
        requests.iter().partition(|request| request.authority.starts_with("portal."));
    let tokens = portal.iter().map(|request| request.headers[1].1.clone()).collect();
    (tokens, others.len())
}

fn content(world: &TestWorld) -> String {
    String::from_utf8(Local::file(world, FILE).unwrap().to_vec()).unwrap()
}

#[test]
fn a_profile_without_a_role_is_not_configured_for_credentials() {
    let sso = Sso { role: None, ..sso(Some("admin")) };
    let found = in_lookup(&world(), &Context::default(), |lookup| get(lookup, "work", &sso)).unwrap();
    let Found::NotConfigured(reason) = found else { panic!() };
    assert!(reason.starts_with("profile work is for tokens of IAM Identity Center"), "{reason}");
}

#[test]
fn a_fresh_token_is_used_in_the_region_of_identity_center() {
    let world = world().file(FILE, token(FRESH)).answer(200, &[], KEYS);
    let credentials = asked(&world, &sso(Some("admin"))).unwrap();
    assert_eq!((credentials.access_key_id.as_str(), credentials.account_id.as_deref()), ("i", Some("123456789012")));
    assert_eq!(tokens(&world), (vec!["hunter-old".to_owned()], 0));
    assert_eq!(world.requests.borrow()[0].authority, "portal.sso.eu-west-1.amazonaws.com");
}

#[test]
fn a_token_that_ends_soon_is_renewed_and_the_new_one_kept_with_the_rest_of_the_file() {
    for expires_at in [ENDING, OVER] {
        let world = world().file(FILE, token(expires_at)).answer(200, &[], NEW_TOKEN).answer(200, &[], KEYS);
        asked(&world, &sso(Some("admin"))).unwrap();
        assert_eq!(tokens(&world), (vec!["hunter-new".to_owned()], 1));
        assert_eq!(world.requests.borrow()[0].authority, "oidc.eu-west-1.amazonaws.com");
        assert_eq!(
            content(&world),
            concat!(
                r#"{"clientId":"client","clientSecret":"hunter-secret","registrationExpiresAt":"2015-08-30T12:36:01Z","#,
                r#""scopes":["a"],"accessToken":"hunter-new","expiresAt":"2015-08-30T20:36:00Z","refreshToken":"hunter-next"}"#
            )
        );
    }
}

#[test]
fn a_new_token_that_cannot_be_kept_is_used_all_the_same() {
    for error in [FileError::NotGranted, FileError::Unreadable("full".to_owned())] {
        let world = world().file(FILE, token(OVER)).read_only(error).answer(200, &[], NEW_TOKEN).answer(200, &[], KEYS);
        asked(&world, &sso(Some("admin"))).unwrap();
        assert_eq!(tokens(&world), (vec!["hunter-new".to_owned()], 1));
        assert_eq!(content(&world), token(OVER));
    }
}

#[test]
fn a_renewal_that_fails_is_no_error_as_long_as_the_old_token_is_good() {
    let refusal = r#"{"error":"invalid_grant"}"#;
    let world = world().file(FILE, token(ENDING)).answer(400, &[], refusal).answer(200, &[], KEYS);
    asked(&world, &sso(Some("admin"))).unwrap();
    assert_eq!(tokens(&world), (vec!["hunter-old".to_owned()], 1));
    assert_eq!(content(&world), token(ENDING));
}

/// Otherwise a service that is not reached would hold up a lookup that can do without it, up to its deadline.
#[test]
fn a_renewal_that_can_wait_is_asked_for_once_and_for_a_moment() {
    let world = world().file(FILE, token(ENDING)).answer(503, &[], "").answer(200, &[], KEYS);
    asked(&world, &sso(Some("admin"))).unwrap();
    assert_eq!((world.requests.borrow().len(), world.sleeps.borrow().len()), (2, 0));
    let patience = world.requests.borrow()[0].patience;
    assert_eq!(patience, crate::world::Patience::of(std::time::Duration::from_secs(1)));
}

#[test]
fn a_renewal_that_fails_after_the_end_asks_for_a_new_login() {
    let refusal = r#"{"error":"invalid_grant","error_description":"hunter-refresh is used up"}"#;
    let world = world().file(FILE, token(OVER)).answer(400, &[("x-amzn-errortype", "InvalidGrantException")], refusal);
    assert_eq!(
        asked(&world, &sso(Some("admin"))),
        Err(Error::Denied(
            "the login of profile work (sso-session admin) has expired, and was not renewed (CreateToken of \
             oidc.eu-west-1.amazonaws.com was denied: InvalidGrantException: [redacted] is used up (HTTP status 400); log in again \
             with 'aws sso login'): run 'aws sso login --sso-session admin'"
                .to_owned()
        ))
    );
}

#[test]
fn a_renewal_that_fails_by_the_services_fault_may_be_tried_again() {
    let world = world().file(FILE, token(OVER)).no_answer(HttpError::Refused);
    assert!(matches!(asked(&world, &sso(Some("admin"))), Err(Error::Denied(_))));
    let world = world_that_answers(503);
    assert!(matches!(asked(&world, &sso(Some("admin"))), Err(Error::Unavailable(_))));
    let world = world_that_answers(429);
    assert!(matches!(asked(&world, &sso(Some("admin"))), Err(Error::Throttled(_))));
}

fn world_that_answers(status: u16) -> TestWorld {
    let world = world().file(FILE, token(OVER));
    (0..3).fold(world, |world, _| world.answer(status, &[], ""))
}

#[test]
fn a_token_that_is_over_and_cannot_be_renewed_asks_for_a_new_login() {
    let expired = Error::Denied(
        "the login of profile work (sso-session admin) has expired: run 'aws sso login --sso-session admin'".to_owned(),
    );
    let over_registration = token(OVER).replace("2015-08-30T12:36:01Z", OVER);
    let without = |name: &str| token(OVER).replace(name, "other");
    for file in [
        over_registration,
        without("refreshToken"),
        without("clientId"),
        without("clientSecret"),
        without("registrationExpiresAt"),
    ] {
        let world = world().file(FILE, file);
        assert_eq!(asked(&world, &sso(Some("admin"))), Err(expired.clone()));
        assert_eq!(tokens(&world), (Vec::new(), 0));
    }
}

#[test]
fn a_profile_without_a_session_has_its_token_under_the_start_url_and_never_renews_it() {
    let world_with = |expires_at| world().file(FILE_OF_START_URL, token(expires_at)).answer(200, &[], KEYS);
    let world = world_with(ENDING);
    asked(&world, &sso(None)).unwrap();
    assert_eq!(tokens(&world), (vec!["hunter-old".to_owned()], 0));
    let world = world_with(OVER);
    assert_eq!(
        asked(&world, &sso(None)),
        Err(Error::Denied("the login of profile work has expired: run 'aws sso login --profile work'".to_owned()))
    );
    assert_eq!(tokens(&world), (Vec::new(), 0));
}

#[test]
fn without_a_file_to_read_the_error_says_which_one_and_what_to_do() {
    for (world, end) in [
        (world(), "no such file: run 'aws sso login --sso-session admin'"),
        (world().no_file(FILE, FileError::NotGranted), "not granted: let lookups read this file"),
        (world().file(FILE, [0xff]), "not readable: not UTF-8: run 'aws sso login --sso-session admin'"),
        (TestWorld::default(), "HOME is not set: set it"),
    ] {
        let expected = format!(
            "the login of profile work (sso-session admin) is unusable: ~{}: {end}",
            FILE.trim_start_matches("/h")
        );
        assert_eq!(asked(&world, &sso(Some("admin"))), Err(Error::Invalid(expected)));
    }
}

#[test]
fn what_is_wrong_with_the_file_is_told_and_nothing_of_it_repeated() {
    for (file, reason) in [
        ("hunter", "it is not a JSON object"),
        ("[\"hunter\"]", "it is not a JSON object"),
        (r#"{"refreshToken":"hunter","expiresAt":"2030-01-01T00:00:00Z"}"#, "it has no accessToken that can be sent"),
        (r#"{"accessToken":"hunter\n","expiresAt":"2030-01-01T00:00:00Z"}"#, "it has no accessToken that can be sent"),
        (r#"{"accessToken":"hunter"}"#, "it has no expiresAt"),
        (r#"{"accessToken":"hunter","expiresAt":"hunter"}"#, "its expiresAt is not a time as in 2026-01-31T12:00:00Z"),
        (
            r#"{"accessToken":"hunter","expiresAt":1893456000}"#,
            "its expiresAt is not a time as in 2026-01-31T12:00:00Z",
        ),
        (
            r#"{"accessToken":"hunter","expiresAt":"2030-01-01T00:00:00Z","registrationExpiresAt":"hunter"}"#,
            "its registrationExpiresAt is not a time as in 2026-01-31T12:00:00Z",
        ),
    ] {
        let expected = format!(
            "the login of profile work (sso-session admin) is unusable: ~{}: {reason}: run 'aws sso login --sso-session admin'",
            FILE.trim_start_matches("/h")
        );
        assert_eq!(asked(&world().file(FILE, file), &sso(Some("admin"))), Err(Error::Invalid(expected)));
    }
}

#[test]
fn a_region_that_cannot_be_one_is_an_error() {
    let world = world().file(FILE, token(FRESH));
    let Err(Error::Invalid(text)) = asked(&world, &Sso { region: "eu west".to_owned(), ..sso(Some("admin")) }) else {
        panic!()
    };
    assert!(text.contains("'eu west'") && text.contains("sso_region"), "{text}");
}

#[test]
fn a_token_that_the_portal_refuses_asks_for_a_new_login_and_is_not_repeated() {
    let headers = [("x-amzn-errortype", "UnauthorizedException")];
    let world = world().file(FILE, token(FRESH)).answer(401, &headers, r#"{"message":"hunter-old is unknown"}"#);
    let Err(Error::Denied(text)) = asked(&world, &sso(Some("admin"))) else { panic!() };
    assert!(text.ends_with("[redacted] is unknown (HTTP status 401); log in again with 'aws sso login'"), "{text}");
}
