//! The document in which the services inside of AWS's machines give out credentials: EC2's instance metadata, ECS, EKS Pod Identity.
//!
//! Source: aws-config 1.13, `json_credentials.rs`.

use crate::aws::failure::Failure;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::json;
use crate::time::Timestamp;
use crate::world::{HttpError, Response};

/// Why an answer has no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoCredentials {
    /// Not what such a service answers; another attempt may come to something else. Nothing of it is repeated: it may hold a key.
    Malformed(&'static str),
    /// The service says no.
    Refused(Failure),
}

/// The credentials in an answer. Whatever has a `Code` other than `Success` is a refusal, with whichever status it came.
///
/// # Errors
///
/// [`NoCredentials`].
pub fn credentials(response: &Response) -> Result<Credentials, NoCredentials> {
    if !response.is_success() {
        return Err(NoCredentials::Refused(Failure::parse(response)));
    }
    let malformed = |what| Err(NoCredentials::Malformed(what));
    let Some(document) = json::object(&response.body) else { return malformed("something that is not JSON") };
    if let Some(code) = json::text(&document, "Code").filter(|code| *code != "Success") {
        return Err(NoCredentials::Refused(Failure {
            status: response.status,
            code: Some(code.to_owned()),
            message: json::text(&document, "Message").map(str::to_owned),
            request_id: None,
        }));
    }
    let Some(keys) = json::keys(&document) else { return malformed("no AccessKeyId and SecretAccessKey") };
    // IMDS and the containers' services call it `Token`.
    let Some(token) = json::secret(&document, "Token").or(keys.session_token) else { return malformed("no Token") };
    let expiration = json::text(&document, "Expiration").or_else(|| json::text(&document, "ExpiresAt"));
    let Some(expires_at) = expiration.and_then(Timestamp::parse_rfc3339) else {
        return malformed("no Expiration that is a time");
    };
    Ok(Credentials {
        session_token: Some(token),
        account_id: json::text(&document, "AccountId").map(str::to_owned),
        expires_at: Some(expires_at),
        ..keys
    })
}

/// The error of a lookup that got nonsense from the service of this name.
pub fn malformed(service: &str, what: &str) -> Error {
    Error::Invalid(format!("{service} answered with {what}; check what answers there"))
}

/// The error of a lookup that got no answer from the service of this name; `advice` is what to do where the network is to blame.
pub fn no_answer(service: &str, error: &HttpError, advice: &str) -> Error {
    let (class, advice): (fn(String) -> Error, _) = match error {
        HttpError::Refused => (Error::Invalid, "allow it with --allow (KEYWARD_ALLOW)"),
        HttpError::HeadersTooLarge | HttpError::TooLarge => (Error::Invalid, "check what answers there"),
        HttpError::Tls(_) => (Error::Unavailable, "check the trusted certificates (AWS_CA_BUNDLE)"),
        HttpError::Connection(_) | HttpError::Resolution(_) | HttpError::Response(_) | HttpError::Timeout => {
            (Error::Unavailable, advice)
        }
    };
    class(format!("{service} failed: {error}; {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(status: u16, body: &str) -> Result<Credentials, NoCredentials> {
        let body = crate::wiped::Wiped::new(body.as_bytes().to_vec());
        credentials(&Response { status, headers: Vec::new(), body })
    }

    #[test]
    fn the_names_are_taken_in_any_case_and_so_are_their_aliases() {
        for (token, expiration, account) in
            [("Token", "Expiration", "AccountId"), ("sessiontoken", "EXPIRESAT", "accountID")]
        {
            let body = format!(
                r#"{{"Code": "Success", "accesskeyid": "i", "SECRETACCESSKEY": "s", "{token}": "t",
                     "{expiration}": "2015-08-30T12:36:00Z", "{account}": "1", "Type": "AWS-HMAC", "Extra": [1]}}"#
            );
            let expected = Credentials {
                account_id: Some("1".to_owned()),
                expires_at: Some(Timestamp { seconds: 1_440_938_160 }),
                ..Credentials::new("i", "s").with_session_token(Some("t"))
            };
            assert_eq!(parsed(200, &body), Ok(expected));
        }
    }

    #[test]
    fn neither_a_code_nor_an_account_has_to_be_there() {
        let body =
            r#"{"AccessKeyId": "i", "SecretAccessKey": "s", "Token": "t", "Expiration": "2015-08-30T12:36:00Z"}"#;
        assert_eq!(parsed(200, body).unwrap().account_id, None);
    }

    #[test]
    fn a_code_is_a_refusal_with_whichever_status_it_came() {
        for (status, body) in [
            (200, r#"{"Code": "NoGood", "Message": "because", "AccessKeyId": "i"}"#),
            (200, r#"{"code": "NoGood", "message": "because"}"#),
            (403, r#"{"code": "NoGood", "message": "because"}"#),
        ] {
            let Err(NoCredentials::Refused(failure)) = parsed(status, body) else { panic!("{body}") };
            let (code, message) = (failure.code.as_deref(), failure.message.as_deref());
            assert_eq!((failure.status, code, message), (status, Some("NoGood"), Some("because")));
        }
    }

    #[test]
    fn what_is_wrong_with_a_document_is_told_and_nothing_of_it_repeated() {
        for (body, what) in [
            ("", "something that is not JSON"),
            ("[1]", "something that is not JSON"),
            ("404: hunter2", "something that is not JSON"),
            (r#"{"AccessKeyId": "i"}"#, "no AccessKeyId and SecretAccessKey"),
            (r#"{"AccessKeyId": "i", "SecretAccessKey": ""}"#, "no AccessKeyId and SecretAccessKey"),
            (r#"{"AccessKeyId": "i", "SecretAccessKey": "hunter2"}"#, "no Token"),
            (r#"{"AccessKeyId": "i", "SecretAccessKey": "s", "Token": "t"}"#, "no Expiration that is a time"),
            (
                r#"{"AccessKeyId": "i", "SecretAccessKey": "s", "Token": "t", "Expiration": "soon"}"#,
                "no Expiration that is a time",
            ),
        ] {
            assert_eq!(parsed(200, body), Err(NoCredentials::Malformed(what)), "{body}");
        }
    }
}
