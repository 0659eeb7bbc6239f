//! Whether a request is signed as AWS demands (Signature Version 4, in headers).
//!
//! The signature is recomputed with `aws-sigv4`, the signer of AWS's SDK, from what was received.
//! So this is a second opinion on the project's own signer, with which it shares no code.

use std::collections::HashMap;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap};
use time::PrimitiveDateTime;
use time::macros::format_description;

use crate::keys::AccessKeys;
use crate::refusal::Refusal;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE_HEADER: &str = "x-amz-date";
const SESSION_TOKEN_HEADER: &str = "x-amz-security-token";

/// Checks everything about the signature but whether the scope suits the operation.
///
/// The age of the signature is not checked: a test may set the clock of what it tests.
pub(crate) fn verify(request: &Request<Bytes>, known: &HashMap<String, AccessKeys>) -> Result<(), Refusal> {
    let received = Authorization::of(request.headers())?;
    for name in ["host", DATE_HEADER] {
        received.require_signed(name)?;
    }
    let keys = known.get(&received.access_key_id).ok_or_else(Refusal::unrecognized_client)?;
    let session_token = single_value(request.headers(), SESSION_TOKEN_HEADER)?;
    if session_token != keys.session_token.as_deref() {
        return Err(Refusal::unrecognized_client());
    }
    if session_token.is_some() {
        received.require_signed(SESSION_TOKEN_HEADER)?;
    }

    // This compares the scope, the date in it, and the names of the signed headers too.
    if expected(request, &received, keys)? == received { Ok(()) } else { Err(Refusal::signature_does_not_match()) }
}

/// What an `Authorization` header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) access_key_id: String,
    pub(crate) scope: CredentialScope,
    signed_headers: Vec<String>,
    signature: String,
}

impl Authorization {
    /// Reads the one `Authorization` header that a request has to have.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let value =
            single_value(headers, header::AUTHORIZATION.as_str())?.ok_or_else(Refusal::missing_authentication_token)?;
        Self::parse(value).ok_or_else(|| {
            // The value itself is not repeated: a wrong one may hold a secret.
            Refusal::incomplete_signature(
                "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.",
            )
        })
    }

    fn parse(value: &str) -> Option<Self> {
        let parameters = value.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for parameter in parameters.split(',') {
            let (name, value) = parameter.trim().split_once('=')?;
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return None,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }

        let parts: Vec<&str> = credential?.split('/').collect();
        let [access_key_id, date, region, service, "aws4_request"] = parts[..] else {
            return None;
        };
        Some(Self {
            access_key_id: access_key_id.to_owned(),
            scope: CredentialScope { date: date.to_owned(), region: region.to_owned(), service: service.to_owned() },
            signed_headers: signed_headers?.split(';').map(str::to_owned).collect(),
            signature: signature?.to_owned(),
        })
    }

    fn require_signed(&self, name: &str) -> Result<(), Refusal> {
        if self.signed_headers.iter().any(|signed| signed == name) {
            Ok(())
        } else {
            Err(Refusal::invalid_signature(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")))
        }
    }
}

/// What a signature is valid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialScope {
    /// The day in UTC, as `YYYYMMDD`.
    pub date: String,
    /// The region.
    pub region: String,
    /// The service's signing name, such as `ecr`.
    pub service: String,
}

