//! CreateToken of AWS IAM Identity Center's OpenID Connect: a new token for one that ends.
//!
//! Source: <https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html>.

use std::time::Duration;

use crate::wiped::Wiped;
use serde_json::Value;

use crate::aws::client::{Call, Client};
use crate::aws::failure;
use crate::aws::request::Operation;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::json::{self, Object};
use crate::secret::Secret;
use crate::world::{Method, Patience, Request, World};

/// How long a lookup waits for a token that it can do without.
const MOMENT: Duration = Duration::from_secs(1);

/// What a new token is asked for with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// The client, by the name that it was registered under.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Secret,
    /// The token for tokens.
    pub refresh_token: Secret,
}

/// A new token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The token itself.
    pub access_token: Secret,
    /// For how many seconds it is good.
    pub expires_in: u32,
    /// The next token for tokens; none where this was the last one.
    pub refresh_token: Option<Secret>,
}

/// Asks for a new token: once, and for a moment, where the old one is still good and the lookup need not wait for another.
///
/// # Errors
///
/// [`Error`], by what AWS answered.
pub fn create_token(
    client: &Client<'_, impl World>,
    endpoint: &Endpoint,
    refresh: &Refresh,
    is_urgent: bool,
) -> Result<Token, Error> {
    let name = format!("CreateToken of {}", endpoint.authority);
    let secrets = [&refresh.client_secret, &refresh.refresh_token];
    let attempts = if is_urgent { client.attempts() } else { 1 };
    let call = Call { name: &name, secrets: &secrets, transient_codes: &[], attempts };
    let body = body(refresh);
    let headers = &[("content-type", "application/json")];
    // The client's secret stands for a signature.
    let operation = Operation { method: Method::Post, path: "/token", headers, body: &body };
    let response = client.call(&call, |_| {
        let request = operation.unsigned(endpoint);
        if is_urgent { request } else { Request { patience: Patience::of(MOMENT), ..request } }
    })?;
    parse(&response.body).map_err(|malformed| failure::malformed(&name, &malformed.to_string()))
}

fn body(refresh: &Refresh) -> Wiped<String> {
    let members = [
        ("clientId", Some(refresh.client_id.as_str())),
        ("clientSecret", Some(refresh.client_secret.expose())),
        ("grantType", Some("refresh_token")),
        ("refreshToken", Some(refresh.refresh_token.expose())),
    ];
    Wiped::new(json::write(&Object::new(), &members).expect("there is no number in it"))
}

/// What is wrong with an answer whose status says that all is well. Nothing of it is repeated: it may hold a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Malformed {
    #[error("an expiresIn that is not a number of seconds")]
    Expiry,
    #[error("no accessToken in it")]
    NoToken,
    #[error("something that is not a JSON object")]
    NotJson,
}

fn parse(body: &[u8]) -> Result<Token, Malformed> {
    let body = json::object(body).ok_or(Malformed::NotJson)?;
    let access_token = json::token(&body, "accessToken").ok_or(Malformed::NoToken)?;
    let seconds = json::member(&body, "expiresIn").and_then(Value::as_u64);
    let expires_in = seconds.and_then(|seconds| u32::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    Ok(Token {
        access_token,
        expires_in: expires_in.ok_or(Malformed::Expiry)?,
        refresh_token: json::secret(&body, "refreshToken"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::endpoint::Service;
    use crate::test_world::{TestWorld, in_lookup};

    fn ask(world: &TestWorld) -> Result<Token, Error> {
        let refresh = Refresh {
            client_id: "client \"1\"".to_owned(),
            client_secret: Secret::new("hunter2".to_owned()),
            refresh_token: Secret::new("hunter3".to_owned()),
        };
        in_lookup(world, &Context::default(), |lookup| {
            create_token(lookup.client, &lookup.endpoint(Service::SsoOidc, "eu-west-1").unwrap(), &refresh, true)
        })
    }

    fn answered(body: &str) -> Result<Token, Error> {
        ask(&TestWorld::default().answer(200, &[], body))
    }

    #[test]
    fn the_request_has_all_in_its_body_and_no_signature() {
        let world = TestWorld::with_environment(&[("AWS_ENDPOINT_URL_SSO_OIDC", "http://localhost:8000/oidc")]);
        ask(&world).unwrap_err();
        let requests = world.requests.borrow();
        let request = &requests[0];
        assert_eq!((request.method, request.authority.as_str()), (Method::Post, "localhost:8000"));
        assert_eq!(request.path, "/oidc/token");
        let body = r#"{"clientId":"client \"1\"","clientSecret":"hunter2","grantType":"refresh_token","refreshToken":"hunter3"}"#;
        assert_eq!(String::from_utf8_lossy(&request.body), body);
        let length = body.len().to_string();
        let headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(headers[0], ("content-length", length.as_str()));
        assert_eq!(headers[2..], [("content-type", "application/json")]);
    }

    #[test]
    fn the_answer_is_a_token_with_or_without_one_for_the_next() {
        let token = |refresh_token: Option<&str>| Token {
            access_token: Secret::new("new".to_owned()),
            expires_in: 28_800,
            refresh_token: refresh_token.map(|token| Secret::new(token.to_owned())),
        };
        let body = r#"{"accessToken":"new","expiresIn":28800,"tokenType":"Bearer"}"#;
        assert_eq!(answered(body), Ok(token(None)));
        let body = r#"{"accessToken":"new","expiresIn":28800,"refreshToken":"next"}"#;
        assert_eq!(answered(body), Ok(token(Some("next"))));
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_told_and_nothing_of_it_repeated() {
        for (body, malformed) in [
            ("hunter4", Malformed::NotJson),
            (r#"{"expiresIn":28800}"#, Malformed::NoToken),
            (r#"{"accessToken":"","expiresIn":28800}"#, Malformed::NoToken),
            (r#"{"accessToken":"hunter4\n","expiresIn":28800}"#, Malformed::NoToken),
            (r#"{"accessToken":"hunter4"}"#, Malformed::Expiry),
            (r#"{"accessToken":"hunter4","expiresIn":0}"#, Malformed::Expiry),
            (r#"{"accessToken":"hunter4","expiresIn":-1}"#, Malformed::Expiry),
            (r#"{"accessToken":"hunter4","expiresIn":4294967296}"#, Malformed::Expiry),
            (r#"{"accessToken":"hunter4","expiresIn":"28800"}"#, Malformed::Expiry),
        ] {
            let text = answered(body).unwrap_err().to_string();
            let begin = format!("CreateToken of oidc.eu-west-1.amazonaws.com answered with {malformed}; check");
            assert!(text.starts_with(&begin) && !text.contains("hunter"), "{text}");
        }
    }

    #[test]
    fn a_refusal_has_code_and_message_and_no_secret() {
        let world = TestWorld::default().answer(
            400,
            &[("x-amzn-errortype", "InvalidGrantException")],
            r#"{"error":"invalid_grant","error_description":"no hunter3 of hunter2"}"#,
        );
        assert_eq!(
            ask(&world),
            Err(Error::Denied(
                "CreateToken of oidc.eu-west-1.amazonaws.com was denied: InvalidGrantException: no [redacted] of [redacted] (HTTP \
                 status 400); log in again with 'aws sso login'"
                    .to_owned()
            ))
        );
    }
}
