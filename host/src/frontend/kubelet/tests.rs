use super::*;

const NOW: u64 = 1_700_000_000;
const HOST: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const ROLE: &str = "arn:aws:iam::123456789012:role/puller";
const TOKEN: &str = "hunter2.payload.signature";

struct Served {
    status: u8,
    output: String,
    errors: String,
}

fn serve_with(input: &[u8], resolve: impl FnOnce(&Pull) -> Result<Credential, Failure>) -> Served {
    let resolve = |pull: &Pull| resolve(pull).map(|credential| Found { credential, is_for_image: false });
    serve_found(input, resolve)
}

fn serve_found(input: &[u8], resolve: impl FnOnce(&Pull) -> Result<Found, Failure>) -> Served {
    serve_by_lot(0, input, resolve)
}

fn serve_by_lot(lot: u16, input: &[u8], resolve: impl FnOnce(&Pull) -> Result<Found, Failure>) -> Served {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let status = serve(&mut &*input, &mut output, &mut errors, || NOW, lot, resolve).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Served { status, output: text(output), errors: text(errors) }
}

fn request(version: &str, image: &str) -> String {
    format!(
        "{{\"kind\":\"CredentialProviderRequest\",\"apiVersion\":\"credentialprovider.kubelet.k8s.io/{version}\",\
         \"image\":\"{image}\"}}\n"
    )
}

/// A request of `v1`, with more fields.
fn request_with(fields: &str) -> String {
    request("v1", &format!("{HOST}/image")).replace("}\n", &format!(",{fields}}}\n"))
}

/// A credential with so many seconds to live.
fn credential(left: Option<i64>) -> Credential {
    Credential::new("AWS", "p<w".to_owned(), left.map(|left| NOW.saturating_add_signed(left)))
}

/// What was asked for, of a request that is answered.
fn pull(input: &str) -> Pull {
    let mut asked = None;
    let served = serve_with(input.as_bytes(), |pull| {
        asked = Some(Pull {
            version: pull.version,
            image: pull.image.clone(),
            registry: pull.registry.clone(),
            service_account: pull.service_account.clone(),
        });
        Ok(credential(None))
    });
    assert_eq!((served.status, served.errors.as_str()), (0, ""), "{input}");
    asked.unwrap()
}

/// The message to a request that nobody looks anything up for.
fn refusal(input: &[u8]) -> String {
    let served = serve_with(input, |pull| panic!("looked up {pull:?}"));
    assert_eq!((served.status, served.output.as_str()), (1, ""), "{:?}", String::from_utf8_lossy(input));
    assert_eq!(served.errors.lines().count(), 1, "{}", served.errors);
    assert!(!served.errors.contains("hunter2"), "something of the request is in {}", served.errors);
    served.errors.trim_end().strip_prefix("error: ").unwrap().to_owned()
}

#[test]
fn the_response_has_the_version_of_the_request_and_the_bytes_that_go_would_write() {
    for version in ["v1", "v1beta1", "v1alpha1"] {
        let input = request(version, &format!("{HOST}/team/image"));
        let served = serve_with(input.as_bytes(), |pull| {
            assert_eq!((pull.registry.as_str(), &pull.service_account), (HOST, &None));
            Ok(credential(Some(12 * 3600)))
        });
        let expected = format!(
            "{{\"kind\":\"CredentialProviderResponse\",\"apiVersion\":\"credentialprovider.kubelet.k8s.io/{version}\",\
             \"cacheKeyType\":\"Registry\",\"cacheDuration\":\"6h0m0s\",\
             \"auth\":{{\"{HOST}\":{{\"username\":\"AWS\",\"password\":\"p\\u003cw\"}}}}}}\n"
        );
        assert_eq!((served.status, served.output, served.errors.as_str()), (0, expected, ""));
    }
}

