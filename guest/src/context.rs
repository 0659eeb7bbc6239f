//! What the caller of a lookup knows besides the registry's address: `context` of `wit/world.wit`.

use std::fmt;
use std::time::Duration;

use crate::secret::Secret;

/// The names that mean something here. All others are ignored, as the interface has it.
const DEADLINE: &str = "deadline";
const EXPLAIN: &str = "explain";
const ENDPOINT: &str = "endpoint";
const EXTERNAL_ID: &str = "external-id";
const PROCESS_CREDENTIALS: &str = "process-credentials";
const PROFILE: &str = "profile";
const REGION: &str = "region";
const ROLE_ARN: &str = "role-arn";
const SERVICE_ACCOUNT_TOKEN: &str = "service-account-token";
const SESSION_NAME: &str = "session-name";

/// The context of one lookup. An empty value is none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// How long the lookup may take in all; none where the caller did not say.
    pub deadline: Option<Duration>,
    /// Whether to say what the lookup does, step by step.
    pub explain: bool,
    /// The endpoint of the registry's API, before everything that the settings name.
    pub endpoint: Option<String>,
    /// The external id for [`role_arn`](Self::role_arn).
    pub external_id: Option<String>,
    /// What the `credential_process` of the profile printed, where the host has run it.
    pub process_credentials: Option<Secret>,
    /// The profile, in the place of AWS_PROFILE. It goes before the keys and the web identity of the environment, as a
    /// profile that is named in code does in botocore.
    pub profile: Option<String>,
    /// The region of STS, in the place of AWS_REGION.
    pub region: Option<String>,
    /// A role to assume with the credentials that the sources give, or with the service account's token.
    pub role_arn: Option<String>,
    /// A token of a Kubernetes service account, to assume [`role_arn`](Self::role_arn) with.
    pub service_account_token: Option<Secret>,
    /// The session name for [`role_arn`](Self::role_arn).
    pub session_name: Option<String>,
}

impl Context {
    /// Takes the pairs of a request. Of two with the same name, the last counts.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut context = Self::default();
        for (name, value) in pairs {
            let value = Some(value).filter(|value| !value.is_empty());
            match name.as_str() {
                DEADLINE => {
                    context.deadline = value.and_then(|value| value.parse().ok()).map(Duration::from_millis);
                }
                EXPLAIN => context.explain = value.as_deref() == Some("1"),
                ENDPOINT => context.endpoint = value,
                EXTERNAL_ID => context.external_id = value,
                PROCESS_CREDENTIALS => context.process_credentials = value.map(Secret::new),
                PROFILE => context.profile = value,
                REGION => context.region = value,
                ROLE_ARN => context.role_arn = value,
                SERVICE_ACCOUNT_TOKEN => context.service_account_token = value.map(Secret::new),
                SESSION_NAME => context.session_name = value,
                _ => {}
            }
        }
        context
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Context").field("profile", &self.profile).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_interface_are_known_and_others_are_ignored() {
        let pairs = [
            ("deadline", "1500"),
            ("explain", "1"),
            ("endpoint", "https://x"),
            ("external-id", "e"),
            ("process-credentials", "{}"),
            ("profile", "p"),
            ("region", ""),
            ("role-arn", "a"),
            ("service-account-token", "t"),
            ("session-name", "s"),
            ("somebody-elses", "x"),
        ];
        let context = Context::new(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(
            context,
            Context {
                deadline: Some(Duration::from_millis(1500)),
                explain: true,
                endpoint: Some("https://x".to_owned()),
                external_id: Some("e".to_owned()),
                process_credentials: Some(Secret::new("{}".to_owned())),
                profile: Some("p".to_owned()),
                region: None,
                role_arn: Some("a".to_owned()),
                service_account_token: Some(Secret::new("t".to_owned())),
                session_name: Some("s".to_owned()),
            }
        );
        assert_eq!(format!("{context:?}"), "Context { profile: Some(\"p\"), .. }");
    }
}
