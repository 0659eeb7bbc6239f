//! Answers of AWS that report an error: what went wrong, under AWS's own name for it.
//!
//! Sources: the error sections of the Smithy awsJson1_1 and restJson1 protocols (code in a header or in the body, namespace and
//! URI dropped) and of awsQuery (`<Code>` in XML), whose protocol tests tests/conformance/ runs; RFC 6749, section 5.2, for IAM
//! Identity Center's OpenID Connect (`error` and `error_description`); the codes are those of botocore's retry rules and of the
//! services' error lists.

use serde_json::Value;

use crate::aws::xml::Element;
use crate::error::Error;
use crate::retry::Reason;
use crate::secret::{Secret, redact};
use crate::world::{HttpError, Response};

/// The longest message of AWS that is repeated, in characters.
const MAX_MESSAGE: usize = 300;

/// Error codes by which a service asks for fewer calls: botocore's `_retry.json` and the AWS SDKs' retry specification.
const THROTTLING: [&str; 14] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// Error codes of a service that has a problem of its own, whatever the HTTP status.
const UNAVAILABLE: [&str; 7] = [
    // STS did not reach the identity provider of a token.
    "IDPCommunicationError",
    "InternalFailure",
    "InternalServerError",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServerException",
    "ServiceUnavailable",
];

/// Error codes that refuse the identity, with what its owner can do about it.
const DENIED: [(&str, &str); 23] = [
    ("AccessDenied", PERMISSION),
    ("AccessDeniedException", PERMISSION),
    ("AuthFailure", KEYS),
    ("ExpiredToken", EXPIRED),
    ("ExpiredTokenException", EXPIRED),
    ("IDPRejectedClaim", TOKEN),
    ("IncompleteSignature", KEYS),
    ("IncompleteSignatureException", KEYS),
    ("InvalidClientException", LOG_IN),
    ("InvalidClientTokenId", KEYS),
    ("InvalidGrantException", LOG_IN),
    ("InvalidIdentityToken", TOKEN),
    ("InvalidSignatureException", SIGNATURE),
    ("MissingAuthenticationTokenException", KEYS),
    ("NotAuthorized", PERMISSION),
    ("OptInRequired", PERMISSION),
    ("RequestExpired", SIGNATURE),
    ("RequestTimeTooSkewed", SIGNATURE),
    ("SignatureDoesNotMatch", SIGNATURE),
    ("UnauthorizedClientException", LOG_IN),
    ("UnauthorizedException", LOG_IN),
    ("UnrecognizedClientException", KEYS),
    ("invalid_grant", LOG_IN),
];

const LATER: &str = "try again later";
const EXPIRED: &str = "get new temporary credentials";
const KEYS: &str = "check the access key id and the session token, and that the keys belong to this partition";
const LOG_IN: &str = "log in again with 'aws sso login'";
const PERMISSION: &str = "grant this permission to the identity";
const TOKEN: &str = "check the token, its audience, the role's trust policy, and that the account has the token's issuer as an identity provider";
const SIGNATURE: &str = "check the secret access key and the clock of this machine";

/// An answer that reports an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status.
    pub status: u16,
    /// AWS's name for the error, without namespace and URI.
    pub code: Option<String>,
    /// AWS's explanation.
    pub message: Option<String>,
    /// The number under which AWS knows the request.
    pub request_id: Option<String>,
}

impl Failure {
    /// Takes the error out of an answer whose status is not 2xx.
    pub fn parse(response: &Response) -> Self {
        let body: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        let xml = std::str::from_utf8(&response.body).ok().and_then(Element::parse);
        let element = |name: &str| xml.as_ref()?.first(name);
        let text = |names: [&str; 3], name: &str| {
            let member = names.into_iter().find_map(|name| body.get(name)?.as_str());
            member.or_else(|| element(name)).map(str::to_owned)
        };
        let code = response.header("x-amzn-errortype").map(str::to_owned);
        let request_id = response.header("x-amzn-requestid").map(str::to_owned);
        Self {
            status: response.status,
            code: code
                .or_else(|| text(["__type", "code", "error"], "Code"))
                .map(|code| bare_code(&code))
                .filter(|code| !code.is_empty()),
            message: text(["message", "Message", "error_description"], "Message"),
            request_id: request_id.or_else(|| element("RequestId").map(str::to_owned)),
        }
    }

