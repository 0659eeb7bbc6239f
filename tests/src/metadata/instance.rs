//! IMDSv2, as 'Use the Instance Metadata Service to access instance metadata' and 'Retrieve security
//! credentials from instance metadata' of the Amazon EC2 User Guide have it.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant, SystemTime};

use hyper::body::Bytes;
use hyper::header::HeaderMap;
use hyper::{Method, Request};
use serde_json::json;

use crate::expiry::{Expiry, iso_8601};
use crate::keys::AccessKeys;
use crate::parameters::{Plus, decode};
use crate::refusal::{Form, Refusal};
use crate::service::{Gift, Reply};

const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/iam/security-credentials/";
const LIFETIME_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";

/// What the service takes for a request that came through a proxy, which it does not serve.
const PROXY_HEADER: &str = "x-forwarded-for";

/// How long a session token may live, in seconds.
const LIFETIMES: RangeInclusive<u64> = 1..=21_600;

/// How long credentials live, until a test says otherwise.
const CREDENTIALS_LIFETIME: Expiry = Expiry::In(Duration::from_secs(6 * 3600));

/// The role of an instance, and the credentials that the metadata service gives out for it.
#[derive(Clone, Debug)]
pub struct InstanceRole {
    name: String,
    keys: AccessKeys,
    expiry: Expiry,
    failing_code: Option<String>,
}

impl InstanceRole {
    /// A role of this name. Its keys end six hours after they were given out. Panics if they have no
    /// session token.
    #[must_use]
    #[track_caller]
    pub fn new(name: &str, keys: AccessKeys) -> Self {
        keys.expect_session_token();
        Self { name: name.to_owned(), keys, expiry: CREDENTIALS_LIFETIME, failing_code: None }
    }

    /// The same role, whose keys end then.
    #[must_use]
    pub fn with_expiry(self, expiry: Expiry) -> Self {
        Self { expiry, ..self }
    }

    /// The same role, without keys: the document of its credentials has this code, such as
    /// `AssumeRoleUnauthorizedAccess`, in the place of `Success`. The HTTP status is 200 all the same.
    #[must_use]
    pub fn with_failing_code(self, code: &str) -> Self {
        Self { failing_code: Some(code.to_owned()), ..self }
    }

    fn reply(&self) -> Reply {
        let now = iso_8601(SystemTime::now());
        if let Some(code) = &self.failing_code {
            let document = json!({
                "Code": code,
                "Message": format!("EC2 cannot assume the role {}.", self.name),
                "LastUpdated": now,
            });
            return Reply::new(document.to_string().into_bytes(), Gift::Nothing);
        }
        let document = json!({
            "Code": "Success",
            "LastUpdated": now,
            "Type": "AWS-HMAC",
            "AccessKeyId": self.keys.access_key_id,
            "SecretAccessKey": self.keys.secret_access_key,
            "Token": self.keys.session_token,
            "Expiration": iso_8601(self.expiry.moment()),
        });
        Reply::new(document.to_string().into_bytes(), Gift::Credentials(self.keys.clone()))
    }
}

/// What the metadata service knows.
#[derive(Default)]
pub(super) struct Instance {
    role: Option<InstanceRole>,
    hop_limit_reached: bool,
    /// The session tokens, and when each of them ends.
    tokens: Vec<(String, Instant)>,
    tokens_issued: usize,
}

impl Instance {
    pub(super) fn set_role(&mut self, role: Option<InstanceRole>) {
        self.role = role;
    }

    pub(super) fn set_hop_limit_reached(&mut self, reached: bool) {
        self.hop_limit_reached = reached;
    }

    pub(super) fn expire_tokens(&mut self) {
        self.tokens.clear();
    }

    pub(super) fn examine(&mut self, request: &Request<Bytes>) -> Result<Reply, Refusal> {
        let path = request.uri().to_string();
        if path == TOKEN_PATH && request.method() == Method::PUT {
            return self.token(request.headers());
        }
        let Some(role) = path.strip_prefix(ROLES_PATH).filter(|_| request.method() == Method::GET) else {
            return Err(not_found("there is nothing here"));
        };
        self.check_token(request.headers())?;
        let known = self.role.as_ref().ok_or_else(|| not_found("the instance has no role"))?;
        if role.is_empty() {
            return Ok(Reply::new(known.name.clone().into_bytes(), Gift::Nothing));
        }
        match decode(role, Plus::IsPlus) {
            Some(role) if role == known.name => Ok(known.reply()),
            _ => Err(not_found("the instance has another role")),
        }
    }

    fn token(&mut self, headers: &HeaderMap) -> Result<Reply, Refusal> {
        if self.hop_limit_reached {
            return Err(Refusal::new(Form::Silence, 0, "(no answer)", "the hop limit is reached"));
        }
        if headers.contains_key(PROXY_HEADER) {
            return Err(page(403, "Forbidden", format!("there is a header {PROXY_HEADER}")));
        }
        let seconds = single_value(headers, LIFETIME_HEADER)
            .and_then(|value| value.parse().ok())
            .filter(|seconds| LIFETIMES.contains(seconds))
            .ok_or_else(|| page(400, "Bad Request", format!("{LIFETIME_HEADER} has to be of {LIFETIMES:?}")))?;

        self.tokens_issued += 1;
        let token = format!("keyward-testbed-metadata-token-{}==", self.tokens_issued);
        self.tokens.push((token.clone(), Instant::now() + Duration::from_secs(seconds)));
        let reply = Reply::new(token.into_bytes(), Gift::Nothing);
        Ok(reply.with_header(LIFETIME_HEADER, &seconds.to_string()))
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let now = Instant::now();
        let is_valid = single_value(headers, TOKEN_HEADER)
            .is_some_and(|token| self.tokens.iter().any(|(known, end)| known == token && now < *end));
        if is_valid { Ok(()) } else { Err(page(401, "Unauthorized", "the session token is missing, wrong or expired")) }
    }
}

/// The value of a header that a request has exactly once.
fn single_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn not_found(message: &str) -> Refusal {
    page(404, "Not Found", message)
}

fn page(status: u16, reason: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(Form::Page, status, reason, message)
}
