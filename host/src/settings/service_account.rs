//! Whose credentials a pod's image is pulled with: its service account's role, or else the node's own.
//!
//! A role that was asked for is assumed, or the lookup fails. The node's identity, which may read more than the pod's, never takes
//! its place.

use std::str::FromStr;

use keyward::{Request, Secret};

use crate::settings::{Question, Settings, variable};

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
    /// What pulling an image of this registry for a pod means.
    ///
    /// Without a token, it is the node that pulls: the pod has no service account, or the kubelet is not configured to send tokens.
    /// With one, and no role to exchange it for, it is the node too: that is how a cluster lets some service accounts have roles and
    /// all others not. For the same reason AWS_ECR_ROLE_ARN without a token means nothing; a role for the node is `--role-arn`.
    pub(crate) fn question_of_pod(
        &mut self,
        registry: &str,
        account: Option<&ServiceAccount>,
    ) -> Result<Question, String> {
        let question = self.question(registry);
        let Some(account) = account else { return Ok(question) };
        let role = match &account.role {
            Some(role) => Some(role.clone()),
            None => default_role()?,
        };
        let exchange = exchange(&question.request, &account.token, role.as_ref());
        if exchange.is_some() {
            // What a token gives, its pod alone may have, and the kubelet keeps it itself, by service account: not in a file besides.
            self.cache = None;
        }
        Ok(match exchange {
            Some(request) => Question { request, ..question },
            None => question,
        })
    }
}

fn default_role() -> Result<Option<RoleArn>, String> {
    let role = variable(ROLE_ARN).map(|text| text.parse());
    role.transpose().map_err(|error: NotARole| format!("{ROLE_ARN} is {error}: correct it"))
}

/// The request, with the token in the place of the node's credentials; `None` where there is no role to exchange it for. The role of
/// the settings comes last.
fn exchange(request: &Request, token: &Secret, role: Option<&RoleArn>) -> Option<Request> {
    let role = role.map(|RoleArn(arn)| arn.as_str()).or(request.role_arn())?.to_owned();
    let session_name = request.session_name().unwrap_or(SESSION_NAME).to_owned();
    // STS takes an external id with the keys of somebody, and refuses one with a token. Empty is none.
    let request = request.clone().with_external_id("");
    Some(request.with_role_arn(&role).with_session_name(&session_name).with_service_account_token(token.clone()))
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
    fn a_token_is_exchanged_for_the_role_that_was_asked_for_and_else_for_that_of_the_settings() {
        let role: RoleArn = ROLE.parse().unwrap();
        let of_settings = Request::new("registry").with_role_arn("settings").with_external_id("ticket");
        let expected = |arn: &str| {
            let request = Request::new("registry").with_role_arn(arn).with_external_id("");
            request.with_session_name("ecr-credential-provider").with_service_account_token(token())
        };
        assert_eq!(exchange(&of_settings, &token(), Some(&role)), Some(expected(ROLE)));
        assert_eq!(exchange(&Request::new("registry"), &token(), Some(&role)), Some(expected(ROLE)));
        assert_eq!(exchange(&of_settings, &token(), None), Some(expected("settings")));
        assert_eq!(exchange(&Request::new("registry"), &token(), None), None);
    }

    #[test]
    fn the_settings_may_name_the_session() {
        let role: RoleArn = ROLE.parse().unwrap();
        let request = Request::new("registry").with_session_name("node-7");
        assert_eq!(exchange(&request, &token(), Some(&role)).unwrap().session_name(), Some("node-7"));
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
