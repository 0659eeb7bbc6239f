use super::*;
use crate::context::Context;
use crate::test_world::{TestWorld, in_lookup};
use crate::time::Timestamp;
use crate::world::{FileError, HttpError};

const DOCUMENT: &str =
    r#"{"AccessKeyId": "i", "SecretAccessKey": "s", "Token": "t", "Expiration": "2015-08-30T12:36:00Z"}"#;
const ECS_SETTING: (&str, &str) = (RELATIVE_URI, "/creds?a=1");
const EKS_SETTING: (&str, &str) = (FULL_URI, "http://169.254.170.23/v1/credentials");
const TOKEN_PATH: &str = "/var/run/secrets/token";

fn found(world: &TestWorld) -> Result<Found, Error> {
    in_lookup(world, &Context::default(), find)
}

fn failure(world: &TestWorld) -> Error {
    found(world).unwrap_err()
}

fn credentials() -> Credentials {
    let credentials = Credentials::new("i", "s").with_session_token(Some("t"));
    Credentials { expires_at: Some(Timestamp { seconds: 1_440_938_160 }), ..credentials }
}

#[test]
fn without_a_setting_nothing_is_asked() {
    let world = TestWorld::with_environment(&[(TOKEN, "hunter2"), (RELATIVE_URI, " ")]);
    let reason = "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set";
    assert_eq!(found(&world), Ok(Found::NotConfigured(reason.to_owned())));
    assert!(world.requests.borrow().is_empty());
}

#[test]
fn ecs_is_asked_once_by_its_path_and_with_its_query() {
    let world = TestWorld::with_environment(&[ECS_SETTING, EKS_SETTING]).answer(200, &[], DOCUMENT);
    assert_eq!(found(&world), Ok(Found::Credentials(credentials())));
    let expected = Request {
        method: Method::Get,
        scheme: Scheme::Http,
        authority: "169.254.170.2".to_owned(),
        path: "/creds?a=1".to_owned(),
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: Vec::new(),
        patience: Patience { connection: Some(Duration::from_secs(2)), answer: Some(Duration::from_secs(5)) },
    };
    assert_eq!(*world.requests.borrow(), [expected]);
}

#[test]
fn the_token_of_the_file_goes_before_that_of_the_variable_and_neither_is_changed() {
    let of_file = TestWorld::with_environment(&[EKS_SETTING, (TOKEN_FILE, TOKEN_PATH), (TOKEN, "variable")])
        .file(TOKEN_PATH, " Bearer file ");
    let of_variable = TestWorld::with_environment(&[EKS_SETTING, (TOKEN, " Basic variable")]);
    for (world, token) in [(of_file, " Bearer file "), (of_variable, " Basic variable")] {
        let world = world.answer(200, &[], DOCUMENT);
        found(&world).unwrap();
        let requests = world.requests.borrow();
        let header = requests[0].headers.iter().find(|(name, _)| name == "authorization");
        assert_eq!(header.map(|(_, value)| value.as_str()), Some(token));
    }
}

#[test]
fn a_token_file_is_read_by_every_lookup() {
    let world = TestWorld::with_environment(&[EKS_SETTING, (TOKEN_FILE, TOKEN_PATH)])
        .file(TOKEN_PATH, "first")
        .answer(200, &[], DOCUMENT)
        .answer(200, &[], DOCUMENT);
    found(&world).unwrap();
    let world = world.file(TOKEN_PATH, "second");
    found(&world).unwrap();
    let sent: Vec<_> = world.requests.borrow().iter().map(|request| request.headers[1].1.clone()).collect();
    assert_eq!(sent, ["first", "second"]);
}

