//! `CreateToken` with a refresh token, as the IAM Identity Center OIDC API Reference has it.

use std::time::Duration;

use hyper::body::Bytes;
use hyper::{Method, Request};
use serde_json::{Map, Value, json};

use crate::protocol::{self, check_form};
use crate::refusal::{Form, Refusal};
use crate::secret::Secret;
use crate::service::{Gift, Reply};

const PATH: &str = "/token";
const GRANT: &str = "refresh_token";

/// How long access tokens live, until a test says otherwise.
const LIFETIME: Duration = Duration::from_secs(8 * 3600);

/// A refresh token, and the access token that the fake's OIDC service gives out for it.
#[derive(Clone, Debug)]
pub struct SsoRefresh {
    client_id: String,
    client_secret: Secret,
    refresh_token: Secret,
    access_token: Secret,
    expires_in: Duration,
    new_refresh_token: Option<Secret>,
}

impl SsoRefresh {
    /// The access token that the client with this id and this secret gets for this refresh token, as
    /// often as it asks. The portal accepts it if a [`SsoRole`](crate::SsoRole) of it is declared.
    #[must_use]
    pub fn new(client_id: &str, client_secret: &str, refresh_token: &str, access_token: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            client_secret: Secret::new(client_secret),
            refresh_token: Secret::new(refresh_token),
            access_token: Secret::new(access_token),
            expires_in: LIFETIME,
            new_refresh_token: None,
        }
    }

    /// The same, with the life that the access token is said to have, in whole seconds; 8 hours until
    /// this is called.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self { expires_in: lifetime, ..self }
    }

    /// The same, with a new refresh token that comes with the access token. The old one is worth
    /// nothing from then on. What the new one is good for has to be declared with it.
    #[must_use]
    pub fn with_new_refresh_token(self, refresh_token: &str) -> Self {
        Self { new_refresh_token: Some(Secret::new(refresh_token)), ..self }
    }
}

/// What the OIDC service knows.
#[derive(Default)]
pub(crate) struct Oidc(Vec<SsoRefresh>);

impl Oidc {
    pub(crate) fn is_meant(request: &Request<Bytes>) -> bool {
        request.method() == Method::POST && request.uri() == PATH
    }

    /// A later declaration counts for an earlier one of the same refresh token.
    pub(crate) fn add(&mut self, refresh: SsoRefresh) {
        self.spend(&refresh.refresh_token.0.clone());
        self.0.push(refresh);
    }

    /// Makes a refresh token worthless.
    pub(crate) fn spend(&mut self, refresh_token: &str) {
        self.0.retain(|refresh| refresh.refresh_token.0 != refresh_token);
    }

    pub(crate) fn examine(&self, request: &Request<Bytes>) -> Result<Reply, Refusal> {
        check_form(request.headers(), &["application/json"]).map_err(|refusal| {
            refusal.reworded(Form::OAuth("invalid_request"), |_| (400, "InvalidRequestException"))
        })?;
        if protocol::is_signed(request.headers()) {
            return Err(invalid_request("CreateToken must not be signed."));
        }
        let body: Option<Map<String, Value>> = serde_json::from_slice(request.body()).ok();
        let body = body.ok_or_else(|| invalid_request("The body has to be a JSON object."))?;
        let text = |name| body.get(name).and_then(Value::as_str).ok_or_else(|| invalid_request("Missing parameter."));
        let (client_id, client_secret) = (text("clientId")?, text("clientSecret")?);
        if text("grantType")? != GRANT {
            let code = "UnsupportedGrantTypeException";
            return Err(oauth("unsupported_grant_type", 400, code, "The fake knows refresh_token only."));
        }
        let refresh_token = text("refreshToken")?;
        if body.len() != 4 {
            return Err(invalid_request("There are parameters that do not belong to this grant."));
        }

        let refresh =
            self.0.iter().find(|refresh| refresh.refresh_token.0 == refresh_token).ok_or_else(|| {
                oauth("invalid_grant", 400, "InvalidGrantException", "Invalid refresh token provided")
            })?;
        if refresh.client_id != client_id || refresh.client_secret.0 != client_secret {
            return Err(oauth("invalid_client", 401, "InvalidClientException", "Invalid client credentials provided"));
        }
        Ok(refresh.reply())
    }
}

impl SsoRefresh {
    fn reply(&self) -> Reply {
        let mut body = json!({
            "accessToken": self.access_token.0,
            "tokenType": "Bearer",
            "expiresIn": self.expires_in.as_secs(),
        });
        if let Some(new) = &self.new_refresh_token {
            body["refreshToken"] = json!(new.0);
        }
        let replaced = self.new_refresh_token.as_ref().map(|_| self.refresh_token.0.clone());
        Reply::new(body.to_string().into_bytes(), Gift::AccessToken { replaced_refresh_token: replaced })
            .with_header("content-type", "application/json")
    }
}

fn invalid_request(message: &str) -> Refusal {
    oauth("invalid_request", 400, "InvalidRequestException", message)
}

fn oauth(error: &'static str, status: u16, code: &'static str, message: &str) -> Refusal {
    Refusal::new(Form::OAuth(error), status, code, message)
}
