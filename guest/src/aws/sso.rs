//! GetRoleCredentials of AWS IAM Identity Center's portal: a role's keys for the bearer of a token.
//!
//! Source: <https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html>.

use serde_json::Value;

use crate::aws::client::{Call, Client};
use crate::aws::failure;
use crate::aws::request::Operation;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::json::{self, Object};
use crate::role_chain::SsoRole;
use crate::secret::Secret;
use crate::sigv4::percent_encode;
use crate::time::Timestamp;
use crate::world::{Method, World};

/// Asks the portal for the keys of a role.
///
/// # Errors
///
/// [`Error`], by what AWS answered.
pub fn get_role_credentials(
    client: &Client<'_, impl World>,
    endpoint: &Endpoint,
    access_token: &Secret,
    role: &SsoRole,
) -> Result<Credentials, Error> {
    let name = format!("GetRoleCredentials of {}", endpoint.authority);
    let call = Call { name: &name, secrets: &[access_token], transient_codes: &[], attempts: client.attempts() };
    let path = path(role);
    let headers = &[("x-amz-sso_bearer_token", access_token.expose())];
    // The token stands for a signature.
    let operation = Operation { method: Method::Get, path: &path, headers, body: "" };
    let response = client.call(&call, |_| operation.unsigned(endpoint))?;
    let keys = parse(&response.body).map_err(|malformed| failure::malformed(&name, &malformed.to_string()))?;
    Ok(Credentials { account_id: Some(role.account_id.clone()), ..keys })
}

fn path(role: &SsoRole) -> String {
    let mut path = "/federation/credentials?role_name=".to_owned();
    percent_encode(role.role_name.as_bytes(), &mut path);
    path.push_str("&account_id=");
    percent_encode(role.account_id.as_bytes(), &mut path);
    path
}

/// What is wrong with an answer whose status says that all is well. Nothing of it is repeated: it may hold a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Malformed {
    #[error("an expiration that is not a time in milliseconds")]
    Expiration,
    #[error("no roleCredentials with accessKeyId, secretAccessKey and sessionToken")]
    NoKeys,
    #[error("something that is not a JSON object")]
    NotJson,
}

fn parse(body: &[u8]) -> Result<Credentials, Malformed> {
    let body = json::object(body).ok_or(Malformed::NotJson)?;
    let role = json::member(&body, "roleCredentials").and_then(Value::as_object).ok_or(Malformed::NoKeys)?;
    let keys = json::keys(role).filter(|keys| keys.session_token.is_some()).ok_or(Malformed::NoKeys)?;
    Ok(Credentials { expires_at: Some(expiration(role).ok_or(Malformed::Expiration)?), ..keys })
}

fn expiration(role: &Object) -> Option<Timestamp> {
    json::time(json::member(role, "expiration")?, 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::endpoint::Service;
    use crate::test_world::{TestWorld, in_lookup};

    const KEYS: &str = r#""accessKeyId":"i","secretAccessKey":"s","sessionToken":"t""#;

    fn ask(world: &TestWorld, role_name: &str) -> Result<Credentials, Error> {
        let role = SsoRole { account_id: "123456789012".to_owned(), role_name: role_name.to_owned() };
        in_lookup(world, &Context::default(), |lookup| {
            let endpoint = lookup.endpoint(Service::Sso, "eu-west-1").unwrap();
            get_role_credentials(lookup.client, &endpoint, &Secret::new("hunter2".to_owned()), &role)
        })
    }

    fn answered(body: &str) -> Result<Credentials, Error> {
        ask(&TestWorld::default().answer(200, &[], body), "Reader")
    }

    #[test]
    fn the_request_has_the_role_in_its_query_and_the_token_in_a_header_and_no_signature() {
        let world = TestWorld::with_environment(&[("AWS_ENDPOINT_URL_SSO", "http://localhost:8000/portal/")]);
        ask(&world, "Read & Write/ü").unwrap_err();
        ask(&TestWorld::default(), "Reader").unwrap_err();
        let requests = world.requests.borrow();
        let request = &requests[0];
        assert_eq!((request.method, request.authority.as_str()), (Method::Get, "localhost:8000"));
        assert_eq!(
            request.path,
            "/portal/federation/credentials?role_name=Read%20%26%20Write%2F%C3%BC&account_id=123456789012"
        );
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["user-agent", "x-amz-sso_bearer_token"]);
        assert_eq!(request.headers[1].1, "hunter2");
        assert!(request.body.is_empty());
    }

    #[test]
    fn the_answer_is_keys_of_the_account_that_was_asked_for() {
        let credentials = answered(&format!(r#"{{"roleCredentials":{{{KEYS},"expiration":1651516560999}}}}"#)).unwrap();
        let expected = Credentials {
            account_id: Some("123456789012".to_owned()),
            expires_at: Some(Timestamp { seconds: 1_651_516_560 }),
            ..Credentials::new("i", "s").with_session_token(Some("t"))
        };
        assert!(credentials == expected);
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_told_and_nothing_of_it_repeated() {
        for (body, malformed) in [
            ("<html>hunter2</html>".to_owned(), Malformed::NotJson),
            ("[]".to_owned(), Malformed::NotJson),
            ("{}".to_owned(), Malformed::NoKeys),
            (r#"{"roleCredentials":"hunter2"}"#.to_owned(), Malformed::NoKeys),
            (r#"{"roleCredentials":{"accessKeyId":"i","secretAccessKey":"hunter2"}}"#.to_owned(), Malformed::NoKeys),
            (format!(r#"{{"roleCredentials":{{{KEYS}}}}}"#), Malformed::Expiration),
            (format!(r#"{{"roleCredentials":{{{KEYS},"expiration":-1}}}}"#), Malformed::Expiration),
            (format!(r#"{{"roleCredentials":{{{KEYS},"expiration":"hunter2"}}}}"#), Malformed::Expiration),
        ] {
            let text = answered(&body).unwrap_err().to_string();
            let begin =
                format!("GetRoleCredentials of portal.sso.eu-west-1.amazonaws.com answered with {malformed}; check");
            assert!(text.starts_with(&begin) && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_token_that_the_portal_does_not_know_asks_for_a_new_login() {
        let headers = [("x-amzn-errortype", "UnauthorizedException"), ("x-amzn-requestid", "7a1b")];
        let world =
            TestWorld::default().answer(401, &headers, r#"{"message":"Session token hunter2 not found or invalid"}"#);
        assert_eq!(
            ask(&world, "Reader"),
            Err(Error::Denied(
                "GetRoleCredentials of portal.sso.eu-west-1.amazonaws.com was denied: UnauthorizedException: Session token \
                 [redacted] not found or invalid (HTTP status 401, request id 7a1b); log in again with 'aws sso login'"
                    .to_owned()
            ))
        );
    }

    #[test]
    fn a_role_that_is_not_the_users_asks_for_a_permission() {
        let world = TestWorld::default().answer(
            403,
            &[("x-amzn-errortype", "ForbiddenException")],
            r#"{"message":"No access"}"#,
        );
        let Err(Error::Denied(text)) = ask(&world, "Reader") else { panic!() };
        assert!(
            text.ends_with("ForbiddenException: No access (HTTP status 403); grant this permission to the identity")
        );
    }
}
