//! The signer and the clock's text forms against independent implementations: the crates `aws-sigv4`, which is the
//! signer of the AWS SDK for Rust, and `time`.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as OracleCredentials;
use aws_sigv4::SigningOutput;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest as OracleRequest, SignatureLocation, SigningInstructions, SigningSettings,
    sign as oracle_sign,
};
use aws_sigv4::sign::v4::SigningParams;
use keyward_ecr::aws::ecr::get_authorization_token;
use keyward_ecr::credentials::Credentials;
use keyward_ecr::endpoint::{CustomEndpoint, Endpoint, Service, Settings};
use keyward_ecr::secret::Secret;
use keyward_ecr::sigv4::{PathStyle, Scope, SignableRequest, presign, sign};
use keyward_ecr::time::Timestamp;
use keyward_ecr::world::{FileError, HttpError, Request, Response, World};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use time::OffsetDateTime;
use time::macros::format_description;
use zeroize::Zeroizing;

/// The last second of the year 2100.
const END_OF_2100: u64 = 4_133_980_799;

/// The last second of the year 9999, after which a year no longer has four digits.
const END_OF_9999: u64 = 253_402_300_799;

/// How long presigned requests are good for.
const LIFETIME_SECONDS: u32 = 900;

/// Headers that the oracle never signs, or that either side adds by itself.
const RESERVED_HEADERS: [&str; 8] = [
    "authorization",
    "host",
    "transfer-encoding",
    "user-agent",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-user-agent",
    "x-amzn-trace-id",
];

proptest! {
    // The same cases in every run, and no files left in the tree. PROPTEST_CASES asks for more of them.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(1024),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x006b_6579_7761_7264),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_request_gets_the_headers_that_the_aws_sdk_adds(case in case()) {
        let mut added = case.sign();
        added.sort();
        prop_assert_eq!(added, case.oracle_headers(), "{}", case.url());
    }

    #[test]
    fn any_request_gets_the_signed_query_that_the_aws_sdk_makes(case in case()) {
        let query = case.presign();
        let signature = query.rsplit_once("X-Amz-Signature=").map(|(_, signature)| signature.to_owned());
        let oracle = case.oracle(SignatureLocation::QueryParams);
        prop_assert_eq!(signature.as_deref(), Some(oracle.signature()), "{}", case.url());
    }

    #[test]
    fn any_second_up_to_the_year_9999_is_written_as_the_crate_time_writes_it(seconds in 0..=END_OF_9999) {
        let time = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).unwrap()).unwrap();
        let description = format_description!("[year][month][day]T[hour][minute][second]Z");
        let timestamp = Timestamp { seconds };
        prop_assert_eq!(timestamp.basic_format(), time.format(&description).unwrap());
        prop_assert_eq!(timestamp.date(), time.format(&format_description!("[year][month][day]")).unwrap());
    }
}

#[test]
fn the_requests_that_the_product_sends_are_signed_as_the_aws_sdk_would() {
    let custom = CustomEndpoint { variable: "AWS_ENDPOINT_URL", url: "http://localhost:4566/a//b/../é/".to_owned() };
    let dual_stack = Settings { dual_stack: true, ..Settings::default() };
    let custom = Settings { custom: Some(custom), ..Settings::default() };
    for (service, region, settings) in [
        (Service::Ecr, "us-east-1", Settings::default()),
        (Service::Ecr, "eusc-de-east-1", Settings::default()),
        (Service::Ecr, "us-gov-west-1", Settings { fips: true, ..Settings::default() }),
        (Service::Ecr, "eu-central-1", dual_stack.clone()),
        (Service::EcrPublic, "us-east-1", Settings::default()),
        (Service::EcrPublic, "us-east-1", dual_stack),
        (Service::Ecr, "us-west-2", custom),
    ] {
        for token in [None, Some("FwoGZXIvYXdzEPT//////////wEaDHZ+bQ/k3w==")] {
            check_sent_request(&Endpoint::resolve(service, Some(region), &settings).unwrap(), token);
        }
    }
}