#[test]
fn the_kubelet_keeps_a_credential_for_half_of_what_is_left_of_its_life() {
    for (left, text) in [
        (Some(12 * 3600), "6h0m0s"),
        (Some(12 * 3600 - 1), "5h59m59s"),
        (Some(660), "5m30s"),
        (Some(120), "1m0s"),
        (Some(119), "59s"),
        (Some(1), "0s"),
        (Some(0), "0s"),
        (Some(-1), "0s"),
        (Some(-3600), "0s"),
        (None, "0s"),
        // Not more than Go can read.
        (Some(i64::MAX), "2562047h47m16s"),
    ] {
        let served = serve_with(request("v1", HOST).as_bytes(), |_| Ok(credential(left)));
        let response: serde_json::Value = serde_json::from_str(&served.output).unwrap();
        assert_eq!((&response["cacheDuration"], served.status), (&text.into(), 0), "{left:?}");
        assert_eq!(response["auth"][HOST]["username"], "AWS", "{left:?}");
    }
}

#[test]
fn kubelets_that_ask_in_the_same_moment_ask_again_in_the_course_of_an_hour() {
    let kept = |lot: u16, left: i64| {
        let found = |_: &Pull| Ok(Found { credential: credential(Some(left)), is_for_image: false });
        let served = serve_by_lot(lot, request("v1", HOST).as_bytes(), found);
        let response: serde_json::Value = serde_json::from_str(&served.output).unwrap();
        response["cacheDuration"].as_str().unwrap().to_owned()
    };
    let twelve_hours = 12 * 3600;
    assert_eq!(kept(0, twelve_hours), "6h0m0s");
    assert_eq!(kept(1 << 15, twelve_hours), "5h30m0s");
    assert_eq!(kept(u16::MAX, twelve_hours), "5h0m1s");
    assert_eq!(kept(u16::MAX, 1), "0s");
    // Not more than a number can be.
    assert_eq!(kept(u16::MAX, i64::MAX), "2562047h47m16s");
}

#[test]
fn a_credential_that_is_not_for_every_image_of_the_registry_is_kept_for_the_image_alone() {
    for (is_for_image, key) in [(true, "Image"), (false, "Registry")] {
        let found = |_: &Pull| Ok(Found { credential: credential(Some(60)), is_for_image });
        let served = serve_found(request("v1", &format!("{HOST}/team/x")).as_bytes(), found);
        let response: serde_json::Value = serde_json::from_str(&served.output).unwrap();
        assert_eq!(response["cacheKeyType"], key);
        assert_eq!(response["auth"][HOST]["username"], "AWS");
    }
}

#[test]
fn the_registry_of_an_image_has_its_port_and_nothing_behind_it() {
    for (image, registry) in [
        (HOST.to_owned(), HOST.to_owned()),
        (format!("{HOST}/a/b:1.2"), HOST.to_owned()),
        (format!("{HOST}:443/a@sha256:00ff"), format!("{HOST}:443")),
        ("localhost:5000/a".to_owned(), "localhost:5000".to_owned()),
    ] {
        let asked = pull(&request("v1", &image));
        assert_eq!((&asked.image, &asked.registry), (&image, &registry));
        let served = serve_with(request("v1", &image).as_bytes(), |_| Ok(credential(None)));
        assert!(served.output.contains(&format!("\"auth\":{{\"{registry}\":{{")), "{}", served.output);
    }
}

const NOTHING: &str = "{\"kind\":\"CredentialProviderResponse\",\"apiVersion\":\"credentialprovider.kubelet.k8s.io/v1\",\
                       \"cacheKeyType\":\"Registry\",\"cacheDuration\":\"0s\",\"auth\":null}\n";

#[test]
fn a_registry_of_somebody_else_gets_no_credential_and_that_is_not_kept() {
    let served =
        serve_with(request("v1", "docker.io/library/busybox").as_bytes(), |_| Err(Error::NotOurRegistry.into()));
    assert_eq!((served.status, served.output.as_str(), served.errors.as_str()), (0, NOTHING, ""));
}

/// The key of a credential is a pattern to the kubelet.
#[test]
fn a_host_that_would_be_a_pattern_is_not_even_asked_for() {
    for image in [
        "*.example/x",
        "registr[xy].example/x",
        "r?.example/x",
        "[::1]:5000/x",
        "r.example:/x",
        "r:5000:1/x",
        ":5000/x",
    ] {
        let served = serve_with(request("v1", image).as_bytes(), |pull| panic!("looked up {pull:?}"));
        assert_eq!((served.status, served.output.as_str(), served.errors.as_str()), (0, NOTHING, ""), "{image}");
    }
}

