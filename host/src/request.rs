//! One question to a resolver: a registry, and what its caller knows besides.

use keyward_ecr::secret::Secret;

/// A lookup's question. A registry's address alone is one: `"public.ecr.aws".into()`.
///
/// The other things are for callers that look up for others: each lookup can have its own profile or role, and nothing of the
/// process's environment is touched. They are the names of `context` in `wit/world.wit`.
///
/// ```
/// let request = keyward::Request::new("123456789012.dkr.ecr.us-east-1.amazonaws.com").with_profile("build");
/// # let _ = request;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(crate) registry: String,
    /// Not what decides the answer: a credential that is kept for others is kept without it. A lookup that is joined has to have it, or
    /// who joins it hears of no steps.
    pub(crate) explain: bool,
    pub(crate) endpoint: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) service_account_token: Option<Secret>,
    pub(crate) session_name: Option<String>,
}

impl Request {
    /// The registry is a host, a URL or an image reference.
    pub fn new(registry: &str) -> Self {
        Self {
            registry: registry.to_owned(),
            explain: false,
            endpoint: None,
            external_id: None,
            profile: None,
            region: None,
            role_arn: None,
            service_account_token: None,
            session_name: None,
        }
    }

    /// The registry's address, as it was given.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// [The role](Self::with_role_arn) to assume, where one was given.
    pub fn role_arn(&self) -> Option<&str> {
        self.role_arn.as_deref()
    }

    /// The name of [the role](Self::with_role_arn)'s session, where one was given.
    pub fn session_name(&self) -> Option<&str> {
        self.session_name.as_deref()
    }

    /// Uses this profile of the shared configuration files. It goes before `AWS_PROFILE`, and before the keys and the web identity of
    /// the environment; where the files do not have it, the lookup fails.
    #[must_use]
    pub fn with_profile(self, profile: &str) -> Self {
        Self { profile: Some(profile.to_owned()), ..self }
    }

    /// Assumes this role, by its ARN, with the credentials that are found; or with the service account's token, where there is one.
    #[must_use]
    pub fn with_role_arn(self, role_arn: &str) -> Self {
        Self { role_arn: Some(role_arn.to_owned()), ..self }
    }

    /// The external id that the trust policy of [the role](Self::with_role_arn) asks for.
    #[must_use]
    pub fn with_external_id(self, external_id: &str) -> Self {
        Self { external_id: Some(external_id.to_owned()), ..self }
    }

    /// The name that [the role](Self::with_role_arn)'s session has in AWS's logs.
    #[must_use]
    pub fn with_session_name(self, session_name: &str) -> Self {
        Self { session_name: Some(session_name.to_owned()), ..self }
    }

    /// The region of STS. It goes before `AWS_REGION`; the registry's own region is in its address.
    #[must_use]
    pub fn with_region(self, region: &str) -> Self {
        Self { region: Some(region.to_owned()), ..self }
    }

    /// Asks for the registry's token at this endpoint, `https://HOST[:PORT][/PATH]` or, without TLS, `http://`. It goes before
    /// `AWS_ENDPOINT_URL_ECR` and its relatives. This lookup alone may reach it, wherever its name leads, also into a private network.
    #[must_use]
    pub fn with_endpoint(self, endpoint: &str) -> Self {
        Self { endpoint: Some(endpoint.to_owned()), ..self }
    }

    /// Assumes [the role](Self::with_role_arn) with this token of a Kubernetes service account, as the kubelet hands it to its credential
    /// providers.
    #[must_use]
    pub fn with_service_account_token(self, token: Secret) -> Self {
        Self { service_account_token: Some(token), ..self }
    }

    /// Lets the component say what it does: [`Trace::steps`](crate::Trace::steps) has it when the lookup is over. An answer that
    /// was [known already](crate::CacheState::Hit) has no steps; nobody joins a lookup that is not explained itself.
    #[must_use]
    pub fn with_explanation(self) -> Self {
        Self { explain: true, ..self }
    }

    /// The pairs of the interface.
    pub(crate) fn context(&self) -> Vec<(String, String)> {
        let token = self.service_account_token.as_ref().map(|token| token.expose().to_owned());
        [
            ("explain", self.explain.then(|| "1".to_owned())),
            ("endpoint", self.endpoint.clone()),
            ("external-id", self.external_id.clone()),
            ("profile", self.profile.clone()),
            ("region", self.region.clone()),
            ("role-arn", self.role_arn.clone()),
            ("service-account-token", token),
            ("session-name", self.session_name.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }
}

impl From<&str> for Request {
    fn from(registry: &str) -> Self {
        Self::new(registry)
    }
}

impl From<&String> for Request {
    fn from(registry: &String) -> Self {
        Self::new(registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_names_of_the_interface_and_shows_no_token() {
        let request = Request::new("registry")
            .with_profile("p")
            .with_role_arn("a")
            .with_external_id("e")
            .with_session_name("s")
            .with_region("r")
            .with_endpoint("u")
            .with_service_account_token(Secret::new("hunter2".to_owned()));
        let names: Vec<String> = request.context().into_iter().map(|(name, _)| name).collect();
        let all = ["endpoint", "external-id", "profile", "region", "role-arn", "service-account-token", "session-name"];
        assert_eq!(names, all);
        assert!(!format!("{request:?}").contains("hunter2"));
        assert!(Request::from("registry").context().is_empty());
        let context = Request::from("registry").with_explanation().context();
        assert_eq!(context, [("explain".to_owned(), "1".to_owned())]);
    }
}