/// Asks an endpoint for a token, and has the oracle sign what was sent.
fn check_sent_request(endpoint: &Endpoint, token: Option<&str>) {
    let world = Recorder::default();
    let credentials = credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token);
    get_authorization_token(&world, endpoint, &credentials).unwrap_err();
    let sent = world.sent.take().expect("a request was sent");

    let (added, own): (Vec<_>, Vec<_>) = sent
        .headers
        .into_iter()
        .partition(|(name, _)| ["authorization", "x-amz-date", "x-amz-security-token"].contains(&name.as_str()));
    // Sent, and left unsigned on purpose: what carries the request may change them.
    let signed = |name: &str| !["content-length", "user-agent"].contains(&name);
    let case = Case {
        method: sent.method.as_str().to_owned(),
        authority: sent.authority,
        path: sent.path,
        query: None,
        headers: own.into_iter().filter(|(name, _)| signed(name)).collect(),
        body: sent.body,
        credentials,
        time: world.now(),
        region: endpoint.signing_region.clone(),
        service: endpoint.service.signing_name().to_owned(),
    };
    assert_eq!((case.method.as_str(), case.body.as_slice()), ("POST", b"{}".as_slice()));
    assert_eq!(case.headers.len(), 2, "{:?}", case.headers);
    let mut added = added;
    added.sort();
    assert_eq!(added, case.oracle_headers(), "{}", case.url());
}

/// A request, and what signs it.
#[derive(Clone, Debug)]
struct Case {
    method: String,
    authority: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    credentials: Credentials,
    time: Timestamp,
    region: String,
    service: String,
}

impl Case {
    fn sign(&self) -> Vec<(String, String)> {
        sign(&self.signable(&self.headers_with_host()), &self.credentials, &self.scope())
    }

    fn presign(&self) -> String {
        presign(&self.signable(&self.headers_with_host()), &self.credentials, &self.scope(), LIFETIME_SECONDS)
    }

    /// All headers that the oracle adds, sorted.
    fn oracle_headers(&self) -> Vec<(String, String)> {
        let (instructions, _) = self.oracle(SignatureLocation::Headers).into_parts();
        let mut headers: Vec<(String, String)> =
            instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        headers.sort();
        headers
    }

    /// What the oracle makes of the request, with its settings for all services but S3: the path is normalized and
    /// encoded twice, and the hash of the body is no header. These are its defaults.
    fn oracle(&self, location: SignatureLocation) -> SigningOutput<SigningInstructions> {
        let mut settings = SigningSettings::default();
        settings.signature_location = location;
        settings.expires_in =
            (location == SignatureLocation::QueryParams).then_some(Duration::from_secs(LIFETIME_SECONDS.into()));
        let identity = OracleCredentials::new(
            self.credentials.access_key_id.as_str(),
            self.credentials.secret_access_key.expose(),
            self.credentials.session_token.as_ref().map(|token| token.expose().to_owned()),
            None,
            "test",
        )
        .into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(SystemTime::UNIX_EPOCH + Duration::from_secs(self.time.seconds))
            .settings(settings)
            .build()
            .expect("the parameters are complete")
            .into();
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // The host header is not among these: the oracle makes its own from the URL.
        let request = OracleRequest::new(&self.method, self.url(), headers, SignableBody::Bytes(&self.body));
        oracle_sign(request.expect("the request is valid"), &parameters).expect("the request can be signed")
    }

    fn url(&self) -> String {
        let query = self.query.iter().map(|query| format!("?{query}")).collect::<String>();
        format!("https://{}{}{query}", self.authority, self.path)
    }

    fn headers_with_host(&self) -> Vec<(&str, &str)> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        headers.chain([("Host", self.authority.as_str())]).collect()
    }

    fn signable<'a>(&'a self, headers: &'a [(&'a str, &'a str)]) -> SignableRequest<'a> {
        SignableRequest {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref().unwrap_or_default(),
            headers,
            body: &self.body,
            path_style: PathStyle::Normalized,
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope { time: self.time, region: &self.region, service: &self.service }
    }
}

fn credentials(access_key_id: &str, secret_access_key: &str, session_token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: Secret::new(secret_access_key.to_owned()),
        session_token: session_token.map(|token| Secret::new(token.to_owned())),
    }
}

fn case() -> impl Strategy<Value = Case> {
    let keys = ("[A-Z0-9]{16,32}", r"\PC{1,40}", proptest::option::of("[!-~]{1,200}"));
    let scope = (0..=END_OF_2100, "[a-z0-9-]{1,20}", "[a-z0-9-]{1,20}");
    let target = (authority(), path(), proptest::option::of(query()));
    let body = proptest::collection::vec(any::<u8>(), 0..300);
    ("[A-Z]{3,8}", target, headers(), body, keys, scope).prop_map(
        |(method, (authority, path, query), headers, body, (id, secret, token), (seconds, region, service))| Case {
            method,
            authority,
            path,
            query,
            headers,
            body,
            credentials: credentials(&id, &secret, token.as_deref()),
            time: Timestamp { seconds },
            region,
            service,
        },
    )
}