    /// Why the same call may succeed in a moment, if it may: the standard mode of the AWS SDKs.
    pub fn retry_reason(&self) -> Option<Reason> {
        const TRANSIENT: [&str; 2] = ["RequestTimeout", "RequestTimeoutException"];
        let code = self.code.as_deref().unwrap_or_default();
        if THROTTLING.contains(&code) || self.status == 429 {
            Some(Reason::Throttling)
        } else if TRANSIENT.contains(&code) || matches!(self.status, 500 | 502 | 503 | 504) {
            Some(Reason::Transient)
        } else {
            None
        }
    }

    /// The error of the lookup that asked `call` ("GetAuthorizationToken of api.ecr.…") and used `secrets`.
    pub fn into_error(self, call: &str, secrets: &[&Secret]) -> Error {
        self.to_error(call, secrets, None)
    }

    /// The error of a lookup that asked another service than one of AWS's own, whose refusals have reasons of their own: `advice` is what
    /// to do about them.
    pub fn to_error(&self, call: &str, secrets: &[&Secret], advice: Option<&str>) -> Error {
        let code = self.code.as_deref().unwrap_or_default();
        let mut report = printable(code, secrets);
        if let Some(message) = &self.message {
            if !report.is_empty() {
                report.push_str(": ");
            }
            report.push_str(printable(message, secrets).trim_end_matches('.'));
        }
        let mut origin = format!("HTTP status {}", self.status);
        if let Some(id) = &self.request_id {
            origin = format!("{origin}, request id {}", printable(id, secrets));
        }
        let text = |outcome: &str, advice: &str| match report.as_str() {
            "" => format!("{call} {outcome} ({origin}); {advice}"),
            report => format!("{call} {outcome}: {report} ({origin}); {advice}"),
        };

        if THROTTLING.contains(&code) || self.status == 429 {
            return Error::Throttled(text("was throttled", LATER));
        }
        if let Some((_, usual)) = DENIED.into_iter().find(|(denied, _)| *denied == code) {
            return Error::Denied(text("was denied", advice.unwrap_or(usual)));
        }
        match self.status {
            _ if UNAVAILABLE.contains(&code) => Error::Unavailable(text("failed", LATER)),
            401 | 403 => Error::Denied(text("was denied", advice.unwrap_or(PERMISSION))),
            408 | 500.. => Error::Unavailable(text("failed", LATER)),
            _ => Error::Invalid(text("failed", advice.unwrap_or("check the endpoint and the region"))),
        }
    }
}

/// The error of the lookup whose call had no answer.
pub fn no_answer(call: &str, error: &HttpError) -> Error {
    let advice = match error {
        HttpError::HeadersTooLarge | HttpError::Refused | HttpError::TooLarge => {
            return Error::Invalid(format!("{call} failed: {error}; check the AWS_ENDPOINT_URL settings"));
        }
        HttpError::Tls(_) => "check the trusted certificates (AWS_CA_BUNDLE)",
        HttpError::Connection(_) | HttpError::Resolution(_) => "check the network, and that the region exists",
        HttpError::Response(_) | HttpError::Timeout => LATER,
    };
    Error::Unavailable(format!("{call} failed: {error}; {advice}"))
}

/// The error of the lookup whose call was answered with something else than it should be. Nothing of the answer is repeated: it may
/// hold a secret.
pub fn malformed(call: &str, what: &str) -> Error {
    Error::Invalid(format!(
        "{call} answered with {what}; check that nothing between here and AWS answers in its place, and the AWS_ENDPOINT_URL \
         settings"
    ))
}

/// A code without its namespace (up to `#`) and its URI (from `:`).
fn bare_code(code: &str) -> String {
    let code = code.rsplit('#').next().unwrap_or(code);
    code.split(':').next().unwrap_or(code).trim().to_owned()
}

