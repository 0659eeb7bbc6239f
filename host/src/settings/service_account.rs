//! Whose credentials a pod's image is pulled with: its service account's role, or else the node's own.
//!
//! A role that was asked for is assumed, or the lookup fails. The node's identity, which may read more than the pod's, never takes
//! its place.

use std::env;
use std::str::FromStr;

use keyward::{Mismatch, Request, Secret};

use super::address::compare;
use super::sources::{Environment, text};
use crate::settings::{Question, Settings};

/// The role of service accounts that name none, as ecr-credential-provider calls it.
const ROLE_ARN: &str = "AWS_ECR_ROLE_ARN";

/// The session's name where nothing else is set: that of ecr-credential-provider, by which people look for it in CloudTrail.
const SESSION_NAME: &str = "ecr-credential-provider";

/// The service account of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceAccount {
    /// Its token, which STS takes for a role.
    pub(crate) token: Secret,
    /// The role that it asks for.
    pub(crate) role: Option<RoleArn>,
}

/// The ARN of a role of IAM. Whoever may write the annotations of a service account chooses it, so it is looked at before it is part
/// of a request or of a message: it is one word of printable ASCII, and names a role and nothing else. Whether the service account
/// may have that role is for the role's trust policy to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleArn(String);

/// The text is something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the ARN of a role, such as arn:aws:iam::123456789012:role/puller")]
pub(crate) struct NotARole;

impl Settings {
    /// What pulling an image of this registry for a pod means. The rules are looked for by the image, since they may have a path.
    ///
    /// Without a token, it is the node that pulls: the pod has no service account, or the kubelet is not configured to send tokens.
    /// With one, and no role to exchange it for, it is the node too: that is how a cluster lets some service accounts have roles and
    /// all others not. For the same reason AWS_ECR_ROLE_ARN without a token means nothing. A role for the node is `--role-arn`, or that
    /// of a rule: it trusts the node's keys, and no service account, so no token is exchanged for it.
    pub(crate) fn question_of_pod(
        &mut self,
        image: &str,
        registry: &str,
        account: Option<&ServiceAccount>,
    ) -> Result<Question, String> {
        let question = self.question_at(image, registry);
        let Some(account) = account else { return Ok(question) };
        let role = match &account.role {
            Some(role) => Some(role.clone()),
            None => default_role(&|name| env::var_os(name))?,
        };
        let Some(role) = role else { return Ok(question) };
        // What a token gives, its pod alone may have, and the kubelet keeps it itself, by service account: not in a file besides.
        self.cache = None;
        Ok(Question { request: exchange(&question.request, &account.token, &role), ..question })
    }

    /// Whether another image of the registry may be asked for in another way than this one: a rule or an alias that counts for it, or
    /// would go before what does, has a path.
    pub(crate) fn tells_images_apart(&self, question: &Question, registry: &str) -> bool {
        let last = question.rule.as_ref().map_or(self.rules.len(), |rule| rule.number);
        let is_by_path = |pattern| matches!(compare(pattern, registry), Err(Mismatch::Path(_)));
        self.rules[..last].iter().any(|rule| rule.tells_images_apart(registry))
            || self.aliases.iter().any(|mapping| is_by_path(&mapping.pattern))
    }
}

/// One that cannot be read is not one that is not set: the node's identity would take its place.
fn default_role(environment: Environment<'_>) -> Result<Option<RoleArn>, String> {
    let role = text(environment, ROLE_ARN).map_err(|error| error.to_string())?.map(|text| text.parse());
    role.transpose().map_err(|error: NotARole| format!("{ROLE_ARN} is {error}: correct it"))
}

/// The request, with the token in the place of the node's credentials.
fn exchange(request: &Request, token: &Secret, RoleArn(role): &RoleArn) -> Request {
    let session_name = request.session_name().unwrap_or(SESSION_NAME).to_owned();
    // STS takes an external id with the keys of somebody, and refuses one with a token. Empty is none.
    let request = request.clone().with_external_id("");
    request.with_role_arn(role).with_session_name(&session_name).with_service_account_token(token.clone())
}

