use super::*;

use std::cell::RefCell;

pub(crate) fn credential(username: &str, password: &str) -> Credential {
    Credential::new(username, password.to_owned(), None)
}

/// A backend that answers what it was told to, and keeps in mind what it was asked.
struct Scripted {
    compat: bool,
    store: Store,
    answer: Answer,
    asked: RefCell<Vec<String>>,
}

impl Scripted {
    fn answering(answer: impl Into<Answer>) -> Self {
        Self { compat: false, store: Store::Ignore, answer: answer.into(), asked: RefCell::default() }
    }

    fn failing(error: Error) -> Self {
        Self::answering(Err(error.into()))
    }
}

impl Backend for &Scripted {
    fn compat(&self) -> bool {
        self.compat
    }

    fn store(&self) -> Store {
        self.store
    }

    fn resolve(&self, server: &str) -> Answer {
        self.asked.borrow_mut().push(format!("resolve {server}"));
        self.answer.clone()
    }

    fn list(&self) -> BTreeMap<String, String> {
        ["b.example", "a.example"].map(|host| (host.to_owned(), "AWS".to_owned())).into()
    }

    fn forget(&self, server: &str) {
        self.asked.borrow_mut().push(format!("forget {server}"));
    }
}

#[derive(Debug)]
struct Served {
    status: u8,
    output: String,
    errors: String,
}

fn serve_opening<B: Backend>(arguments: &[&str], input: &[u8], open: impl FnOnce() -> Result<B, String>) -> Served {
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let invocation = Invocation { name: "docker-credential-keyward", arguments: &arguments };
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let status = serve(&invocation, &mut &*input, &mut output, &mut errors, open).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Served { status, output: text(output), errors: text(errors) }
}

fn serve_with(arguments: &[&str], input: &[u8], backend: &Scripted) -> Served {
    serve_opening(arguments, input, || Ok(backend))
}

/// The answer of what needs no backend.
fn serve_alone(arguments: &[&str], input: &[u8]) -> (u8, String) {
    let served = serve_opening::<&Scripted>(arguments, input, || panic!("opened the backend"));
    assert_eq!(served.errors, "");
    (served.status, served.output)
}

#[test]
fn get_prints_one_line_as_go_encodes_it() {
    let backend = Scripted::answering(Ok(credential("AWS", "p<\u{2028}\"w")));
    let served = serve_with(&["get"], b"  https://r.example/<v2>&\xff\r\n", &backend);
    assert_eq!(*backend.asked.borrow(), ["resolve https://r.example/<v2>&\u{fffd}"]);
    assert_eq!(
        served.output,
        "{\"ServerURL\":\"https://r.example/\\u003cv2\\u003e\\u0026\\ufffd\",\"Username\":\"AWS\",\"Secret\":\"p\\u003c\\u2028\\\"w\"}\n"
    );
    assert_eq!((served.status, served.errors.as_str()), (0, ""));
}

#[test]
fn not_found_is_said_of_other_registries_and_missing_credentials_alone() {
    for (error, detail) in [(Error::NotOurRegistry, ""), (Error::NoCredentials("no source".to_owned()), "no source\n")]
    {
        let served = serve_with(&["get"], b"r.example", &Scripted::failing(error));
        assert_eq!((served.status, served.output.as_str()), (1, "credentials not found in native keychain\n"));
        assert_eq!(served.errors, detail);
    }
    let served = serve_with(&["get"], b"r.example", &Scripted::failing(Error::Denied("AccessDenied".to_owned())));
    assert_eq!(
        (served.status, served.output.as_str(), served.errors.as_str()),
        (1, "AccessDenied\n", "AccessDenied\n")
    );
}

#[test]
fn where_it_is_wanted_every_failure_is_not_found_with_the_detail_on_standard_error() {
    for error in [
        Error::Denied("AccessDenied".to_owned()),
        Error::Timeout { deadline: std::time::Duration::from_secs(5), waiting_for: None },
    ] {
        let backend = Scripted { compat: true, ..Scripted::failing(error.clone()) };
        let served = serve_with(&["get"], b"r.example", &backend);
        assert_eq!((served.status, served.output.as_str()), (1, "credentials not found in native keychain\n"));
        assert_eq!(served.errors, format!("{error}\n"));
    }
}

#[test]
fn settings_that_are_wrong_are_said_by_every_action_that_needs_them() {
    let credentials = br#"{"ServerURL":"r.example","Username":"AWS","Secret":"s"}"#;
    for (action, input) in
        [("get", &b"r.example"[..]), ("erase", b"r.example"), ("store", credentials), ("list", b"unused")]
    {
        let served = serve_opening::<&Scripted>(&[action], input, || Err("set it to seconds".to_owned()));
        assert_eq!(
            (served.status, served.output.as_str(), served.errors.as_str()),
            (1, "set it to seconds\n", "set it to seconds\n"),
            "{action}"
        );
    }
}

#[test]
fn an_empty_or_blank_input_is_a_missing_server() {
    for input in [&b""[..], b" ", b"\n\n", b" \r\n\t"] {
        for action in ["get", "erase"] {
            assert_eq!(serve_alone(&[action], input), (1, "no credentials server URL\n".to_owned()));
        }
    }
}