/// A host, sometimes with a port. Not with the scheme's own one, which the oracle leaves out of the host header and
/// the guest leaves out of the endpoint.
fn authority() -> impl Strategy<Value = String> {
    r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,5}){1,3}(:[1-9][0-9]{3})?"
}

/// A path as it is sent: empty, or with a slash at its beginning, since the oracle's URLs cannot have another. A
/// blank, `<`, `>`, '`' and controls are invalid in them; `?` and `#` end a path.
fn path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => r"[A-Za-z0-9._~-]{1,6}",
        1 => r#"[!$&'()*+,;=:@%\[\]\\^|{}"]{1,3}"#,
        1 => percent_encoded(),
        1 => letters_beyond_ascii(),
    ];
    let segment = prop_oneof![
        4 => proptest::collection::vec(piece, 1..3).prop_map(|pieces| pieces.concat()),
        1 => Just(String::new()),
        1 => Just(".".to_owned()),
        2 => Just("..".to_owned()),
    ];
    proptest::collection::vec(segment, 0..6)
        .prop_map(|segments| segments.iter().map(|segment| format!("/{segment}")).collect())
}

/// A query as it is sent. Left out: a plus sign, which the oracle takes for a blank, as forms do, and the guest for
/// itself; percent-encoded bytes that are no UTF-8, which the oracle replaces; a blank, controls and `#`, which the
/// oracle's URLs cannot have.
fn query() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => r"[A-Za-z0-9._~-]{1,4}",
        2 => "&{1,2}",
        3 => "=",
        1 => r#"[!$'()*,;:@/?\[\]\\^|{}"<>`]{1,3}"#,
        1 => percent_encoded(),
        // A percent sign that encodes nothing, whatever follows it.
        1 => Just("%~".to_owned()),
        1 => Just("%4~".to_owned()),
        1 => Just("%zz".to_owned()),
        1 => letters_beyond_ascii(),
    ];
    (proptest::collection::vec(piece, 0..12), "%?").prop_map(|(pieces, end)| pieces.concat() + &end)
}

/// A character, percent-encoded in digits of either case, needed or not.
fn percent_encoded() -> impl Strategy<Value = String> {
    (any::<char>(), any::<bool>()).prop_map(|(character, is_upper_case)| {
        let mut bytes = [0; 4];
        let bytes = character.encode_utf8(&mut bytes).bytes();
        bytes.map(|byte| if is_upper_case { format!("%{byte:02X}") } else { format!("%{byte:02x}") }).collect()
    })
}

/// Letters as they stand, without an encoding.
fn letters_beyond_ascii() -> impl Strategy<Value = String> {
    r"[\u{a1}-\u{2ff}\u{4e00}-\u{4fff}\u{1f600}-\u{1f64f}]{1,3}"
}

/// Headers, some of which occur more than once, with blanks around and inside of the values. Left out: tabs, which
/// the oracle keeps and the guest takes for blanks, and letters beyond ASCII, which headers cannot have.
fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        2 => "[aAbB]",
        2 => r"[A-Za-z][A-Za-z0-9_.!#$&'*+^|~-]{0,12}",
        1 => Just("Content-Type".to_owned()),
        1 => Just("X-Amz-Target".to_owned()),
    ];
    let name = name.prop_filter("either side has its own of these", |name| {
        !RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str())
    });
    let value = " {0,3}([!-~]{1,5} {0,3}){0,4}";
    proptest::collection::vec((name, value), 0..8)
}

/// A world that lets one request out, remembers it and does not answer.
#[derive(Default)]
struct Recorder {
    sent: RefCell<Option<Request>>,
}

impl World for Recorder {
    fn environment(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, _path: &str) -> Result<Zeroizing<Vec<u8>>, FileError> {
        Err(FileError::NotFound)
    }

    fn now(&self) -> Timestamp {
        Timestamp { seconds: 1_440_938_160 }
    }

    fn http(&self, request: &Request) -> Result<Response, HttpError> {
        self.sent.replace(Some(request.clone()));
        Err(HttpError::Timeout)
    }
}