#[test]
fn a_token_that_cannot_be_read_or_sent_is_an_error_of_its_setting_and_nothing_is_asked() {
    let with_file = || TestWorld::with_environment(&[EKS_SETTING, (TOKEN_FILE, TOKEN_PATH), (TOKEN, "variable")]);
    let unreadable = FileError::Unreadable("Is a directory".to_owned());
    for (world, text) in [
        (
            with_file(),
            "TOKEN_FILE is unusable: /var/run/secrets/token cannot be read (no such file): make it a text that",
        ),
        (with_file().no_file(TOKEN_PATH, FileError::NotGranted), "cannot be read (not granted): "),
        (with_file().no_file(TOKEN_PATH, unreadable), "cannot be read (not readable: Is a directory): "),
        (with_file().file(TOKEN_PATH, "hunter2\n"), "TOKEN_FILE is unusable: the token has a line break"),
        (with_file().file(TOKEN_PATH, ""), "TOKEN_FILE is unusable: the token is empty"),
        (
            TestWorld::with_environment(&[EKS_SETTING, (TOKEN, "hunter2\r\nx: y")]),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN is unusable: the token has a line break",
        ),
    ] {
        let Error::Invalid(told) = failure(&world) else { panic!("{text}") };
        assert!(told.contains(text) && !told.contains("hunter2"), "{told}");
        assert!(world.requests.borrow().is_empty());
    }
}

#[test]
fn a_uri_that_leads_to_no_request_is_an_error_of_its_setting() {
    for (setting, uri) in [
        (RELATIVE_URI, "creds"),
        (RELATIVE_URI, "http://169.254.170.2/creds"),
        (RELATIVE_URI, "/cr eds"),
        (RELATIVE_URI, "/creds#part"),
        (FULL_URI, "/creds"),
        (FULL_URI, "ftp://localhost/creds"),
        (FULL_URI, "http://user@localhost/creds"),
        (FULL_URI, "http:///creds"),
        (FULL_URI, "http://localhost/creds#part"),
        (FULL_URI, "http://localhost#part"),
    ] {
        let world = TestWorld::with_environment(&[(setting, uri)]);
        let Error::Invalid(text) = failure(&world) else { panic!("{uri}") };
        assert!(text.starts_with(&format!("{setting} is unusable: ")), "{text}");
        assert!(world.requests.borrow().is_empty());
    }
}

#[test]
fn a_full_uri_is_asked_as_it_stands() {
    for (uri, scheme, authority, path) in [
        ("https://Keys.example", Scheme::Https, "keys.example", "/"),
        ("https://keys.example?a=b", Scheme::Https, "keys.example", "/?a=b"),
        ("https://keys.example:8443/a/?b=/c", Scheme::Https, "keys.example:8443", "/a/?b=/c"),
        ("http://localhost:8080/a", Scheme::Http, "localhost:8080", "/a"),
        ("http://127.1.20.255/a", Scheme::Http, "127.1.20.255", "/a"),
        ("http://[::1]:80/a", Scheme::Http, "[::1]", "/a"),
        ("http://[fd00:ec2::23]/a", Scheme::Http, "[fd00:ec2::23]", "/a"),
    ] {
        let world = TestWorld::with_environment(&[(FULL_URI, uri)]).answer(200, &[], DOCUMENT);
        found(&world).unwrap();
        let request = &world.requests.borrow()[0];
        assert_eq!((request.scheme, request.authority.as_str(), request.path.as_str()), (scheme, authority, path));
    }
}

#[test]
fn without_tls_no_other_host_is_asked() {
    for host in [
        "169.254.169.254",
        "169.254.170.22",
        "10.0.0.1",
        "127.0.0.1.example.com",
        "127.1",
        "localhost.example.com",
        "notlocalhost",
        "127.0.0.256",
        "127.0.0.01",
        "127.0.0",
        "127.0.0.0.1",
        "127.0.0.",
        "126.0.0.1",
        "[::2]",
        "[::ffff:127.0.0.1]",
        "[fd00:ec2::254]",
        "169.254.170.2.example.com:80",
    ] {
        let world = TestWorld::with_environment(&[(FULL_URI, &format!("http://{host}/a"))]);
        let Error::Invalid(text) = failure(&world) else { panic!("{host}") };
        assert!(text.starts_with("AWS_CONTAINER_CREDENTIALS_FULL_URI is unusable: without TLS only "), "{text}");
        assert!(world.requests.borrow().is_empty());
    }
}

