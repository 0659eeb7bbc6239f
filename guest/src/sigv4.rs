//! AWS Signature Version 4, as pure functions: the request and the time go in, the signature comes out.
//!
//! The steps are those of <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>:
//! canonical request → string to sign → signing key → signature.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::time::Timestamp;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a signature covers.
#[derive(Clone, Copy, Debug)]
pub struct SignableRequest<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path as it is sent.
    pub path: &'a str,
    /// The query as it is sent, without the question mark; empty for none.
    pub query: &'a str,
    /// The headers to sign, `host` among them. Names in any case; a name may occur more than once.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
    /// How the path is made canonical.
    pub path_style: PathStyle,
}

/// How a path is made canonical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathStyle {
    /// As it is sent, apart from the encoding.
    AsIs,
    /// Without empty and dot segments, as every service but S3 needs it.
    Normalized,
}

/// What a signature is good for: one day, one region, one service.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// When the request is signed.
    pub time: Timestamp,
    /// The region of the endpoint.
    pub region: &'a str,
    /// The signing name of the service: `ecr`.
    pub service: &'a str,
}

impl Scope<'_> {
    fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.time.date(), self.region, self.service)
    }
}

/// The headers to add to a request, besides those it has: `x-amz-date`, `x-amz-security-token` where the credentials
/// have one, and `authorization`. The names are in lower case.
pub fn sign(request: &SignableRequest<'_>, credentials: &Credentials, scope: &Scope<'_>) -> Vec<(String, String)> {
    let mut added = vec![("x-amz-date".to_owned(), scope.time.basic_format())];
    if let Some(token) = &credentials.session_token {
        added.push(("x-amz-security-token".to_owned(), token.expose().to_owned()));
    }

    let mut headers = request.headers.to_vec();
    headers.extend(added.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let canonical = Canonical::of(&SignableRequest { headers: &headers, ..*request });
    let authorization = format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={}",
        credentials.access_key_id,
        scope.text(),
        canonical.signed_headers,
        signature(&string_to_sign(&canonical.request, scope), credentials, scope),
    );
    added.push(("authorization".to_owned(), authorization));
    added
}

/// The query of a request that carries its signature in the query: the request's own parameters and the
/// signature's, the session token among them.
pub fn presign(
    request: &SignableRequest<'_>,
    credentials: &Credentials,
    scope: &Scope<'_>,
    lifetime_seconds: u32,
) -> String {
    let mut query = request.query.to_owned();
    let mut add = |name: &str, value: &str| {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        percent_encode(value.as_bytes(), &mut query);
    };
    add("X-Amz-Algorithm", ALGORITHM);
    add("X-Amz-Credential", &format!("{}/{}", credentials.access_key_id, scope.text()));
    add("X-Amz-Date", &scope.time.basic_format());
    add("X-Amz-Expires", &lifetime_seconds.to_string());
    add("X-Amz-SignedHeaders", &names(&canonical_headers(request.headers)));
    if let Some(token) = &credentials.session_token {
        add("X-Amz-Security-Token", token.expose());
    }

    let canonical = canonical_request(&SignableRequest { query: &query, ..*request });
    let signature = signature(&string_to_sign(&canonical, scope), credentials, scope);
    query.push_str("&X-Amz-Signature=");
    query.push_str(&signature);
    query
}

/// Step 1: the request in the one form that both sides compute.
pub fn canonical_request(request: &SignableRequest<'_>) -> String {
    Canonical::of(request).request
}

/// A request in that form, and the names of its headers.
struct Canonical {
    request: String,
    signed_headers: String,
}

impl Canonical {
    fn of(request: &SignableRequest<'_>) -> Self {
        let headers = canonical_headers(request.headers);
        let mut text = format!("{}\n", request.method);
        match request.path_style {
            PathStyle::AsIs => encode_path(request.path, &mut text),
            PathStyle::Normalized => encode_path(&normalize_path(request.path), &mut text),
        }
        text.push('\n');
        text.push_str(&canonical_query(request.query));
        text.push('\n');
        for (name, value) in &headers {
            text.push_str(name);
            text.push(':');
            text.push_str(value);
            text.push('\n');
        }
        let signed_headers = names(&headers);
        text.push('\n');
        text.push_str(&signed_headers);
        text.push('\n');
        text.push_str(&hex(&Sha256::digest(request.body)));
        Self { request: text, signed_headers }
    }
}

