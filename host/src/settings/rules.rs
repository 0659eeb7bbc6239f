//! The rules of the configuration file: which registries are asked for with whose credentials, and where.

use keyward::{Mismatch, Pattern, Request};

use super::address::{Alias, Endpoint, compare};
use super::file::{File, InFile, RegistryTable};
use super::sources::SettingsError;

/// Whose credentials a lookup asks with, and where; where nothing is said, the environment and the shared files decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(super) endpoint: Option<Endpoint>,
    pub(crate) profile: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) role: Option<Role>,
    /// The name of the session of whichever role is assumed: it tells who asks, and lets nobody in.
    pub(crate) session_name: Option<String>,
}

/// A role, with what belongs to it: an external id is that of one role, and is not told to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) arn: String,
    pub(crate) external_id: Option<String>,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) patterns: Vec<Pattern>,
    /// The line of the file that has the patterns.
    pub(super) line: usize,
    /// The registry that the addresses stand for; without one, they are what they say.
    pub(super) alias: Option<Alias>,
    pub(super) identity: Identity,
}

/// The rule that an address matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MatchedRule {
    /// From 1 on, in the order of the file.
    pub(crate) number: usize,
    /// The one of its patterns that matches.
    pub(crate) pattern: String,
    /// The line of the file that has it.
    pub(crate) line: usize,
}

impl Identity {
    /// What is said here, and else what is said there. A role is taken with what belongs to it; the session's name that goes with
    /// the role there is not that of another one.
    pub(super) fn or(&self, other: &Self) -> Self {
        let one = |this: &Option<String>, other: &Option<String>| this.clone().or_else(|| other.clone());
        Self {
            endpoint: self.endpoint.clone().or_else(|| other.endpoint.clone()),
            profile: one(&self.profile, &other.profile),
            region: one(&self.region, &other.region),
            role: self.role.clone().or_else(|| other.role.clone()),
            session_name: match &self.role {
                Some(_) => self.session_name.clone(),
                None => one(&self.session_name, &other.session_name),
            },
        }
    }

    /// The same request, with this identity.
    pub(super) fn ask(&self, request: Request) -> Request {
        type With = fn(Request, &str) -> Request;
        let role = self.role.as_ref();
        let given: [(Option<&String>, With); 6] = [
            (self.endpoint.as_ref().map(|endpoint| &endpoint.0), Request::with_endpoint),
            (self.profile.as_ref(), Request::with_profile),
            (self.region.as_ref(), Request::with_region),
            (role.map(|role| &role.arn), Request::with_role_arn),
            (role.and_then(|role| role.external_id.as_ref()), Request::with_external_id),
            (self.session_name.as_ref(), Request::with_session_name),
        ];
        let given = given.into_iter().filter_map(|(value, with)| Some((value?, with)));
        given.fold(request, |request, (value, with)| with(request, value))
    }

    /// What it says, by the names of the configuration file.
    pub(super) fn list(&self) -> Vec<(&'static str, &str)> {
        let role = self.role.as_ref();
        let all = [
            ("profile", self.profile.as_ref()),
            ("role-arn", role.map(|role| &role.arn)),
            ("external-id", role.and_then(|role| role.external_id.as_ref())),
            ("session-name", self.session_name.as_ref()),
            ("region", self.region.as_ref()),
            ("endpoint", self.endpoint.as_ref().map(|endpoint| &endpoint.0)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?.as_str()))).collect()
    }
}

impl Rule {
    /// The rules of a file, in its order.
    pub(super) fn all(file: &File) -> Result<Vec<Self>, SettingsError> {
        file.document.registry.iter().map(|table| Self::new(table, file)).collect()
    }

    fn new(table: &RegistryTable, file: &File) -> Result<Self, SettingsError> {
        let RegistryTable { patterns, alias, endpoint, external_id, profile, region, role_arn, session_name } = table;
        let belonging = [("external-id", external_id), ("session-name", session_name)];
        let role = match (role_arn, belonging.into_iter().find_map(|(name, value)| Some((name, value.as_ref()?)))) {
            (None, None) => None,
            (None, Some((name, value))) => {
                let text = format!("{name} belongs to a role, and the rule has no role-arn: name the role");
                return Err(file.error(value.at, &text));
            }
            (Some(arn), _) => Some(Role { arn: arn.value.clone(), external_id: value_of(external_id) }),
        };
        Ok(Self {
            patterns: patterns.value.0.clone(),
            line: file.line(patterns.at),
            alias: value_of(alias),
            identity: Identity {
                endpoint: value_of(endpoint),
                profile: value_of(profile),
                region: value_of(region),
                role,
                session_name: value_of(session_name),
            },
        })
    }

    /// The pattern that matches an address.
    pub(super) fn matching(&self, address: &str) -> Option<&Pattern> {
        self.patterns.iter().find(|pattern| compare(pattern, address).is_ok())
    }

    /// Whether some images of a registry may match that others of it do not.
    pub(super) fn tells_images_apart(&self, registry: &str) -> bool {
        self.patterns.iter().any(|pattern| matches!(compare(pattern, registry), Err(Mismatch::Path(_))))
    }

    /// Whether every address that comes to the other rule matches this one.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.patterns.iter().all(|pattern| self.patterns.iter().any(|this| this.covers(pattern)))
    }
}

fn value_of<V: Clone>(in_file: &Option<InFile<V>>) -> Option<V> {
    in_file.as_ref().map(|in_file| in_file.value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(arn: &str, external_id: Option<&str>) -> Option<Role> {
        Some(Role { arn: arn.to_owned(), external_id: external_id.map(str::to_owned) })
    }

    #[test]
    fn a_role_that_is_given_is_not_told_the_external_id_of_another_one() {
        let rule = Identity { role: role("theirs", Some("e")), profile: Some("p".to_owned()), ..Identity::default() };
        let given = Identity { role: role("mine", None), ..Identity::default() };
        assert_eq!(given.or(&rule).list(), [("profile", "p"), ("role-arn", "mine")]);
        let none = Identity::default();
        assert_eq!(none.or(&rule).list(), [("profile", "p"), ("role-arn", "theirs"), ("external-id", "e")]);
    }

    #[test]
    fn the_name_of_a_session_that_is_given_is_that_of_a_rules_role_too_and_a_rules_name_is_not_that_of_another_role() {
        let rule =
            Identity { role: role("theirs", None), session_name: Some("theirs".to_owned()), ..Identity::default() };
        let named = Identity { session_name: Some("ci".to_owned()), ..Identity::default() };
        assert_eq!(named.or(&rule).list(), [("role-arn", "theirs"), ("session-name", "ci")]);
        let given = Identity { role: role("mine", None), ..Identity::default() };
        assert_eq!(given.or(&rule).list(), [("role-arn", "mine")]);
    }
}
