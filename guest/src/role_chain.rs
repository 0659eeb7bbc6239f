//! A profile → where its credentials come from: one base, and the roles that are assumed one after the other.
//!
//! The rules are those of aws-config 1.13 (`profile/credentials/repr.rs`), whose test cases tests/conformance/ runs. Unlike
//! there, an empty property is none; a referenced profile that is missing ends the chain, as in botocore, instead of
//! passing to another identity; and `duration_seconds` is sent, as botocore does.

use crate::credentials::Credentials;
use crate::profile::{Profiles, Properties, SectionKind};
use crate::secret::Secret;

/// How many profiles a chain may have: each but the last is a request, and finding each takes a look at the whole file.
const MAX_PROFILES: usize = 32;

/// Where the credentials of a profile come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleChain {
    /// The first credentials.
    pub base: Base,
    /// The profile that has the base.
    pub base_profile: String,
    /// The roles, in the order in which they are assumed.
    pub roles: Vec<Role>,
}

/// Where the first credentials of a chain come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// `credential_process`: a program that prints them.
    Process {
        /// The command line.
        command: Secret,
        /// The account, where the program does not print it.
        account_id: Option<String>,
    },
    /// `login_session`: somebody who ran `aws login`.
    Login {
        /// The identity's ARN.
        session: String,
    },
    /// `credential_source`: another source of the default chain.
    Source(NamedSource),
    /// Somebody who ran `aws sso login`.
    Sso(Sso),
    /// Keys in the profile itself.
    StaticKeys(Credentials),
    /// `web_identity_token_file`: a role for the bearer of a token.
    WebIdentity {
        /// The role.
        role_arn: String,
        /// The session's name.
        session_name: Option<String>,
        /// How long the credentials shall last.
        duration_seconds: Option<u32>,
        /// The file that has the token.
        token_file: String,
    },
}

/// The values of `credential_source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedSource {
    /// `Ec2InstanceMetadata`
    Ec2InstanceMetadata,
    /// `EcsContainer`
    EcsContainer,
    /// `Environment`: its keys alone.
    Environment,
}

/// Access by IAM Identity Center.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sso {
    /// The `sso-session`; none in the older form, which has all in the profile.
    pub session: Option<String>,
    /// The region of IAM Identity Center.
    pub region: String,
    /// The portal where people log in.
    pub start_url: String,
    /// Account and role; none where the profile is for tokens alone.
    pub role: Option<SsoRole>,
}

/// A role of IAM Identity Center.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoRole {
    /// `sso_account_id`
    pub account_id: String,
    /// `sso_role_name`
    pub role_name: String,
}

/// A role to assume with the credentials before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The profile that has it.
    pub profile: String,
    /// `role_arn`
    pub role_arn: String,
    /// `external_id`
    pub external_id: Option<String>,
    /// `role_session_name`
    pub session_name: Option<String>,
    /// `duration_seconds`
    pub duration_seconds: Option<u32>,
    /// `mfa_serial`: somebody would have to type a code.
    pub mfa_serial: Option<String>,
}

/// Why a profile has no chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleChainError {
    /// Both of two properties, of which there may be one.
    #[error("profile {profile} has both source_profile and credential_source: remove one of them")]
    BothSources {
        /// The profile.
        profile: String,
    },
    /// A property that the session has.
    #[error("profile {profile} has sso_session and {property}: move {property} into the sso-session section")]
    BelongsIntoSession {
        /// The profile.
        profile: String,
        /// The property.
        property: &'static str,
    },
    /// A number that is none.
    #[error("duration_seconds of profile {profile} is '{value}': set it to a number of seconds from 900 to 43200")]
    Duration {
        /// The profile.
        profile: String,
        /// The value.
        value: String,
    },
    /// A profile that leads back to itself.
    #[error("the profiles {} lead in a circle: end it with a profile that has credentials", .0.join(" -> "))]
    Loop(Vec<String>),
    /// One property of two that go together.
    #[error("profile {profile} has {there} and no {missing}: add it")]
    Half {
        /// The profile.
        profile: String,
        /// The property that is there.
        there: &'static str,
        /// The property that is not.
        missing: &'static str,
    },
    /// The profile is not in the files.
    #[error("profile {profile} does not exist{}", referenced_by(.from.as_deref()))]
    MissingProfile {
        /// The profile.
        profile: String,
        /// The profile that names it as its source; none where it is the selected one.
        from: Option<String>,
    },
    /// A property that the sso-session has to have.
    #[error("sso-session {session}, which profile {profile} names, has no {missing}: add it")]
    HalfSession {
        /// The profile.
        profile: String,
        /// The session.
        session: String,
        /// The property.
        missing: &'static str,
    },
    /// More profiles than anybody has.
    #[error("more than {MAX_PROFILES} profiles lead from profile {profile} to one with credentials: shorten the way")]
    TooLong {
        /// The profile at the begin.
        profile: String,
    },
    /// The sso-session is not in the config file.
    #[error("sso-session {session}, which profile {profile} names, does not exist: add it to the config file")]
    MissingSession {
        /// The profile.
        profile: String,
        /// The session.
        session: String,
    },
    /// A profile has no credentials in it.
    #[error("profile {profile} has no credentials in it{}", referenced_by(.from.as_deref()))]
    NoCredentials {
        /// The profile.
        profile: String,
        /// The profile that names it as its source; none where it is the selected one.
        from: Option<String>,
    },
    /// A role without credentials to assume it with.
    #[error("profile {profile} has role_arn and neither source_profile nor credential_source: add one of them")]
    NoSource {
        /// The profile.
        profile: String,
    },
    /// Not one of the values of `credential_source`.
    #[error(
        "credential_source of profile {profile} is '{value}': set it to Environment, EcsContainer or Ec2InstanceMetadata"
    )]
    UnknownSource {
        /// The profile.
        profile: String,
        /// The value.
        value: String,
    },
}

