//! The document in which the services inside of AWS's machines give out credentials: EC2's instance metadata, ECS, EKS Pod Identity.
//!
//! Source: aws-config 1.13, `json_credentials.rs`.

use serde_json::Value;

use crate::aws::failure::Failure;
use crate::credentials::Credentials;
use crate::time::Timestamp;
use crate::world::Response;

/// Why an answer has no credentials. Nothing of it is repeated but what the service says about its refusal: it may hold a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCredentials {
    /// Not what such a service answers; another attempt may come to something else.
    #[error("answered with {0}")]
    Malformed(&'static str),
    /// The service says no.
    #[error("refused")]
    Refused(Failure),
}

/// The credentials in an answer.
///
/// The names are taken in any case. Whatever has a `Code` other than `Success` is a refusal, with whichever status it came.
///
/// # Errors
///
/// [`NoCredentials`].
pub fn credentials(response: &Response) -> Result<Credentials, NoCredentials> {
    if !is_success(response) {
        return Err(NoCredentials::Refused(Failure::parse(response)));
    }
    let malformed = |what| Err(NoCredentials::Malformed(what));
    let Ok(Value::Object(document)) = serde_json::from_slice(&response.body) else {
        return malformed("something that is not JSON");
    };
    let text = |names: &[&str]| {
        let is_one = |key: &str| names.iter().any(|name| key.eq_ignore_ascii_case(name));
        document.iter().filter(|(key, _)| is_one(key)).find_map(|(_, value)| value.as_str())
    };
    if let Some(code) = text(&["Code"]).filter(|code| *code != "Success") {
        return Err(NoCredentials::Refused(Failure {
            status: response.status,
            code: Some(code.to_owned()),
            message: text(&["Message"]).map(str::to_owned),
            request_id: None,
        }));
    }
    let key = |names: &[&str]| text(names).filter(|text| !text.is_empty());
    let (Some(id), Some(secret)) = (key(&["AccessKeyId"]), key(&["SecretAccessKey"])) else {
        return malformed("no AccessKeyId and SecretAccessKey");
    };
    let Some(token) = key(&["Token", "SessionToken"]) else { return malformed("no Token") };
    let Some(expires_at) = key(&["Expiration", "ExpiresAt"]).and_then(Timestamp::parse_rfc3339) else {
        return malformed("no Expiration that is a time");
    };
    Ok(Credentials {
        account_id: key(&["AccountId"]).map(str::to_owned),
        expires_at: Some(expires_at),
        ..Credentials::new(id, secret).with_session_token(Some(token))
    })
}

/// Whether the status of an answer is 2xx.
pub fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(status: u16, body: &str) -> Result<Credentials, NoCredentials> {
        let body = zeroize::Zeroizing::new(body.as_bytes().to_vec());
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