#[test]
fn several_lines_are_one_address_as_in_the_reference() {
    let backend = Scripted::failing(Error::NotOurRegistry);
    assert_eq!(serve_with(&["get"], b"r.exa\nmple\n", &backend).status, 1);
    assert_eq!(*backend.asked.borrow(), ["resolve r.example"]);
}

#[test]
fn an_endless_line_is_refused_before_it_is_read_to_its_end() {
    let arguments = ["get".into()];
    let invocation = Invocation { name: "docker-credential-keyward", arguments: &arguments };
    let mut output = Vec::new();
    let open = || -> Result<&Scripted, String> { panic!("opened the backend") };
    let status = serve(&invocation, &mut io::repeat(b'x'), &mut output, &mut io::sink(), open).unwrap();
    assert_eq!((status, output.as_slice()), (1, &b"bufio.Scanner: token too long\n"[..]));
}

#[test]
fn a_stream_that_fails_is_an_error_of_its_own() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let arguments = ["get".into()];
    let invocation = Invocation { name: "docker-credential-keyward", arguments: &arguments };
    let open = || -> Result<&Scripted, String> { panic!("opened the backend") };
    let failed = serve(&invocation, &mut Failing, &mut io::sink(), &mut io::sink(), open).unwrap_err();
    assert_eq!(failed.to_string(), "gone");
}

#[test]
fn store_and_erase_keep_nothing_and_say_nothing() {
    let credentials = br#"{"ServerURL":"r.example","Username":"AWS","Secret":"s"}"#;
    let backend = Scripted::failing(Error::NotOurRegistry);
    for (action, input) in [("store", &credentials[..]), ("erase", b" r.example\n")] {
        let served = serve_with(&[action], input, &backend);
        assert_eq!((served.status, served.output.as_str(), served.errors.as_str()), (0, "", ""), "{action}");
    }
    assert_eq!(*backend.asked.borrow(), ["forget r.example"]);
}

#[test]
fn where_they_are_to_be_refused_store_and_erase_are_not_implemented_and_erase_forgets_still() {
    let credentials = br#"{"ServerURL":"r.example","Username":"AWS","Secret":"s"}"#;
    let backend = Scripted { store: Store::Refuse, ..Scripted::failing(Error::NotOurRegistry) };
    for (action, input) in [("store", &credentials[..]), ("erase", b"r.example")] {
        let served = serve_with(&[action], input, &backend);
        assert_eq!((served.status, served.output.as_str()), (1, "not implemented\n"), "{action}");
        assert_eq!(
            served.errors,
            "what clients want to be kept or erased is refused, as the settings say: see KEYWARD_STORE\n"
        );
    }
    assert_eq!(*backend.asked.borrow(), ["forget r.example"]);
}

#[test]
fn store_checks_what_the_reference_checks() {
    for (input, text) in [
        (r#"{"Username":"AWS","Secret":"s"}"#, "no credentials server URL\n"),
        (r#"{"ServerURL":"","Username":"AWS"}"#, "no credentials server URL\n"),
        (r#"{"ServerURL":"r.example","Secret":"hunter2"}"#, "no credentials username\n"),
        ("null", "no credentials server URL\n"),
        ("hunter2", "the credentials to store are not JSON\n"),
        ("", "EOF\n"),
    ] {
        assert_eq!(serve_alone(&["store"], input.as_bytes()), (1, text.to_owned()));
    }
}

#[test]
fn list_has_what_is_at_hand_and_resolves_nothing() {
    let backend = Scripted::failing(Error::NotOurRegistry);
    let served = serve_with(&["list"], b"unused", &backend);
    assert_eq!(served.output, "{\"https://a.example\":\"AWS\",\"https://b.example\":\"AWS\"}\n");
    assert_eq!((served.status, served.errors.as_str()), (0, ""));
    assert!(backend.asked.borrow().is_empty());
}

#[test]
fn version_help_and_wrong_use_need_neither_input_nor_settings() {
    let version = concat!("docker-credential-keyward (keyward) ", env!("CARGO_PKG_VERSION"), "\n").to_owned();
    let usage = "Usage: docker-credential-keyward <store|get|erase|list|version>\n".to_owned();
    for (arguments, answer) in [
        (&["version"][..], (0, version.clone())),
        (&["--version"], (0, version.clone())),
        (&["-v"], (0, version)),
        (&["--help"], (0, usage.clone())),
        (&["-h"], (0, usage.clone())),
        (&[], (1, usage.clone())),
        (&["get", "r.example"], (1, usage)),
        (&["foo"], (1, "docker-credential-keyward: unknown action: foo\n".to_owned())),
        (&[""], (1, "docker-credential-keyward: unknown action: \n".to_owned())),
        (&["GET"], (1, "docker-credential-keyward: unknown action: GET\n".to_owned())),
    ] {
        assert_eq!(serve_alone(arguments, b""), answer, "{arguments:?}");
    }
}
