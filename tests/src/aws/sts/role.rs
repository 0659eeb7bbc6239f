//! The roles that a test declares.

use std::time::Duration;

use crate::expiry::Expiry;
use crate::keys::AccessKeys;
use crate::secret::Secret;

/// A role that the fake's STS lets others assume, and the temporary keys that it gives out for it.
///
/// What it says about who may assume it is its trust policy: without any of that, everyone whose
/// keys the fake knows may; with web identity tokens alone, nobody by `AssumeRole`.
#[derive(Clone, Debug)]
pub struct Role {
    arn: RoleArn,
    external_id: Option<String>,
    callers: Vec<String>,
    web_identities: Vec<(Secret, WebIdentity)>,
    keys: AccessKeys,
    expiry: Option<Expiry>,
}

impl Role {
    /// A role with this ARN, such as `arn:aws:iam::123456789012:role/path/name`, and keys of its own.
    /// Panics if this is not the ARN of a role.
    #[must_use]
    #[track_caller]
    pub fn new(arn: &str) -> Self {
        let arn = RoleArn::parse(arn).unwrap_or_else(|| panic!("{arn:?} is not the ARN of a role"));
        Self {
            keys: arn.default_keys(),
            arn,
            external_id: None,
            callers: Vec::new(),
            web_identities: Vec::new(),
            expiry: None,
        }
    }

    /// The same role, for `AssumeRole` with this external id only.
    #[must_use]
    pub fn with_external_id(self, external_id: &str) -> Self {
        Self { external_id: Some(external_id.to_owned()), ..self }
    }

    /// The same role, for `AssumeRole` signed with these keys, besides others of which this was said.
    #[must_use]
    pub fn with_caller(mut self, access_key_id: &str) -> Self {
        self.callers.push(access_key_id.to_owned());
        self
    }

    /// The same role, for `AssumeRoleWithWebIdentity` with this token too.
    #[must_use]
    pub fn with_web_identity_token(mut self, token: &str) -> Self {
        self.web_identities.push((Secret::new(token), WebIdentity::Valid));
        self
    }

    /// The same role, with a web identity token that has been valid once: STS says that it expired.
    #[must_use]
    pub fn with_expired_web_identity_token(mut self, token: &str) -> Self {
        self.web_identities.push((Secret::new(token), WebIdentity::Expired));
        self
    }

    /// The same role, for which these keys are given out. Panics if they have no session token.
    #[must_use]
    #[track_caller]
    pub fn with_keys(self, keys: AccessKeys) -> Self {
        keys.expect_session_token();
        Self { keys, ..self }
    }

    /// The same role, whose keys end then, and not when a request says or, if none does, in an hour.
    #[must_use]
    pub fn with_expiry(self, expiry: Expiry) -> Self {
        Self { expiry: Some(expiry), ..self }
    }

    /// The temporary keys that are given out for this role. The fake accepts them once they were.
    #[must_use]
    pub fn keys(&self) -> &AccessKeys {
        &self.keys
    }

    /// The ARN of the role.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn.text
    }

    /// The ARN of a session, `arn:aws:sts::<account>:assumed-role/<role>/<session>`: without the
    /// role's path.
    #[must_use]
    pub fn assumed_arn(&self, session_name: &str) -> String {
        let RoleArn { partition, account, name, .. } = &self.arn;
        format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}")
    }

    /// Whether `AssumeRole` is allowed.
    pub(super) fn admits(&self, caller: &str, external_id: Option<&str>) -> bool {
        let caller_fits = if self.callers.is_empty() {
            self.web_identities.is_empty()
        } else {
            self.callers.iter().any(|known| known == caller)
        };
        caller_fits && self.external_id.as_deref().is_none_or(|expected| external_id == Some(expected))
    }

    /// What is known of a web identity token.
    pub(super) fn web_identity(&self, token: &str) -> Option<WebIdentity> {
        self.web_identities.iter().rev().find(|(known, _)| known.0 == token).map(|(_, identity)| *identity)
    }

    /// When keys end that are given out to a request for a session of this length.
    pub(super) fn expiry(&self, requested: Duration) -> Expiry {
        self.expiry.unwrap_or(Expiry::In(requested))
    }
}

/// What is known of a web identity token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WebIdentity {
    Valid,
    Expired,
}

/// The ARN of a role, and its parts.
#[derive(Clone, Debug)]
struct RoleArn {
    text: String,
    partition: String,
    account: String,
    name: String,
}

impl RoleArn {
    fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts[..] else {
            return None;
        };
        let name = resource.strip_prefix("role/")?.rsplit('/').next()?;
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (is_account && !partition.is_empty() && !name.is_empty()).then(|| Self {
            text: text.to_owned(),
            partition: partition.to_owned(),
            account: account.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Keys that no other role has. They are made of the ARN, so that a failed test tells whose they are.
    fn default_keys(&self) -> AccessKeys {
        let letters = self.text.chars().filter(char::is_ascii_alphanumeric);
        let id: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
        AccessKeys::new(&format!("ASIA{id}"), &format!("keyward-testbed-role-secret/{}", self.text))
            .with_session_token(&format!("keyward-testbed-role-token/{}", self.text))
    }
}