#[test]
fn without_credentials_the_public_registry_is_pulled_from_anonymously_and_a_private_one_is_not() {
    let without = |image: &str| {
        serve_with(request("v1", image).as_bytes(), |_| Err(Error::NoCredentials("no source".to_owned()).into()))
    };
    for image in ["public.ecr.aws/docker/library/busybox", "ecr-public.aws.com/x"] {
        let served = without(image);
        assert_eq!((served.status, served.output.as_str(), served.errors.as_str()), (0, NOTHING, ""));
    }
    let served = without(&format!("{HOST}/x"));
    assert_eq!((served.status, served.output.as_str(), served.errors.as_str()), (1, "", "error: no source\n"));
}

#[test]
fn a_failure_is_one_line_of_the_log_and_never_a_response() {
    for error in [
        Error::Denied("AccessDenied".to_owned()),
        Error::Throttled("slower".to_owned()),
        Error::Unavailable("gone".to_owned()),
        Error::Timeout { deadline: std::time::Duration::from_secs(5), waiting_for: None },
    ] {
        for image in [HOST, "public.ecr.aws/x"] {
            let served = serve_with(request("v1", image).as_bytes(), |_| Err(error.clone().into()));
            assert_eq!((served.status, served.output.as_str()), (1, ""));
            assert_eq!(served.errors, format!("error: {error}\n"));
        }
    }
}

#[test]
fn a_service_account_comes_with_its_token_and_the_role_that_it_names() {
    let account = |fields: &str| pull(&request_with(fields)).service_account;
    let annotation = |value: &str| {
        format!("\"serviceAccountAnnotations\":{{\"other\":\"x\",\"eks.amazonaws.com/ecr-role-arn\":\"{value}\"}}")
    };
    let token = format!("\"serviceAccountToken\":\"{TOKEN}\"");
    let both = account(&format!("{token},{}", annotation(ROLE))).unwrap();
    assert_eq!((both.token.expose(), both.role), (TOKEN, Some(ROLE.parse().unwrap())));
    // Templates of clusters leave an annotation empty.
    for fields in
        [token.clone(), format!("{},{token}", annotation("")), format!("{token},\"serviceAccountAnnotations\":{{}}")]
    {
        let account = account(&fields).unwrap();
        assert_eq!((account.token.expose(), account.role), (TOKEN, None), "{fields}");
    }
    for fields in ["\"serviceAccountToken\":\"\"", "\"serviceAccountAnnotations\":{\"other\":\"x\"}"] {
        assert_eq!(account(fields), None, "{fields}");
    }
    assert!(!format!("{:?}", pull(&request_with(&token))).contains("hunter2"));
}

#[test]
fn a_role_that_cannot_be_assumed_is_refused_before_anything_is_looked_up() {
    let annotation =
        |value: &str| format!("\"serviceAccountAnnotations\":{{\"eks.amazonaws.com/ecr-role-arn\":\"{value}\"}}");
    let token = "\"serviceAccountToken\":\"t\"";
    for value in
        ["hunter2", " ", "arn:aws:iam::123456789012:user/hunter2", "arn:aws:iam::123456789012:role/x\\nhunter2"]
    {
        let text = refusal(request_with(&format!("{token},{}", annotation(value))).as_bytes());
        assert!(
            text.starts_with("the annotation eks.amazonaws.com/ecr-role-arn of the service account is not"),
            "{text}"
        );
    }
    for fields in [annotation(ROLE), format!("{},\"serviceAccountToken\":\"\"", annotation(ROLE))] {
        let text = refusal(request_with(&fields).as_bytes());
        assert!(
            text.starts_with(
                "the service account has the annotation eks.amazonaws.com/ecr-role-arn and the request no"
            )
        );
    }
}