#[test]
fn what_may_pass_is_asked_for_again() {
    let world = TestWorld::with_environment(&[ECS_SETTING, ("AWS_MAX_ATTEMPTS", "7")])
        .no_answer(HttpError::Connection("refused".to_owned()))
        .no_answer(HttpError::Timeout)
        .answer(500, &[], "")
        .answer(599, &[], "")
        .answer(429, &[], "")
        .answer(200, &[], "<html>")
        .answer(200, &[], DOCUMENT);
    assert_eq!(found(&world), Ok(Found::Credentials(credentials())));
    assert_eq!((world.requests.borrow().len(), world.sleeps.borrow().len()), (7, 6));
}

#[test]
fn what_does_not_pass_is_an_error_of_its_class_with_the_setting() {
    let refused = || HttpError::Connection("refused".to_owned());
    let repeat = |add: &dyn Fn(TestWorld) -> TestWorld| {
        (0..3).fold(TestWorld::with_environment(&[EKS_SETTING]), |world, _| add(world))
    };
    let code = r#"{"code": "ErrorCode", "message": "Helpful.\nhunter2"}"#;
    type Class = fn(String) -> Error;
    let cases: [(TestWorld, usize, Class, &str); 12] = [
        (
            repeat(&|world| world.no_answer(refused())),
            3,
            Error::Unavailable,
            "failed: no connection: refused; check that the service",
        ),
        (
            repeat(&|world| world.no_answer(HttpError::Timeout)),
            3,
            Error::Unavailable,
            "failed: no answer in time; check",
        ),
        (
            repeat(&|world| world.answer(503, &[], code)),
            3,
            Error::Unavailable,
            "failed: ErrorCode: Helpful (HTTP status 503); try",
        ),
        (
            repeat(&|world| world.answer(429, &[], "")),
            3,
            Error::Throttled,
            "was throttled (HTTP status 429); try again later",
        ),
        (
            repeat(&|world| world.answer(200, &[], "[]")),
            3,
            Error::Invalid,
            "answered with something that is not JSON; check",
        ),
        (repeat(&|world| world.no_answer(HttpError::Tls(String::new()))), 1, Error::Unavailable, "(AWS_CA_BUNDLE)"),
        (
            repeat(&|world| world.no_answer(HttpError::Refused)),
            1,
            Error::Invalid,
            "allow it with --allow (KEYWARD_ALLOW)",
        ),
        (repeat(&|world| world.no_answer(HttpError::TooLarge)), 1, Error::Invalid, "check what answers there"),
        (
            repeat(&|world| world.answer(401, &[], "")),
            1,
            Error::Denied,
            "was denied (HTTP status 401); check whether it wants AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ),
        (
            repeat(&|world| world.answer(403, &[], code)),
            1,
            Error::Denied,
            "was denied: ErrorCode: Helpful (HTTP status 403)",
        ),
        (repeat(&|world| world.answer(404, &[], "")), 1, Error::Invalid, "failed (HTTP status 404)"),
        (
            repeat(&|world| world.answer(200, &[], code)),
            1,
            Error::Invalid,
            "failed: ErrorCode: Helpful (HTTP status 200)",
        ),
    ];
    for (world, requests, class, text) in cases {
        let error = failure(&world);
        let told = error.to_string();
        assert_eq!(error, class(told.clone()), "{text}");
        assert!(told.contains(text) && told.contains(FULL_URI) && !told.contains("hunter2"), "{told}");
        assert!(told.starts_with("the container credentials service at 169.254.170.23 "), "{told}");
        assert_eq!(world.requests.borrow().len(), requests, "{told}");
    }
}

#[test]
fn a_token_that_the_service_repeats_is_not_repeated_again() {
    let world = TestWorld::with_environment(&[EKS_SETTING, (TOKEN, "hunter2")]).answer(
        400,
        &[],
        r#"{"code": "bad-hunter2", "message": "no hunter2 here"}"#,
    );
    let text = failure(&world).to_string();
    assert!(text.contains("bad-[redacted]: no [redacted] here") && !text.contains("hunter2"), "{text}");
}

#[test]
fn the_query_of_a_uri_is_in_no_error() {
    let world = TestWorld::with_environment(&[(FULL_URI, "https://keys.example/a?key=hunter2")]).answer(404, &[], "");
    assert!(!failure(&world).to_string().contains("hunter2"));
}
