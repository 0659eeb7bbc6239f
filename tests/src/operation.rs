//! The operations that the fake knows: `GetAuthorizationToken` of ECR and of ECR Public.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Bytes;
use hyper::header::HeaderMap;
use hyper::{Method, Request};
use serde_json::{Value, json};

use crate::protocol::region_suits;
use crate::refusal::Refusal;
use crate::signature::CredentialScope;

/// What every password of the fake begins with. It occurs nowhere else, so a test can look for it
/// in everything that must not hold a secret.
pub const PASSWORD_MARK: &str = "keyward-testbed-password";

/// The account of requests that name none.
pub const DEFAULT_ACCOUNT: &str = "123456789012";

/// The one region of ECR Public's API.
pub const PUBLIC_REGION: &str = "us-east-1";

/// The content type of AWS's JSON protocol.
pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The password that the fake gives out for a private registry.
///
/// It holds colons, as a password may: a token is to be split at its first one.
#[must_use]
pub fn private_password(account: &str, region: &str) -> String {
    format!("{PASSWORD_MARK}:{account}:{region}")
}

/// The password that the fake gives out for ECR Public.
#[must_use]
pub fn public_password() -> String {
    format!("{PASSWORD_MARK}:public")
}

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// ECR's.
    Private,
    /// ECR Public's.
    Public,
}

impl Operation {
    /// The operation that a request asks for.
    pub(crate) fn of(request: &Request<Bytes>) -> Result<Self, Refusal> {
        let mut targets = request.headers().get_all("x-amz-target").iter();
        let operation = match (targets.next().map(|target| target.as_bytes()), targets.next()) {
            (Some(b"AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"), None) => Self::Private,
            (Some(b"SpencerFrontendService.GetAuthorizationToken"), None) => Self::Public,
            _ => return Err(Refusal::unknown_operation()),
        };
        if request.method() == Method::POST && request.uri() == "/" {
            Ok(operation)
        } else {
            Err(Refusal::unknown_operation())
        }
    }

    /// Checks what the signature is for: the service, and a region that suits the host.
    pub(crate) fn check_scope(self, scope: &CredentialScope, headers: &HeaderMap) -> Result<(), Refusal> {
        let service = match self {
            Self::Private => "ecr",
            Self::Public => "ecr-public",
        };
        if scope.service != service {
            return Err(Refusal::invalid_signature(format!(
                "Credential should be scoped to correct service: '{service}'."
            )));
        }
        let region_fits = match self {
            Self::Private => !scope.region.is_empty() && region_suits(&scope.region, headers),
            Self::Public => scope.region == PUBLIC_REGION,
        };
        if region_fits {
            Ok(())
        } else {
            Err(Refusal::invalid_signature("Credential should be scoped to a valid region."))
        }
    }

    /// The body of the answer to a request whose signature is right.
    pub(crate) fn answer(
        self,
        body: &[u8],
        scope: &CredentialScope,
        token_lifetime: Duration,
        password_suffix: &str,
    ) -> Result<Vec<u8>, Refusal> {
        let expires_at = expires_at(token_lifetime);
        let data = match self {
            Self::Private => registry_ids(body)?
                .iter()
                .map(|account| {
                    let region = &scope.region;
                    json!({
                        "authorizationToken": token(&private_password(account, region), password_suffix),
                        "expiresAt": expires_at,
                        "proxyEndpoint": format!("https://{account}.dkr.ecr.{region}.amazonaws.com"),
                    })
                })
                .collect(),
            Self::Public => {
                object(body)?;
                json!({
                    "authorizationToken": token(&public_password(), password_suffix),
                    "expiresAt": expires_at,
                })
            }
        };
        Ok(json!({ "authorizationData": data }).to_string().into_bytes())
    }
}

/// The accounts that a request to ECR asks for.
fn registry_ids(body: &[u8]) -> Result<Vec<String>, Refusal> {
    let request = object(body)?;
    let Some(ids) = request.get("registryIds").filter(|ids| !ids.is_null()) else {
        return Ok(vec![DEFAULT_ACCOUNT.to_owned()]);
    };
    let ids: Option<Vec<String>> =
        ids.as_array().filter(|ids| (1..=10).contains(&ids.len())).and_then(|ids| ids.iter().map(account).collect());
    ids.ok_or_else(|| {
        Refusal::invalid_parameter(
            "Invalid parameter at 'registryIds' failed to satisfy constraint: \
             'Member must satisfy regular expression pattern: [0-9]{12}'",
        )
    })
}

fn account(id: &Value) -> Option<String> {
    let id = id.as_str()?;
    let valid = id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| id.to_owned())
}

fn object(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| Refusal::serialization("The body has to be a JSON object."))
}

fn token(password: &str, suffix: &str) -> String {
    STANDARD.encode(format!("AWS:{password}{suffix}"))
}

/// Seconds since 1970, with a fraction of three digits, as AWS writes them.
fn expires_at(token_lifetime: Duration) -> f64 {
    let since_epoch =
        (SystemTime::now() + token_lifetime).duration_since(UNIX_EPOCH).expect("the tests run after 1970");
    since_epoch.as_millis() as f64 / 1000.0
}
