//! GetAuthorizationToken of Amazon ECR and of Amazon ECR Public.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html> and
//! <https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html>.

use crate::wiped::Wiped;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::aws::client::{Call, Client};
use crate::aws::failure;
use crate::aws::request::Operation;
use crate::credentials::Credentials;
use crate::endpoint::{Endpoint, Service};
use crate::error::Error;
use crate::json;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::world::{Method, Request, Response, World};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The parameters: none. `registryIds` is deprecated, and a token is good for every registry that the caller may use.
const BODY: &str = "{}";

/// What a registry takes as user name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryCredential {
    /// The user name, `AWS`.
    pub username: String,
    /// The password.
    pub password: Secret,
    /// When the registry stops accepting it, in seconds since 1970; `None` where the service did not say.
    pub expires_at: Option<u64>,
}

/// Asks the endpoint for a token.
///
/// # Errors
///
/// [`Error`], by what AWS answered.
pub fn get_authorization_token(
    client: &Client<'_, impl World>,
    endpoint: &Endpoint,
    credentials: &Credentials,
) -> Result<RegistryCredential, Error> {
    let name = format!("GetAuthorizationToken of {}", endpoint.authority);
    let secrets: Vec<&Secret> = credentials.secrets().collect();
    let call = Call { name: &name, secrets: &secrets, transient_codes: &[], attempts: client.attempts() };
    let response = client.call(&call, |time| request(endpoint, credentials, time))?;
    parse(&response, endpoint.service).map_err(|what| failure::malformed(&name, &what.to_string()))
}

fn request(endpoint: &Endpoint, credentials: &Credentials, time: Timestamp) -> Request {
    let target = match endpoint.service {
        Service::EcrPublic => "SpencerFrontendService.GetAuthorizationToken",
        _ => "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
    };
    let headers = &[("content-type", CONTENT_TYPE), ("x-amz-target", target)];
    Operation { method: Method::Post, path: "/", headers, body: BODY }.signed(endpoint, credentials, time)
}

/// What is wrong with an answer whose status says that all is well. Nothing of it is repeated: it may hold a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Malformed {
    #[error("an empty list of tokens")]
    EmptyList,
    #[error("an expiry that is not a time in seconds")]
    Expiry,
    #[error("a token that is not base64")]
    NotBase64,
    #[error("something that is not JSON")]
    NotJson,
    #[error("a token without a colon between user name and password")]
    NoColon,
    #[error("no token in it")]
    NoToken,
}

fn parse(response: &Response, service: Service) -> Result<RegistryCredential, Malformed> {
    let body: Value = serde_json::from_slice(&response.body).map_err(|_| Malformed::NotJson)?;
    let data = body.get("authorizationData").ok_or(Malformed::NoToken)?;
    let data = match service {
        // ECR Public answers with one object where ECR has a list of them.
        Service::EcrPublic => data,
        _ => data.as_array().ok_or(Malformed::NoToken)?.first().ok_or(Malformed::EmptyList)?,
    };
    let token = data.get("authorizationToken").and_then(Value::as_str).ok_or(Malformed::NoToken)?;
    let token = Wiped::new(STANDARD.decode(token).map_err(|_| Malformed::NotBase64)?);
    let token = std::str::from_utf8(&token).map_err(|_| Malformed::NotBase64)?;
    // The password may have colons of its own.
    let (username, password) = token.split_once(':').ok_or(Malformed::NoColon)?;
    if username.is_empty() || password.is_empty() {
        return Err(Malformed::NoToken);
    }
    Ok(RegistryCredential {
        username: username.to_owned(),
        password: Secret::new(password.to_owned()),
        expires_at: expiry(data.get("expiresAt"))?,
    })
}

/// A JSON number of seconds: an integer, with a fraction (which is dropped, so that the expiry is never late) or with an
/// exponent.
fn expiry(value: Option<&Value>) -> Result<Option<u64>, Malformed> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match json::time(value, 1.0) {
            Some(time) => Ok(Some(time.seconds)),
            None => Err(Malformed::Expiry),
        },
    }
}

#[cfg(test)]
mod tests;
