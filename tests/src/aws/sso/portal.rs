//! `GetRoleCredentials`, as the IAM Identity Center Portal API Reference has it.

use hyper::body::Bytes;
use hyper::{Method, Request};
use serde_json::json;

use crate::expiry::{Expiry, epoch_milliseconds};
use crate::keys::AccessKeys;
use crate::parameters::Parameters;
use crate::protocol;
use crate::refusal::{Form, Refusal};
use crate::secret::Secret;
use crate::service::{Gift, Reply};

const PATH: &str = "/federation/credentials";
const TOKEN_HEADER: &str = "x-amz-sso_bearer_token";

/// How long keys live, until a test says otherwise.
const LIFETIME: Expiry = Expiry::In(std::time::Duration::from_secs(3600));

/// A role of an account that the fake's portal gives out keys for, and who gets them.
#[derive(Clone, Debug)]
pub struct SsoRole {
    access_token: Secret,
    account_id: String,
    role_name: String,
    keys: AccessKeys,
    expiry: Expiry,
}

impl SsoRole {
    /// The role that whoever has this access token has in this account. The keys end an hour after
    /// they were given out. Panics if they have no session token.
    #[must_use]
    #[track_caller]
    pub fn new(access_token: &str, account_id: &str, role_name: &str, keys: AccessKeys) -> Self {
        keys.expect_session_token();
        Self {
            access_token: Secret::new(access_token),
            account_id: account_id.to_owned(),
            role_name: role_name.to_owned(),
            keys,
            expiry: LIFETIME,
        }
    }

    /// The same role, whose keys end then.
    #[must_use]
    pub fn with_expiry(self, expiry: Expiry) -> Self {
        Self { expiry, ..self }
    }

    fn is(&self, account_id: &str, role_name: &str) -> bool {
        self.account_id == account_id && self.role_name == role_name
    }
}

/// What the portal knows.
#[derive(Default)]
pub(crate) struct Portal(Vec<SsoRole>);

impl Portal {
    pub(crate) fn is_meant(request: &Request<Bytes>) -> bool {
        request.method() == Method::GET && request.uri().path() == PATH
    }

    /// A later role counts for an earlier one of the same token, account and name.
    pub(crate) fn add(&mut self, role: SsoRole) {
        self.0.push(role);
    }

    /// Takes a token back: nobody has a role with it any more.
    pub(crate) fn revoke(&mut self, access_token: &str) {
        self.0.retain(|role| role.access_token.0 != access_token);
    }

    pub(crate) fn examine(&self, request: &Request<Bytes>) -> Result<Reply, Refusal> {
        protocol::check_host(request.headers()).map_err(|_| invalid_request("There has to be one Host header."))?;
        if protocol::is_signed(request.headers()) {
            return Err(invalid_request("GetRoleCredentials must not be signed."));
        }
        let query = request.uri().query().unwrap_or_default();
        let parameters = Parameters::parse(query).filter(|parameters| parameters.names().count() == 2);
        let account_and_role = parameters.as_ref().and_then(|parameters| {
            let account_id = parameters.get("account_id")?;
            let is_account = account_id.len() == 12 && account_id.bytes().all(|byte| byte.is_ascii_digit());
            Some((account_id, parameters.get("role_name")?)).filter(|_| is_account)
        });
        let Some((account_id, role_name)) = account_and_role else {
            return Err(invalid_request("The query has to have an account_id and a role_name, and nothing else."));
        };

        let mut tokens = request.headers().get_all(TOKEN_HEADER).iter();
        let (Some(token), None) = (tokens.next(), tokens.next()) else {
            return Err(unauthorized());
        };
        let mut roles = self.0.iter().rev().filter(|role| token == role.access_token.0.as_str()).peekable();
        if roles.peek().is_none() {
            return Err(unauthorized());
        }
        // The reference does not have this error, but it is what the portal says.
        let no_access = || Refusal::new(Form::Rest, 403, "ForbiddenException", "No access");
        let role = roles.find(|role| role.is(account_id, role_name)).ok_or_else(no_access)?;

        let keys = &role.keys;
        let body = json!({
            "roleCredentials": {
                "accessKeyId": keys.access_key_id,
                "secretAccessKey": keys.secret_access_key,
                "sessionToken": keys.session_token,
                "expiration": epoch_milliseconds(role.expiry.moment()),
            }
        });
        let reply = Reply::new(body.to_string().into_bytes(), Gift::Credentials(keys.clone()));
        Ok(reply.with_header("content-type", "application/json"))
    }
}

fn unauthorized() -> Refusal {
    Refusal::new(Form::Rest, 401, "UnauthorizedException", "Session token not found or invalid")
}

fn invalid_request(message: &str) -> Refusal {
    Refusal::new(Form::Rest, 400, "InvalidRequestException", message)
}
