//! Static keys in a profile of the shared config and credentials files: `aws-config`, `profile/credentials`.

use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::profile::{FileKind, Profiles, Properties};
use crate::secret::Secret;
use crate::source::{Found, SourceError};
use crate::world::{FileError, World};

const ACCESS_KEY_ID: &str = "aws_access_key_id";
const SECRET_ACCESS_KEY: &str = "aws_secret_access_key";
const SESSION_TOKEN: &str = "aws_session_token";

/// The properties by which a profile gets its credentials from elsewhere. Each goes before static keys. None can be
/// followed yet; a profile that has one must not fall through to another identity, so it ends the chain.
const UNSUPPORTED: [&str; 9] = [
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "login_session",
    "credential_process",
];

/// The keys of the profile that AWS_PROFILE names, `default` without it.
///
/// # Errors
///
/// [`SourceError`] for a file that makes no sense, half a key pair, and a profile that needs what is not supported.
pub fn find(world: &impl World) -> Result<Found, SourceError> {
    let name = world.environment("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
    let mut profiles = Profiles::default();
    let mut looked_at = Vec::new();
    for file in files(world) {
        let state = match read(world, &file)? {
            Ok(text) => {
                profiles
                    .add(file.kind, &text)
                    .map_err(|error| SourceError(format!("{}: {error}; correct that line", file.path)))?;
                None
            }
            Err(reason) => Some(reason),
        };
        looked_at.push((file.path, state));
    }
    match profiles.profiles.get(&name) {
        Some(profile) => keys(&name, profile),
        None => Ok(Found::NotConfigured(missing(&name, &looked_at))),
    }
}

/// One of the two files.
struct SharedFile {
    kind: FileKind,
    path: String,
}

/// Where the files are: what the environment names, else below the home folder. Without either there is none.
fn files(world: &impl World) -> Vec<SharedFile> {
    [
        (FileKind::Config, "AWS_CONFIG_FILE", "~/.aws/config"),
        (FileKind::Credentials, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    ]
    .into_iter()
    .map(|(kind, variable, default)| {
        let path = world.environment(variable).filter(|path| !path.is_empty());
        SharedFile { kind, path: path.unwrap_or_else(|| default.to_owned()) }
    })
    .collect()
}

/// The text of a file, or why there is none: a file that cannot be read counts as an empty one.
fn read(world: &impl World, file: &SharedFile) -> Result<Result<Zeroizing<String>, String>, SourceError> {
    let path = match file.path.strip_prefix("~/") {
        None => file.path.clone(),
        Some(below_home) => match world.environment("HOME").filter(|home| !home.is_empty()) {
            Some(home) => format!("{}/{below_home}", home.trim_end_matches('/')),
            None => return Ok(Err("HOME is not set".to_owned())),
        },
    };
    Ok(match world.file(&path) {
        Ok(content) => match std::str::from_utf8(&content) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err("not UTF-8".to_owned()),
        },
        Err(error @ (FileError::NotFound | FileError::Unreadable(_))) => Err(error.to_string()),
    })
}

fn missing(profile: &str, looked_at: &[(String, Option<String>)]) -> String {
    let files: Vec<String> = looked_at
        .iter()
        .map(|(path, state)| match state {
            Some(reason) => format!("{path} ({reason})"),
            None => path.clone(),
        })
        .collect();
    format!("profile {profile} is not in {}", files.join(" or "))
}

fn keys(name: &str, profile: &Properties) -> Result<Found, SourceError> {
    if let Some(property) = UNSUPPORTED.into_iter().find(|property| profile.contains_key(*property)) {
        return Err(SourceError(format!(
            "profile {name} has {property}, which this version does not support: use a profile with static keys, or \
             set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )));
    }
    let property = |key: &str| profile.get(key).filter(|value| !value.is_empty());
    let half = |there: &str, missing: &str| SourceError(format!("profile {name} has {there} and no {missing}: add it"));
    match (property(ACCESS_KEY_ID), property(SECRET_ACCESS_KEY)) {
        (None, None) => Ok(Found::NotConfigured(format!("profile {name} has no keys in it"))),
        (Some(_), None) => Err(half(ACCESS_KEY_ID, SECRET_ACCESS_KEY)),
        (None, Some(_)) => Err(half(SECRET_ACCESS_KEY, ACCESS_KEY_ID)),
        (Some(access_key_id), Some(secret_access_key)) => Ok(Found::Credentials(Credentials {
            access_key_id: access_key_id.to_string(),
            secret_access_key: Secret::new(secret_access_key.to_string()),
            session_token: property(SESSION_TOKEN).map(|token| Secret::new(token.to_string())),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::TestWorld;

    const HOME: (&str, &str) = ("HOME", "/home/user");

    fn found(id: &str, secret: &str, token: Option<&str>) -> Found {
        Found::Credentials(Credentials {
            access_key_id: id.to_owned(),
            secret_access_key: Secret::new(secret.to_owned()),
            session_token: token.map(|token| Secret::new(token.to_owned())),
        })
    }

    #[test]
    fn the_default_profile_is_found_in_the_home_folder() {
        let world = TestWorld::with_environment(&[HOME]).file(
            "/home/user/.aws/credentials",
            "[default]\naws_access_key_id = id\naws_secret_access_key = secret\naws_session_token = token\n",
        );
        assert_eq!(find(&world), Ok(found("id", "secret", Some("token"))));
    }

    #[test]
    fn the_environment_names_profile_and_files() {
        let world = TestWorld::with_environment(&[
            ("AWS_PROFILE", "work"),
            ("AWS_CONFIG_FILE", "/etc/aws/config"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/etc/aws/credentials"),
        ])
        .file("/etc/aws/config", "[profile work]\naws_access_key_id = id\n")
        .file("/etc/aws/credentials", "[work]\naws_secret_access_key = secret\n");
        assert_eq!(find(&world), Ok(found("id", "secret", None)));
    }

    #[test]
    fn a_missing_profile_is_not_configured_and_says_where_it_was_looked_for() {
        let world = TestWorld::with_environment(&[HOME]).file("/home/user/.aws/config", "[profile other]\n");
        let reason = "profile default is not in ~/.aws/config or ~/.aws/credentials (no such file)";
        assert_eq!(find(&world), Ok(Found::NotConfigured(reason.to_owned())));
    }

    #[test]
    fn without_a_home_the_reason_says_so() {
        let reason =
            "profile default is not in ~/.aws/config (HOME is not set) or ~/.aws/credentials (HOME is not set)";
        assert_eq!(find(&TestWorld::default()), Ok(Found::NotConfigured(reason.to_owned())));
    }

    #[test]
    fn half_a_key_pair_ends_the_chain() {
        let world = TestWorld::with_environment(&[HOME])
            .file("/home/user/.aws/credentials", "[default]\naws_access_key_id = id\n");
        let reason = "profile default has aws_access_key_id and no aws_secret_access_key: add it";
        assert_eq!(find(&world), Err(SourceError(reason.to_owned())));
    }

    #[test]
    fn a_syntax_error_ends_the_chain_and_names_file_and_line() {
        let world = TestWorld::with_environment(&[HOME]).file("/home/user/.aws/config", "[default]\n[oops\n");
        let reason = "~/.aws/config: line 2: Profile definition must end with ']'; correct that line";
        assert_eq!(find(&world), Err(SourceError(reason.to_owned())));
    }

    #[test]
    fn a_profile_that_needs_what_is_not_supported_ends_the_chain_even_with_keys() {
        let world = TestWorld::with_environment(&[HOME]).file(
            "/home/user/.aws/credentials",
            "[default]\naws_access_key_id = id\naws_secret_access_key = secret\nrole_arn = arn\n",
        );
        let SourceError(reason) = find(&world).unwrap_err();
        assert!(reason.starts_with("profile default has role_arn, which"), "{reason}");
    }
}
