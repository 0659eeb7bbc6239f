//! Static keys in a profile of the shared config and credentials files: `aws-config`, `profile/credentials`.

use std::mem;

use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::profile::{FileKind, Profiles, Properties, SectionKind};
use crate::secret::Secret;
use crate::source::{Found, SourceError};
use crate::world::{FileError, World};

const ACCESS_KEY_ID: &str = "aws_access_key_id";
const SECRET_ACCESS_KEY: &str = "aws_secret_access_key";
const SESSION_TOKEN: &str = "aws_session_token";

/// The properties by which a profile gets its credentials from elsewhere. Each goes before static keys. None can be
/// followed yet; a profile that has one must not fall through to another identity, so it ends the chain.
///
/// `source_profile` is not among them: without `role_arn` it means nothing, here as in the AWS SDKs.
const UNSUPPORTED: [&str; 8] = [
    "role_arn",
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
/// [`SourceError`] for a file that makes no sense, half a key pair, a profile that needs what is not supported, and no
/// keys where a file that may have them cannot be read.
pub fn find(world: &impl World) -> Result<Found, SourceError> {
    // Empty means unset, as to the Go SDK and to botocore; to the AWS SDK for Rust it is a profile without a name.
    let name = world.environment("AWS_PROFILE").filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| "default".to_owned());
    let files = files(world);
    let mut profiles = Profiles::default();
    for file in &files {
        let Ok(text) = &file.text else { continue };
        profiles
            .add(file.kind, text)
            .map_err(|error| SourceError(format!("{}: {error}; correct that line", file.path)))?;
    }
    let found = match profiles.get(SectionKind::Profile, &name) {
        Some(profile) => keys(&name, &profile)?,
        None => Found::NotConfigured(format!("profile {name} is not in {}", list(&files))),
    };
    let unreadable = || files.iter().filter(|file| matches!(file.text, Err(NoText::File(FileError::Unreadable(_)))));
    match found {
        // Somebody put a file there: passing on would hide that its keys were meant.
        Found::NotConfigured(_) if unreadable().next().is_some() => Err(SourceError(format!(
            "the keys of profile {name} may be in {}; make that a readable text in UTF-8, or set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY",
            list(unreadable())
        ))),
        found => Ok(found),
    }
}

/// One of the two files.
struct SharedFile {
    kind: FileKind,
    path: String,
    text: Result<Zeroizing<String>, NoText>,
}

/// Why there is no text of a file.
#[derive(Debug, thiserror::Error)]
enum NoText {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("HOME is not set")]
    NoHome,
}

/// The files: those that the environment names, else those below the home folder.
fn files(world: &impl World) -> [SharedFile; 2] {
    [
        (FileKind::Config, "AWS_CONFIG_FILE", "~/.aws/config"),
        (FileKind::Credentials, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    ]
    .map(|(kind, variable, default)| {
        let path = world.environment(variable).filter(|path| !path.is_empty());
        let path = path.unwrap_or_else(|| default.to_owned());
        SharedFile { kind, text: read(world, &path), path }
    })
}

fn read(world: &impl World, path: &str) -> Result<Zeroizing<String>, NoText> {
    let content = match path.strip_prefix("~/") {
        None => world.file(path),
        Some(below_home) => {
            let home = world.environment("HOME").filter(|home| !home.is_empty()).ok_or(NoText::NoHome)?;
            world.file(&format!("{}/{below_home}", home.trim_end_matches('/')))
        }
    };
    // Taken over and not copied: it may be large.
    match String::from_utf8(mem::take(&mut *content?)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(FileError::Unreadable("not UTF-8".to_owned()).into())
        }
    }
}

/// The paths, each with the reason why nothing was read.
fn list<'a>(files: impl IntoIterator<Item = &'a SharedFile>) -> String {
    let name = |file: &SharedFile| match &file.text {
        Ok(_) => file.path.clone(),
        Err(reason) => format!("{} ({reason})", file.path),
    };
    files.into_iter().map(name).collect::<Vec<_>>().join(" or ")
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
    const KEYS: &str = "[default]\naws_access_key_id = id\naws_secret_access_key = secret\n";

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
    fn without_keys_a_file_that_cannot_be_read_ends_the_chain() {
        let directory = FileError::Unreadable("Is a directory".to_owned());
        let advice = "make that a readable text in UTF-8, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

        let world = TestWorld::with_environment(&[HOME]).no_file("/home/user/.aws/config", directory.clone());
        let reason = "the keys of profile default may be in ~/.aws/config (not readable: Is a directory); ";
        assert_eq!(find(&world), Err(SourceError(format!("{reason}{advice}"))));

        let world = world.file("/home/user/.aws/credentials", "[default]\nregion = r\n");
        assert_eq!(find(&world), Err(SourceError(format!("{reason}{advice}"))));

        let world = world.file("/home/user/.aws/credentials", b"[default]\n# \xff\n");
        let reason = "the keys of profile default may be in ~/.aws/config (not readable: Is a directory) or \
                      ~/.aws/credentials (not readable: not UTF-8); ";
        assert_eq!(find(&world), Err(SourceError(format!("{reason}{advice}"))));
    }

    #[test]
    fn with_keys_a_file_that_cannot_be_read_is_passed_over() {
        let world = TestWorld::with_environment(&[HOME])
            .no_file("/home/user/.aws/config", FileError::Unreadable("Permission denied".to_owned()))
            .file("/home/user/.aws/credentials", KEYS);
        assert_eq!(find(&world), Ok(found("id", "secret", None)));
    }

    #[test]
    fn an_empty_name_of_a_profile_is_none() {
        let world = TestWorld::with_environment(&[HOME, ("AWS_PROFILE", "")]).file("/home/user/.aws/credentials", KEYS);
        assert_eq!(find(&world), Ok(found("id", "secret", None)));
    }

    #[test]
    fn a_source_profile_without_a_role_means_nothing() {
        let world = TestWorld::with_environment(&[HOME])
            .file("/home/user/.aws/config", "[default]\nsource_profile = other\n")
            .file("/home/user/.aws/credentials", KEYS);
        assert_eq!(find(&world), Ok(found("id", "secret", None)));

        let world = world.file("/home/user/.aws/credentials", "");
        assert_eq!(find(&world), Ok(Found::NotConfigured("profile default has no keys in it".to_owned())));
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