#[test]
fn what_is_not_a_request_of_the_kubelet_is_refused_and_nothing_of_it_is_repeated() {
    let not_json = "the request is not an object of JSON with kind and apiVersion";
    let fields = "the request is not one of credentialprovider.kubelet.k8s.io/v1 (";
    let of_old = |version: &str| format!("the request is not one of credentialprovider.kubelet.k8s.io/{version} (");
    let kind = "the request's kind is not CredentialProviderRequest";
    let api_version = "the request's apiVersion is not known";
    let good = request("v1", "hunter2/x");
    for (input, text) in [
        (String::new(), not_json),
        ("hunter2".to_owned(), not_json),
        ("\"hunter2\"".to_owned(), not_json),
        ("null".to_owned(), not_json),
        ("{}".to_owned(), not_json),
        ("[\"CredentialProviderRequest\",\"credentialprovider.kubelet.k8s.io/v1\",\"hunter2\"]".to_owned(), not_json),
        (good.replace('}', ""), not_json),
        (format!("{good}hunter2"), not_json),
        (format!("{good}{good}"), not_json),
        (format!("\u{feff}{good}"), not_json),
        (good.replace("\"kind\":\"CredentialProviderRequest\",", ""), not_json),
        (good.replace("\"kind\":\"CredentialProviderRequest\"", "\"kind\":null"), not_json),
        (good.replace("\"kind\"", "\"Kind\""), not_json),
        (good.replace("{\"kind\"", "{\"kind\":\"CredentialProviderRequest\",\"kind\""), not_json),
        (good.replace("ProviderRequest", "ProviderResponse"), kind),
        (good.replace("CredentialProviderRequest", "hunter2"), kind),
        (good.replace("/v1", "/v2"), api_version),
        (good.replace("/v1", ""), api_version),
        (good.replace("credentialprovider.kubelet", "hunter2"), api_version),
        (good.replace("\"image\":\"hunter2/x\"", "\"image\":null"), fields),
        (good.replace("\"image\":\"hunter2/x\"", "\"image\":7"), fields),
        (good.replace("\"image\":\"hunter2/x\"", "\"Image\":\"hunter2/x\""), fields),
        (good.replace("\"image\"", "\"image\":\"x\",\"image\""), fields),
        (good.replace("}\n", ",\"hunter2\":1}"), fields),
        (good.replace("hunter2/x", ""), "the request names no image"),
        (good.replace("hunter2/x", "/hunter2"), "the request names no image"),
        (request_with("\"serviceAccountToken\":7"), fields),
        (request_with("\"serviceAccountToken\":[\"hunter2\"]"), fields),
        (request_with("\"serviceAccountToken\":\"hunter2\",\"serviceAccountToken\":\"hunter2\""), fields),
        (request_with("\"serviceAccountAnnotations\":[\"hunter2\"]"), fields),
        (request_with("\"serviceAccountAnnotations\":{\"hunter2\":7}"), fields),
        (request_with("\"serviceAccountAnnotations\":{\"hunter2\":\"1\",\"hunter2\":\"2\"}"), fields),
    ] {
        let refused = refusal(input.as_bytes());
        assert!(refused.starts_with(text), "{input:?}: {refused}");
    }
    assert!(refusal(b"{\"kind\":\"\xff\"}").starts_with(not_json));
    for version in ["v1beta1", "v1alpha1"] {
        for field in
            ["\"serviceAccountToken\":\"hunter2\"", "\"serviceAccountToken\":null", "\"serviceAccountAnnotations\":{}"]
        {
            let input = request(version, HOST).replace("}\n", &format!(",{field}}}\n"));
            let refused = refusal(input.as_bytes());
            assert!(refused.starts_with(&of_old(version)), "{input:?}: {refused}");
        }
    }
}

#[test]
fn an_endless_request_is_refused_before_it_is_read_to_its_end() {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let resolve = |pull: &Pull| panic!("looked up {pull:?}");
    let status = serve(&mut io::repeat(b' '), &mut output, &mut errors, || NOW, 0, resolve).unwrap();
    assert_eq!((status, output.as_slice()), (1, &b""[..]));
    assert!(errors.starts_with(b"error: the request is longer than 1048576 bytes"));
    // All that an object can have of annotations passes.
    let long = request_with(&format!("\"serviceAccountAnnotations\":{{\"x\":\"{}\"}}", "x".repeat(1024 * 1024 - 300)));
    assert_eq!(pull(&long).service_account, None);
}

#[test]
fn only_the_whole_name_is_that_of_the_provider() {
    assert!(is_provider("ecr-credential-provider"));
    for name in ["keyward", "ecr-credential-provider-v1", "my-ecr-credential-provider", "ECR-credential-provider"] {
        assert!(!is_provider(name), "{name}");
    }
}
