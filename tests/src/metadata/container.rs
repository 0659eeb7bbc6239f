//! The credentials of containers, as 'Task IAM role' of the Amazon ECS Developer Guide, 'Pod Identity'
//! of the Amazon EKS User Guide and 'Container credential provider' of the AWS SDKs and Tools
//! Reference Guide have them.

use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderName};
use hyper::{Method, Request};
use serde_json::json;

use crate::expiry::{Expiry, iso_8601};
use crate::keys::AccessKeys;
use crate::refusal::{Form, Refusal};
use crate::secret::Secret;
use crate::service::{Gift, Reply};

const JSON: &str = "application/json";

/// How long credentials live, until a test says otherwise.
const LIFETIME: Expiry = Expiry::In(Duration::from_secs(6 * 3600));

/// The credentials that a container or a pod gets at some path.
#[derive(Clone, Debug)]
pub struct ContainerCredentials {
    path: String,
    authorization: Option<Secret>,
    keys: AccessKeys,
    expiry: Expiry,
    account_id: Option<String>,
    role_arn: Option<String>,
}

impl ContainerCredentials {
    /// Credentials at this path, with the query if there is one: such as `/v2/credentials/<UUID>`,
    /// which ECS has, or `/v1/credentials` of EKS. They need no authorization, and end six hours after
    /// they were given out. Panics if the path does not begin with a slash, or if the keys have no
    /// session token.
    #[must_use]
    #[track_caller]
    pub fn new(path: &str, keys: AccessKeys) -> Self {
        assert!(path.starts_with('/'), "{path:?} is not a path");
        keys.expect_session_token();
        Self { path: path.to_owned(), authorization: None, keys, expiry: LIFETIME, account_id: None, role_arn: None }
    }

    /// The same credentials, for requests whose `Authorization` is exactly this token.
    #[must_use]
    pub fn with_authorization(self, token: &str) -> Self {
        Self { authorization: Some(Secret::new(token)), ..self }
    }

    /// The same credentials, which end then.
    #[must_use]
    pub fn with_expiry(self, expiry: Expiry) -> Self {
        Self { expiry, ..self }
    }

    /// The same credentials, with the account in the document, as EKS has it.
    #[must_use]
    pub fn with_account_id(self, account_id: &str) -> Self {
        Self { account_id: Some(account_id.to_owned()), ..self }
    }

    /// The same credentials, with the role in the document, as ECS has it.
    #[must_use]
    pub fn with_role_arn(self, role_arn: &str) -> Self {
        Self { role_arn: Some(role_arn.to_owned()), ..self }
    }

    fn examine(&self, request: &Request<Bytes>) -> Result<Reply, Refusal> {
        if request.method() != Method::GET {
            return Err(refusal(405, "MethodNotAllowed", "the method has to be GET"));
        }
        if !has_exactly(request, ACCEPT, JSON) {
            return Err(refusal(406, "NotAcceptable", "there has to be one Accept header, application/json"));
        }
        if self.authorization.as_ref().is_some_and(|token| !has_exactly(request, AUTHORIZATION, &token.0)) {
            return Err(refusal(401, "Unauthorized", "the authorization token is missing or wrong"));
        }
        let mut document = json!({
            "AccessKeyId": self.keys.access_key_id,
            "SecretAccessKey": self.keys.secret_access_key,
            "Token": self.keys.session_token,
            "Expiration": iso_8601(self.expiry.moment()),
        });
        for (name, value) in [("AccountId", &self.account_id), ("RoleArn", &self.role_arn)] {
            if let Some(value) = value {
                document[name] = json!(value);
            }
        }
        let reply = Reply::new(document.to_string().into_bytes(), Gift::Credentials(self.keys.clone()));
        Ok(reply.with_header("content-type", JSON))
    }
}

/// The credentials of all paths.
#[derive(Default)]
pub(super) struct Containers(Vec<ContainerCredentials>);

impl Containers {
    pub(super) fn set(&mut self, credentials: ContainerCredentials) {
        self.0.retain(|known| known.path != credentials.path);
        self.0.push(credentials);
    }

    #[track_caller]
    pub(super) fn set_authorization(&mut self, path: &str, token: &str) {
        let credentials = self.0.iter_mut().find(|known| known.path == path);
        let credentials = credentials.unwrap_or_else(|| panic!("there are no credentials at {path:?}"));
        credentials.authorization = Some(Secret::new(token));
    }

    /// The reply to a request for a path where there are credentials.
    pub(super) fn examine(&self, request: &Request<Bytes>) -> Option<Result<Reply, Refusal>> {
        let credentials = self.0.iter().find(|credentials| *request.uri() == *credentials.path)?;
        Some(credentials.examine(request))
    }
}

fn has_exactly(request: &Request<Bytes>, name: HeaderName, value: &str) -> bool {
    let mut values = request.headers().get_all(name).iter();
    values.next().is_some_and(|first| first == value) && values.next().is_none()
}

fn refusal(status: u16, code: &'static str, message: &str) -> Refusal {
    Refusal::new(Form::Container, status, code, message)
}