/// Step 2: the hash of the canonical request, with what the signature is good for.
pub fn string_to_sign(canonical_request: &str, scope: &Scope<'_>) -> String {
    let hash = hex(&Sha256::digest(canonical_request.as_bytes()));
    format!("{ALGORITHM}\n{}\n{}\n{hash}", scope.time.basic_format(), scope.text())
}

/// Steps 3 and 4: the key for this scope, and the signature made with it.
pub fn signature(string_to_sign: &str, credentials: &Credentials, scope: &Scope<'_>) -> String {
    let secret = Zeroizing::new(format!("AWS4{}", credentials.secret_access_key.expose()));
    let mut key = hmac(secret.as_bytes(), scope.time.date().as_bytes());
    for part in [scope.region, scope.service, "aws4_request"] {
        key = hmac(&*key, part.as_bytes());
    }
    hex(&*hmac(&*key, string_to_sign.as_bytes()))
}

fn hmac(key: &[u8], message: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    hmac.update(message);
    Zeroizing::new(hmac.finalize().into_bytes().into())
}

/// The names of the headers, with semicolons between them.
fn names(headers: &BTreeMap<String, String>) -> String {
    headers.keys().map(String::as_str).collect::<Vec<_>>().join(";")
}

/// Names in lower case; values without outer blanks and with single inner ones; the values of one name joined in the
/// order in which they came.
fn canonical_headers(headers: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut canonical = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        canonical
            .entry(name.to_ascii_lowercase())
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    canonical
}

/// The parameters, each encoded once whatever they looked like before, sorted by name and then by value.
fn canonical_query(query: &str) -> String {
    let mut parameters: Vec<(String, String)> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (encode_again(name), encode_again(value))
        })
        .collect();
    parameters.sort();
    let parameters: Vec<String> = parameters.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    parameters.join("&")
}

/// RFC 3986, section 5.2.4, and without empty segments.
fn normalize_path(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut normalized = format!("/{}", segments.join("/"));
    let names_a_folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    if names_a_folder && normalized.len() > 1 {
        normalized.push('/');
    }
    normalized
}

/// A path is encoded on top of the encoding that it is sent with.
fn encode_path(path: &str, into: &mut String) {
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            into.push('/');
        }
        percent_encode(segment.as_bytes(), into);
    }
}

fn encode_again(text: &str) -> String {
    let mut encoded = String::new();
    percent_encode(&percent_decode(text), &mut encoded);
    encoded
}

/// Encodes all but RFC 3986's unreserved characters.
pub(crate) fn percent_encode(bytes: &[u8], into: &mut String) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

/// Decodes every `%` that two hexadecimal digits follow, and leaves others as they are.
fn percent_decode(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        match (byte, digit(bytes.get(index + 1)), digit(bytes.get(index + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                index += 3;
            }
            _ => {
                decoded.push(byte);
                index += 1;
            }
        }
    }
    decoded
}

/// Bytes in hexadecimal digits, in lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Every signature has three of them, and formatting each byte would take as long as hashing it.
    let digit = |number: u8| char::from(DIGITS[usize::from(number)]);
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xf));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(session_token: Option<&str>) -> Credentials {
        Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").with_session_token(session_token)
    }

    #[test]
    fn the_signature_of_awss_own_example_comes_out() {
        // get-vanilla of AWS's test suite; the other cases are run by tests/conformance/.
        let request = SignableRequest {
            method: "GET",
            path: "/",
            query: "",
            headers: &[("Host", "example.amazonaws.com")],
            body: b"",
            path_style: PathStyle::Normalized,
        };
        let scope = Scope { time: Timestamp { seconds: 1_440_938_160 }, region: "us-east-1", service: "service" };
        let headers = sign(&request, &credentials(None), &scope);
        assert_eq!(
            headers,
            [
                ("x-amz-date".to_owned(), "20150830T123600Z".to_owned()),
                (
                    "authorization".to_owned(),
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                     SignedHeaders=host;x-amz-date, \
                     Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
                        .to_owned()
                ),
            ]
        );
    }

    #[test]
    fn a_session_token_is_sent_and_signed() {
        let request = SignableRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &[("host", "example.amazonaws.com")],
            body: b"{}",
            path_style: PathStyle::Normalized,
        };
        let scope = Scope { time: Timestamp { seconds: 0 }, region: "r", service: "s" };
        let headers = sign(&request, &credentials(Some("token")), &scope);
        assert_eq!(headers[1], ("x-amz-security-token".to_owned(), "token".to_owned()));
        assert!(headers[2].1.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"));
    }
}