fn referenced_by(from: Option<&str>) -> String {
    from.map_or_else(String::new, |from| format!(", and profile {from} names it as its source: correct one of them"))
}

impl RoleChainError {
    /// Whether the selected profile itself says nothing, so that the next source is asked. A profile that another one names has to
    /// say something.
    pub fn is_not_configured(&self) -> bool {
        matches!(self, Self::MissingProfile { from: None, .. } | Self::NoCredentials { from: None, .. })
    }
}

impl RoleChain {
    /// Follows a profile to its base.
    ///
    /// # Errors
    ///
    /// [`RoleChainError`].
    pub fn of(profiles: &Profiles<'_>, selected: &str) -> Result<Self, RoleChainError> {
        let mut visited = Vec::<String>::new();
        let mut roles = Vec::new();
        let mut name = selected.to_owned();
        loop {
            let from = visited.last().cloned();
            let properties = profiles
                .get(SectionKind::Profile, &name)
                .ok_or_else(|| RoleChainError::MissingProfile { profile: name.clone(), from: from.clone() })?;
            let is_loop = visited.contains(&name);
            visited.push(name.clone());
            if is_loop {
                return Err(RoleChainError::Loop(visited));
            }
            if visited.len() > MAX_PROFILES {
                return Err(RoleChainError::TooLong { profile: selected.to_owned() });
            }
            let mut profile = Profile { name: &name, properties: &properties, profiles, from };
            // From the second profile on, keys go before everything else that it has.
            if visited.len() > 1
                && let Ok(keys) = profile.static_keys()
            {
                return Ok(Self::new(Base::StaticKeys(keys), name, roles));
            }
            let mut next = None;
            if let Some(role) = profile.role()? {
                roles.push(role);
                next = profile.source_profile()?;
                profile.from.get_or_insert(name.clone());
            }
            match next {
                Some(next) => name = next,
                None => {
                    let base = profile.base()?;
                    return Ok(Self::new(base, name, roles));
                }
            }
        }
    }

    fn new(base: Base, base_profile: String, mut roles: Vec<Role>) -> Self {
        roles.reverse();
        Self { base, base_profile, roles }
    }
}

/// One profile on the way.
struct Profile<'a> {
    name: &'a str,
    properties: &'a Properties,
    profiles: &'a Profiles<'a>,
    /// The profile that has named it.
    from: Option<String>,
}

