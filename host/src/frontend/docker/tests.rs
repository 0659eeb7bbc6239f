use super::*;

pub(crate) fn credential(username: &str, password: &str) -> Credential {
    Credential::new(username, password.to_owned(), None)
}

struct Served {
    status: u8,
    output: String,
    errors: String,
}

fn serve_with(arguments: &[&str], input: &[u8], resolve: impl FnOnce(&str) -> Result<Credential, Failure>) -> Served {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let invocation = Invocation { name: "docker-credential-keyward", arguments: &arguments };
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let status = serve(&invocation, &mut &*input, &mut output, &mut errors, resolve).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Served { status, output: text(output), errors: text(errors) }
}

fn serve_without_lookup(arguments: &[&str], input: &[u8]) -> (u8, String) {
    let served = serve_with(arguments, input, |server| panic!("looked up {server}"));
    assert_eq!(served.errors, "");
    (served.status, served.output)
}

#[test]
fn get_prints_one_line_as_go_encodes_it() {
    let served = serve_with(&["get"], b"  https://r.example/<v2>&\r\n", |server| {
        assert_eq!(server, "https://r.example/<v2>&");
        Ok(credential("AWS", "p<\u{2028}\"w"))
    });
    assert_eq!(
        served.output,
        "{\"ServerURL\":\"https://r.example/\\u003cv2\\u003e\\u0026\",\"Username\":\"AWS\",\"Secret\":\"p\\u003c\\u2028\\\"w\"}\n"
    );
    assert_eq!((served.status, served.errors.as_str()), (0, ""));
}

#[test]
fn not_found_is_said_of_other_registries_and_missing_credentials_alone() {
    for error in [Error::NotOurRegistry, Error::NoCredentials("no source".to_owned())] {
        let served = serve_with(&["get"], b"r.example", |_| Err(error.clone().into()));
        assert_eq!((served.status, served.output.as_str()), (1, "credentials not found in native keychain\n"));
        assert_eq!(served.errors, format!("{error}\n"));
    }
    let served = serve_with(&["get"], b"r.example", |_| Err(Error::Denied("AccessDenied".to_owned()).into()));
    assert_eq!(
        (served.status, served.output.as_str(), served.errors.as_str()),
        (1, "AccessDenied\n", "AccessDenied\n")
    );
}

#[test]
fn an_empty_or_blank_input_is_a_missing_server() {
    for input in [&b""[..], b" ", b"\n\n", b" \r\n\t"] {
        for action in ["get", "erase"] {
            assert_eq!(serve_without_lookup(&[action], input), (1, "no credentials server URL\n".to_owned()));
        }
    }
}

#[test]
fn several_lines_are_one_address_as_in_the_reference() {
    let served = serve_with(&["get"], b"r.exa\nmple\n", |server| {
        assert_eq!(server, "r.example");
        Err(Error::NotOurRegistry.into())
    });
    assert_eq!(served.status, 1);
}

#[test]
fn an_endless_input_is_refused_before_it_is_read_to_its_end() {
    let arguments = ["get".to_owned()];
    let invocation = Invocation { name: "docker-credential-keyward", arguments: &arguments };
    let mut output = Vec::new();
    let resolve = |server: &str| panic!("looked up {} bytes", server.len());
    let status = serve(&invocation, &mut io::repeat(b'x'), &mut output, &mut io::sink(), resolve).unwrap();
    assert_eq!(status, 1);
    assert!(output.starts_with(b"the input is longer than 65536 bytes"));
}

#[test]
fn store_and_erase_keep_nothing_and_say_nothing() {
    let credentials = br#"{"ServerURL":"r.example","Username":"AWS","Secret":"s"}"#;
    assert_eq!(serve_without_lookup(&["store"], credentials), (0, String::new()));
    assert_eq!(serve_without_lookup(&["erase"], b"r.example"), (0, String::new()));
}

#[test]
fn store_checks_what_the_reference_checks() {
    for (input, text) in [
        (r#"{"Username":"AWS","Secret":"s"}"#, "no credentials server URL\n"),
        (r#"{"ServerURL":"","Username":"AWS"}"#, "no credentials server URL\n"),
        (r#"{"ServerURL":"r.example","Secret":"hunter2"}"#, "no credentials username\n"),
        ("hunter2", "the credentials to store are not JSON\n"),
    ] {
        assert_eq!(serve_without_lookup(&["store"], input.as_bytes()), (1, text.to_owned()));
    }
}

#[test]
fn list_version_and_help_need_no_input() {
    let version = concat!("docker-credential-keyward (keyward) ", env!("CARGO_PKG_VERSION"), "\n").to_owned();
    let usage = "Usage: docker-credential-keyward <store|get|erase|list|version>\n".to_owned();
    for (arguments, answer) in [
        (&["list"][..], (0, "{}\n".to_owned())),
        (&["version"], (0, version.clone())),
        (&["--version"], (0, version.clone())),
        (&["-v"], (0, version)),
        (&["--help"], (0, usage.clone())),
        (&["-h"], (0, usage.clone())),
        (&[], (1, usage.clone())),
        (&["get", "r.example"], (1, usage)),
        (&["foo"], (1, "docker-credential-keyward: unknown action: foo\n".to_owned())),
    ] {
        assert_eq!(serve_without_lookup(arguments, b""), answer, "{arguments:?}");
    }
}