impl FromStr for RoleArn {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        /// As STS has it.
        const MAX_BYTES: usize = 2048;

        let mut parts = text.splitn(6, ':');
        let mut part = || parts.next().unwrap_or_default();
        let (arn, partition, service, region, account, resource) = (part(), part(), part(), part(), part(), part());
        let is_role = arn == "arn"
            && partition.starts_with("aws")
            && partition.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            && service == "iam"
            && region.is_empty()
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty() && !name.ends_with('/'))
            && resource.bytes().all(|byte| byte.is_ascii_graphic())
            && text.len() <= MAX_BYTES;
        if is_role { Ok(Self(text.to_owned())) } else { Err(NotARole) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/puller";

    fn token() -> Secret {
        Secret::new("header.payload.signature".to_owned())
    }

    #[test]
    fn a_token_is_exchanged_for_the_role_that_was_asked_for_whatever_role_the_settings_have() {
        let role: RoleArn = ROLE.parse().unwrap();
        let of_settings = Request::new("registry").with_role_arn("settings").with_external_id("ticket");
        let expected = Request::new("registry").with_role_arn(ROLE).with_external_id("");
        let expected = expected.with_session_name("ecr-credential-provider").with_service_account_token(token());
        assert_eq!(exchange(&of_settings, &token(), &role), expected);
        assert_eq!(exchange(&Request::new("registry"), &token(), &role), expected);
    }

    #[test]
    #[cfg(unix)]
    fn a_default_role_that_cannot_be_read_is_an_error_and_an_empty_one_is_none() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt;
        assert_eq!(default_role(&|_| Some(ROLE.into())), Ok(Some(ROLE.parse().unwrap())));
        assert_eq!((default_role(&|_| None), default_role(&|_| Some(OsString::new()))), (Ok(None), Ok(None)));
        let not_utf8 = default_role(&|_| Some(OsString::from_vec(b"arn:aws:iam::1:role/\xff".to_vec())));
        assert_eq!(not_utf8, Err("AWS_ECR_ROLE_ARN is not UTF-8: correct it".to_owned()));
    }

    #[test]
    fn the_settings_may_name_the_session() {
        let role: RoleArn = ROLE.parse().unwrap();
        let request = Request::new("registry").with_session_name("node-7");
        assert_eq!(exchange(&request, &token(), &role).session_name(), Some("node-7"));
    }

    #[test]
    fn the_roles_of_every_partition_are_roles() {
        for text in [
            ROLE,
            "arn:aws-cn:iam::123456789012:role/team/puller",
            "arn:aws-us-gov:iam::123456789012:role/a+b=c,d.e@f-g_h",
            "arn:aws-iso-b:iam::123456789012:role/x",
            "arn:aws-eusc:iam::123456789012:role/x",
        ] {
            assert_eq!(text.parse(), Ok(RoleArn(text.to_owned())));
        }
    }

    #[test]
    fn nothing_but_the_arn_of_a_role_is_one() {
        let too_long = format!("{ROLE}{}", "x".repeat(2048));
        for text in [
            "",
            " ",
            "puller",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/team/",
            "arn:aws:iam::123456789012:user/puller",
            "arn:aws:iam::12345678901:role/puller",
            "arn:aws:iam::١٢٣٤٥٦٧٨٩٠١٢:role/puller",
            "arn:aws:iam:us-east-1:123456789012:role/puller",
            "arn:aws:sts::123456789012:role/puller",
            "arn::iam::123456789012:role/puller",
            "arn:aws&x:iam::123456789012:role/puller",
            "ARN:aws:iam::123456789012:role/puller",
            " arn:aws:iam::123456789012:role/puller",
            "arn:aws:iam::123456789012:role/puller\n",
            "arn:aws:iam::123456789012:role/pul ler",
            "arn:aws:iam::123456789012:role/pul\u{1b}[2Jler",
            "arn:aws:iam::123456789012:role/püller",
            &too_long,
        ] {
            assert_eq!(text.parse::<RoleArn>(), Err(NotARole), "{text:?}");
        }
    }
}