/// The first line of a text from outside, bounded, without secrets and without what would steer a terminal. Behind the
/// first line, some services repeat the whole request.
fn printable(text: &str, secrets: &[&Secret]) -> String {
    // Before anything is cut off: a part of a secret is not recognized any more.
    let text = redact(text, secrets);
    let first_line = text.lines().next().unwrap_or_default();
    first_line.chars().filter(|sign| !sign.is_control()).take(MAX_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wiped::Wiped;

    fn error(status: u16, body: &str) -> Error {
        let response = Response {
            status,
            headers: vec![("x-amzn-requestid".to_owned(), "7a1b".to_owned())],
            body: Wiped::new(body.as_bytes().to_vec()),
        };
        Failure::parse(&response).into_error("GetAuthorizationToken of ecr.test", &[&Secret::new("hunter2".to_owned())])
    }

    #[test]
    fn a_denial_has_awss_code_its_message_and_the_request_id() {
        let body = r#"{"__type":"com.amazon.coral#AccessDeniedException","Message":"User x is not authorized."}"#;
        assert_eq!(
            error(400, body),
            Error::Denied(
                "GetAuthorizationToken of ecr.test was denied: AccessDeniedException: User x is not authorized \
                 (HTTP status 400, request id 7a1b); grant this permission to the identity"
                    .to_owned()
            )
        );
    }

    #[test]
    fn errors_are_sorted_by_code_and_then_by_status() {
        let sort = |status, code: &str| match error(status, &format!(r#"{{"__type":"{code}"}}"#)) {
            Error::Denied(_) => "denied",
            Error::Throttled(_) => "throttled",
            Error::Unavailable(_) => "unavailable",
            Error::Invalid(_) => "invalid",
            other => panic!("{other}"),
        };
        for (status, code, kind) in [
            (400, "ThrottlingException", "throttled"),
            (503, "SlowDown", "throttled"),
            (429, "", "throttled"),
            (400, "ExpiredTokenException", "denied"),
            (403, "SignatureDoesNotMatch", "denied"),
            (403, "", "denied"),
            (400, "ServerException", "unavailable"),
            (500, "", "unavailable"),
            (503, "Unheard", "unavailable"),
            (400, "InvalidParameterException", "invalid"),
            (404, "", "invalid"),
            (301, "", "invalid"),
        ] {
            assert_eq!(sort(status, code), kind, "{status} {code}");
        }
    }

    #[test]
    fn a_secret_that_the_service_repeats_is_not_repeated_again() {
        let body =
            r#"{"__type":"InvalidSignatureException","message":"no hunter2 match\nx-amz-security-token:hunter2"}"#;
        let text = error(400, body).to_string();
        assert!(text.contains("no [redacted] match (HTTP status"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_secret_longer_than_the_cut_is_taken_out_of_code_message_and_request_id() {
        let token: String = (0..150).map(|number| format!("{number:03}")).collect();
        let failure = Failure {
            status: 400,
            code: Some(format!("Code-{token}")),
            message: Some(format!("the token {token} is wrong.")),
            request_id: Some(format!("id-{token}")),
        };
        assert_eq!(
            failure.into_error("GetAuthorizationToken of ecr.test", &[&Secret::new(token)]).to_string(),
            "GetAuthorizationToken of ecr.test failed: Code-[redacted]: the token [redacted] is wrong (HTTP status \
             400, request id id-[redacted]); check the endpoint and the region"
        );
    }

    #[test]
    fn control_characters_of_the_service_are_taken_out_and_its_text_is_cut() {
        let text = error(500, &format!(r#"{{"message":"\u001b[2J{}"}}"#, "x".repeat(5000))).to_string();
        assert!(!text.contains('\u{1b}') && text.len() < 500, "{text}");
    }

    #[test]
    fn the_error_of_open_id_connect_has_code_and_message_under_names_of_its_own() {
        let body = r#"{"error":"invalid_grant","error_description":"Invalid refresh token provided"}"#;
        assert_eq!(
            error(400, body),
            Error::Denied(
                "GetAuthorizationToken of ecr.test was denied: invalid_grant: Invalid refresh token provided (HTTP status 400, \
                 request id 7a1b); log in again with 'aws sso login'"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_code_in_xml_is_found_too() {
        let body =
            "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no</Message></Error></ErrorResponse>";
        assert!(error(403, body).to_string().contains("was denied: InvalidClientTokenId: no (HTTP status 403"));
    }
}
