//! Signatures: aws-c-auth's cases, each signed in the headers and in the query.

use keyward_ecr::credentials::Credentials;
use keyward_ecr::sigv4::{
    PathStyle, Scope, SignableRequest, canonical_request, presign, sign, signature, string_to_sign,
};
use keyward_ecr::time::Timestamp;
use keyward_testbed::vectors::{self, Family, same};
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::raw_request::{RawRequest, header_set, parameter_set};

#[test]
fn every_step_of_a_signature_is_that_of_aws_c_auth() {
    let mut family = Family::new("sigv4", 27);
    for path in vectors::entries("sigv4") {
        family.case(&path, || {
            let case = Case::read(&path)?;
            case.check_header_signature().map_err(|reason| format!("header: {reason}"))?;
            case.check_query_signature().map_err(|reason| format!("query: {reason}"))
        });
    }
    family.finish(" (header and query)");
}

/// A folder of vectors.
struct Case {
    path: String,
    request: RawRequest,
    /// What signs, with the session token where it is signed too.
    credentials: Credentials,
    /// The session token where it is sent without being signed.
    unsigned_token: Option<String>,
    region: String,
    service: String,
    time: Timestamp,
    lifetime_seconds: u32,
    path_style: PathStyle,
    /// Whether the hash of the body is sent and signed as a header.
    signs_body_hash: bool,
}

impl Case {
    fn read(path: &str) -> Result<Self, String> {
        let context = vectors::json(&format!("{path}/context.json"));
        let keys = &context["credentials"];
        let token = keys["token"].as_str().map(str::to_owned);
        let omits_token = context["omit_session_token"].as_bool().unwrap_or(false);
        let (signed_token, unsigned_token) = if omits_token { (None, token) } else { (token, None) };
        let time = OffsetDateTime::parse(text(&context["timestamp"])?, &Rfc3339).map_err(|error| error.to_string())?;
        let seconds = u64::try_from(time.unix_timestamp()).map_err(|error| error.to_string())?;
        let lifetime = context["expiration_in_seconds"].as_u64().and_then(|lifetime| u32::try_from(lifetime).ok());
        Ok(Self {
            path: path.to_owned(),
            request: RawRequest::parse(&vectors::text(&format!("{path}/request.txt")))?,
            credentials: Credentials::new(text(&keys["access_key_id"])?, text(&keys["secret_access_key"])?)
                .with_session_token(signed_token),
            unsigned_token,
            region: text(&context["region"])?.to_owned(),
            service: text(&context["service"])?.to_owned(),
            time: Timestamp { seconds },
            lifetime_seconds: lifetime.ok_or("the case has no lifetime")?,
            path_style: if flag(&context["normalize"])? { PathStyle::Normalized } else { PathStyle::AsIs },
            signs_body_hash: flag(&context["sign_body"])?,
        })
    }

    fn check_header_signature(&self) -> Result<(), String> {
        let hash: String = Sha256::digest(&self.request.body).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut headers = borrowed(&self.request.headers);
        if self.signs_body_hash {
            headers.push(("x-amz-content-sha256", &hash));
        }
        let request = self.signable(&self.request.query, &headers);
        let added = sign(&request, &self.credentials, &self.scope());
        let (authorization, also_signed) = added.split_last().ok_or("nothing was added")?;

        let mut signed = headers.clone();
        signed.extend(borrowed(also_signed));
        let canonical = canonical_request(&self.signable(&self.request.query, &signed));
        let expected_signature = self.check_steps("header", &canonical)?;
        let (_, signature) = authorization.1.rsplit_once("Signature=").ok_or("no signature was added")?;
        same("signature", &signature, &expected_signature.as_str())?;

        let mut sent = headers;
        sent.extend(borrowed(&added));
        sent.extend(self.unsigned_token.iter().map(|token| ("x-amz-security-token", token.as_str())));
        let expected = self.signed_request("header")?;
        same("headers", &header_set(sent.into_iter()), &expected.header_set())?;
        same(
            "rest",
            &RawRequest { headers: Vec::new(), ..self.request.clone() },
            &RawRequest { headers: Vec::new(), ..expected },
        )
    }

    fn check_query_signature(&self) -> Result<(), String> {
        let headers = borrowed(&self.request.headers);
        let request = self.signable(&self.request.query, &headers);
        let mut query = presign(&request, &self.credentials, &self.scope(), self.lifetime_seconds);

        let (signed, signature) = query.rsplit_once("&X-Amz-Signature=").ok_or("no signature was added")?;
        let canonical = canonical_request(&self.signable(signed, &headers));
        let expected_signature = self.check_steps("query", &canonical)?;
        same("signature", &signature, &expected_signature.as_str())?;

        if let Some(token) = &self.unsigned_token {
            query = format!("{query}&X-Amz-Security-Token={}", percent_encoded(token));
        }
        let expected = self.signed_request("query")?;
        same("parameters", &parameter_set(&query), &expected.parameter_set())?;
        let without_query = |request: RawRequest| RawRequest { query: String::new(), ..request };
        same("rest", &without_query(self.request.clone()), &without_query(expected))
    }

    /// Compares what leads to a signature, and gives back the signature that is expected.
    fn check_steps(&self, place: &str, canonical: &str) -> Result<String, String> {
        let expected = |step: &str| vectors::text(&format!("{}/{place}-{step}.txt", self.path));
        same("canonical request", &canonical, &expected("canonical-request").as_str())?;
        let to_sign = string_to_sign(canonical, &self.scope());
        same("string to sign", &to_sign, &expected("string-to-sign"))?;
        let expected_signature = expected("signature");
        same("last step", &signature(&to_sign, &self.credentials, &self.scope()), &expected_signature)?;
        Ok(expected_signature)
    }

    fn signed_request(&self, place: &str) -> Result<RawRequest, String> {
        RawRequest::parse(&vectors::text(&format!("{}/{place}-signed-request.txt", self.path)))
    }

    fn signable<'a>(&'a self, query: &'a str, headers: &'a [(&'a str, &'a str)]) -> SignableRequest<'a> {
        SignableRequest {
            method: &self.request.method,
            path: &self.request.path,
            query,
            headers,
            body: self.request.body.as_bytes(),
            path_style: self.path_style,
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope { time: self.time, region: &self.region, service: &self.service }
    }
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Every byte encoded but those that never are (RFC 3986, section 2.3).
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("not a text: {value}"))
}

fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("neither true nor false: {value}"))
}