impl Profile<'_> {
    fn get(&self, property: &str) -> Option<String> {
        self.properties.get(property).filter(|value| !value.is_empty()).map(|value| value.to_string())
    }

    fn name(&self) -> String {
        self.name.to_owned()
    }

    /// The role, where the profile has one to be assumed with other credentials.
    fn role(&self) -> Result<Option<Role>, RoleChainError> {
        if self.get("web_identity_token_file").is_some() {
            return Ok(None);
        }
        let Some(role_arn) = self.get("role_arn") else { return Ok(None) };
        Ok(Some(Role {
            profile: self.name(),
            role_arn,
            external_id: self.get("external_id"),
            session_name: self.get("role_session_name"),
            duration_seconds: self.duration_seconds()?,
            mfa_serial: self.get("mfa_serial"),
        }))
    }

    fn duration_seconds(&self) -> Result<Option<u32>, RoleChainError> {
        let Some(value) = self.get("duration_seconds") else { return Ok(None) };
        match value.parse() {
            Ok(seconds @ 900..=43_200) => Ok(Some(seconds)),
            _ => Err(RoleChainError::Duration { profile: self.name(), value }),
        }
    }

    /// The profile whose credentials assume the role; `None` where they are in this profile itself.
    fn source_profile(&self) -> Result<Option<String>, RoleChainError> {
        match (self.get("source_profile"), self.get("credential_source")) {
            (Some(_), Some(_)) => Err(RoleChainError::BothSources { profile: self.name() }),
            (None, None) => Err(RoleChainError::NoSource { profile: self.name() }),
            (Some(source), None) => Ok(Some(source).filter(|source| source != self.name)),
            (None, Some(_)) => Ok(None),
        }
    }

    fn base(&self) -> Result<Base, RoleChainError> {
        if let Some(value) = self.get("credential_source") {
            return self.named_source(value);
        }
        if let Some(token_file) = self.get("web_identity_token_file") {
            let half = || self.half("web_identity_token_file", "role_arn");
            return Ok(Base::WebIdentity {
                role_arn: self.get("role_arn").ok_or_else(half)?,
                session_name: self.get("role_session_name"),
                duration_seconds: self.duration_seconds()?,
                token_file,
            });
        }
        if let Some(sso) = self.sso()? {
            return Ok(Base::Sso(sso));
        }
        if let Some(session) = self.get("login_session") {
            return Ok(Base::Login { session });
        }
        if let Some(command) = self.get("credential_process") {
            let command = Secret::new(command);
            return Ok(Base::Process { command, account_id: self.get("aws_account_id") });
        }
        self.static_keys().map(Base::StaticKeys)
    }

    fn named_source(&self, value: String) -> Result<Base, RoleChainError> {
        [
            ("Ec2InstanceMetadata", NamedSource::Ec2InstanceMetadata),
            ("EcsContainer", NamedSource::EcsContainer),
            ("Environment", NamedSource::Environment),
        ]
        .into_iter()
        .find(|(name, _)| value.eq_ignore_ascii_case(name))
        .map(|(_, source)| Base::Source(source))
        .ok_or_else(|| RoleChainError::UnknownSource { profile: self.name(), value })
    }

    fn sso(&self) -> Result<Option<Sso>, RoleChainError> {
        let (account_id, role_name) = (self.get("sso_account_id"), self.get("sso_role_name"));
        let (mut region, mut start_url) = (self.get("sso_region"), self.get("sso_start_url"));
        let session = self.get("sso_session");
        if [&account_id, &role_name, &region, &start_url, &session].iter().all(|property| property.is_none()) {
            return Ok(None);
        }
        if let Some(session) = &session {
            for (property, value) in [("sso_start_url", &start_url), ("sso_region", &region)] {
                if value.is_some() {
                    return Err(RoleChainError::BelongsIntoSession { profile: self.name(), property });
                }
            }
            let properties = self
                .profiles
                .get(SectionKind::SsoSession, session)
                .ok_or_else(|| RoleChainError::MissingSession { profile: self.name(), session: session.clone() })?;
            let get =
                |name: &str| properties.get(name).filter(|value| !value.is_empty()).map(|value| value.to_string());
            (region, start_url) = (get("sso_region"), get("sso_start_url"));
        }
        let role = match (account_id, role_name) {
            (Some(account_id), Some(role_name)) => Some(SsoRole { account_id, role_name }),
            (None, None) => None,
            (Some(_), None) => return Err(self.half("sso_account_id", "sso_role_name")),
            (None, Some(_)) => return Err(self.half("sso_role_name", "sso_account_id")),
        };
        let missing = |missing: &'static str| match &session {
            Some(session) => RoleChainError::HalfSession { profile: self.name(), session: session.clone(), missing },
            None => self.half("properties of IAM Identity Center (sso_…)", missing),
        };
        Ok(Some(Sso {
            region: region.ok_or_else(|| missing("sso_region"))?,
            start_url: start_url.ok_or_else(|| missing("sso_start_url"))?,
            session,
            role,
        }))
    }

    fn static_keys(&self) -> Result<Credentials, RoleChainError> {
        const ID: &str = "aws_access_key_id";
        const SECRET: &str = "aws_secret_access_key";
        const TOKEN: &str = "aws_session_token";
        match (self.get(ID), self.get(SECRET), self.get(TOKEN)) {
            (None, None, None) => Err(RoleChainError::NoCredentials { profile: self.name(), from: self.from.clone() }),
            (None, Some(_), _) => Err(self.half(SECRET, ID)),
            (None, None, Some(_)) => Err(self.half(TOKEN, ID)),
            (Some(_), None, _) => Err(self.half(ID, SECRET)),
            (Some(id), Some(secret), token) => Ok(Credentials {
                account_id: self.get("aws_account_id"),
                ..Credentials::new(id, secret).with_session_token(token)
            }),
        }
    }

    fn half(&self, there: &'static str, missing: &'static str) -> RoleChainError {
        RoleChainError::Half { profile: self.name(), there, missing }
    }
}

#[cfg(test)]
mod tests;