/// What AWS's signer would have written for this request, with these keys and for this scope.
fn expected(request: &Request<Bytes>, received: &Authorization, keys: &AccessKeys) -> Result<Authorization, Refusal> {
    // The signer signs all that it is given. So it is given what the client says it has signed,
    // and nothing is excluded on top of that.
    let mut settings = SigningSettings::default();
    settings.excluded_headers = None;
    let identity = Credentials::new(
        &keys.access_key_id,
        &keys.secret_access_key,
        keys.session_token.clone(),
        None,
        "keyward-testbed",
    )
    .into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&received.scope.region)
        .name(&received.scope.service)
        .time(signing_time(request.headers())?)
        .settings(settings)
        .build()
        .expect("every parameter is set")
        .into();

    let mut signed_headers = Vec::new();
    for name in &received.signed_headers {
        for value in request.headers().get_all(name) {
            signed_headers.push((name.as_str(), text(name, value)?));
        }
    }
    // The signer takes the host from the URL only if there is no `Host` header among those signed.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let instructions = SignableRequest::new(
        request.method().as_str(),
        format!("https://localhost{path}"),
        signed_headers.into_iter(),
        SignableBody::Bytes(request.body()),
    )
    .and_then(|request| sign(request, &parameters))
    .map_err(|error| Refusal::incomplete_signature(format!("cannot be signed: {error}")))?
    .into_parts()
    .0;
    let authorization = instructions
        .headers()
        .find_map(|(name, value)| (name == header::AUTHORIZATION.as_str()).then_some(value))
        .expect("the signer was told to put the signature into headers");
    Ok(Authorization::parse(authorization).expect("the signer writes what this module reads"))
}

fn signing_time(headers: &HeaderMap) -> Result<SystemTime, Refusal> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    single_value(headers, DATE_HEADER)?
        .and_then(|value| PrimitiveDateTime::parse(value, format).ok())
        .map(|time| time.assume_utc().into())
        .ok_or_else(|| Refusal::incomplete_signature("Date must be in ISO-8601 'basic format': X-Amz-Date."))
}

/// The value of a header that a request has at most once.
fn single_value<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(|value| text(name, value)).transpose()?;
    match values.next() {
        None => Ok(first),
        Some(_) => Err(Refusal::incomplete_signature(format!("More than one {name} header."))),
    }
}

fn text<'a>(name: &str, value: &'a header::HeaderValue) -> Result<&'a str, Refusal> {
    value.to_str().map_err(|_| Refusal::incomplete_signature(format!("The {name} header is not ASCII.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `get-vanilla` of AWS's published Signature Version 4 test suite.
    const VANILLA: &str = "AWS4-HMAC-SHA256 \
         Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=host;x-amz-date, \
         Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

    #[test]
    fn a_published_signature_is_right() {
        assert_eq!(verify_with(VANILLA), Ok(()));
    }

    #[test]
    fn a_signature_that_differs_in_one_digit_is_wrong() {
        let wrong = VANILLA.replace("763fbf31", "763fbf30");
        assert_eq!(verify_with(&wrong), Err(Refusal::signature_does_not_match()));
    }

    #[test]
    fn a_scope_of_another_day_than_the_date_is_wrong() {
        let wrong = VANILLA.replace("20150830/", "20150831/");
        assert_eq!(verify_with(&wrong), Err(Refusal::signature_does_not_match()));
    }

    #[test]
    fn signed_headers_in_another_order_are_wrong() {
        let wrong = VANILLA.replace("host;x-amz-date", "x-amz-date;host");
        assert_eq!(verify_with(&wrong), Err(Refusal::signature_does_not_match()));
    }

    #[test]
    fn the_host_has_to_be_signed() {
        let refusal = verify_with(&VANILLA.replace("host;", "")).unwrap_err();
        assert!(refusal.to_string().contains("'host' must be"), "{refusal}");
    }

    #[test]
    fn an_authorization_with_a_parameter_missing_or_doubled_is_incomplete() {
        let signature = VANILLA.find(", Signature").unwrap();
        let doubled = format!("{VANILLA}, Signature=0");
        for wrong in [&VANILLA[..signature], &doubled, "Bearer token", "AWS4-HMAC-SHA256"] {
            let refusal = verify_with(wrong).unwrap_err().to_string();
            assert!(refusal.starts_with("IncompleteSignatureException"), "{wrong}: {refusal}");
        }
    }

    fn verify_with(authorization: &str) -> Result<(), Refusal> {
        let request = Request::get("/")
            .header("host", "example.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z")
            .header("authorization", authorization)
            .body(Bytes::new())
            .unwrap();
        let keys = AccessKeys::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        verify(&request, &HashMap::from([(keys.access_key_id.clone(), keys)]))
    }
}
