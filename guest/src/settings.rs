//! The settings of a lookup: environment, shared files and context → values, each with its origin.
//!
//! The order is that of the AWS SDKs and Tools Reference Guide: the environment goes before the profile. The names are AWS's.

use std::fmt;
use std::mem;

use crate::wiped::Wiped;

use crate::context::Context;
use crate::profile::{FileKind, Profiles, Properties, SectionKind, SyntaxError};
use crate::world::{FileError, Local};

/// The shared config and credentials files, read once for a lookup.
pub struct SharedFiles([SharedFile; 2]);

/// One of the two files.
struct SharedFile {
    kind: FileKind,
    path: String,
    text: Result<Wiped<String>, NoText>,
}

/// Why there is no text of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoText {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is below the home folder, and nothing says where that is.
    #[error("HOME is not set")]
    NoHome,
}

/// A shared file that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {error}; correct that line")]
pub struct BadFile {
    path: String,
    error: SyntaxError,
}

impl SharedFiles {
    /// Reads the files that AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name, else those below the home folder.
    pub fn read(local: &impl Local) -> Self {
        let files = [
            (FileKind::Config, "AWS_CONFIG_FILE", "~/.aws/config"),
            (FileKind::Credentials, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
        ];
        Self(files.map(|(kind, variable, default)| {
            let path = local.environment(variable).filter(|path| !path.is_empty());
            let path = path.unwrap_or_else(|| default.to_owned());
            SharedFile { kind, text: read_text(local, &path), path }
        }))
    }

    /// What the files say.
    ///
    /// # Errors
    ///
    /// [`BadFile`] for the first line that makes no sense: both files are of no use then.
    pub fn profiles(&self) -> Result<Profiles<'_>, BadFile> {
        let mut profiles = Profiles::default();
        for file in &self.0 {
            let Ok(text) = &file.text else { continue };
            profiles.add(file.kind, text).map_err(|error| BadFile { path: file.path.clone(), error })?;
        }
        Ok(profiles)
    }

    /// The files by their paths, each with the reason where nothing was read.
    pub fn list(&self) -> String {
        list(&self.0)
    }

    /// Those that are there and cannot be read, each with the reason.
    pub fn unreadable(&self) -> Option<String> {
        let is_unreadable =
            |file: &&SharedFile| matches!(&file.text, Err(NoText::File(error)) if *error != FileError::NotFound);
        let mut unreadable = self.0.iter().filter(is_unreadable).peekable();
        unreadable.peek()?;
        Some(list(unreadable))
    }
}

fn list<'a>(files: impl IntoIterator<Item = &'a SharedFile>) -> String {
    let name = |file: &SharedFile| match &file.text {
        Ok(_) => file.path.clone(),
        Err(reason) => format!("{} ({reason})", file.path),
    };
    files.into_iter().map(name).collect::<Vec<_>>().join(" or ")
}

/// The text of a file, below the home folder where its path begins with `~/`.
///
/// # Errors
///
/// [`NoText`].
pub fn read_text(local: &impl Local, path: &str) -> Result<Wiped<String>, NoText> {
    let mut content = local.file(&at_home(local, path)?)?;
    // Taken over and not copied: it may be large.
    match String::from_utf8(mem::take(&mut *content)) {
        Ok(text) => Ok(Wiped::new(text)),
        Err(error) => {
            drop(Wiped::new(error.into_bytes()));
            Err(FileError::Unreadable("not UTF-8".to_owned()).into())
        }
    }
}

/// A path, with the home folder in the place of a leading `~`.
///
/// # Errors
///
/// [`NoText::NoHome`].
pub fn at_home(local: &impl Local, path: &str) -> Result<String, NoText> {
    let Some(below_home) = path.strip_prefix("~/") else { return Ok(path.to_owned()) };
    let home = local.environment("HOME").filter(|home| !home.is_empty()).ok_or(NoText::NoHome)?;
    Ok(format!("{}/{below_home}", home.trim_end_matches('/')))
}

/// The settings of one lookup.
pub struct Settings<'a, L> {
    pub(crate) local: &'a L,
    pub(crate) context: &'a Context,
    pub(crate) files: &'a SharedFiles,
    profiles: Result<Profiles<'a>, BadFile>,
    profile_name: String,
    /// `None` where the files do not have it.
    profile: Option<Properties>,
}

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The value, trimmed and not empty.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a value comes from. Its text names the setting to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The context of the request, under this name.
    Context(&'static str),
    /// A property of a profile.
    Profile {
        /// The profile.
        profile: String,
        /// The property.
        property: String,
    },
    /// An environment variable.
    Variable(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Context(name) => write!(formatter, "{name} of the request"),
            Self::Profile { profile, property } => write!(formatter, "{property} of profile {profile}"),
            Self::Variable(name) => formatter.write_str(name),
        }
    }
}

/// A setting that has none of its values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin} is '{value}': set it to {expected}")]
pub struct SettingError {
    /// The setting.
    pub origin: Origin,
    /// What it is set to.
    pub value: String,
    /// What it may be set to.
    pub expected: &'static str,
}

impl<'a, L: Local> Settings<'a, L> {
    /// Chooses the profile, and reads it.
    pub fn new(local: &'a L, context: &'a Context, files: &'a SharedFiles) -> Self {
        // Empty means unset, as to the Go SDK and to botocore; to the AWS SDK for Rust it is a profile without a name.
        let from_environment = || local.environment("AWS_PROFILE").filter(|name| !name.is_empty());
        let profile_name = context.profile.clone().or_else(from_environment).unwrap_or_else(|| "default".to_owned());
        let profiles = files.profiles();
        let profile = profiles.as_ref().ok().and_then(|profiles| profiles.get(SectionKind::Profile, &profile_name));
        Self { local, context, files, profiles, profile_name, profile }
    }

    /// The name of the profile, whether or not the files have it.
    pub fn profile_name(&self) -> &str {
        &self.profile_name
    }

    /// Whether the files have the profile.
    pub fn has_profile(&self) -> bool {
        self.profile.is_some()
    }

    /// What the files say.
    ///
    /// # Errors
    ///
    /// [`BadFile`]. Settings are looked for nowhere in a bad file: it is the source of credentials that ends with this error, where
    /// none before it has any.
    pub fn profiles(&self) -> Result<&Profiles<'a>, BadFile> {
        self.profiles.as_ref().map_err(Clone::clone)
    }

    /// An environment variable, trimmed; blank means unset.
    pub fn variable(&self, name: &'static str) -> Option<Setting> {
        Self::setting(&self.local.environment(name)?, Origin::Variable(name))
    }

    /// A property of the profile; empty means that it is not there.
    pub fn property(&self, name: &str) -> Option<Setting> {
        let origin = Origin::Profile { profile: self.profile_name.clone(), property: name.to_owned() };
        Self::setting(self.profile.as_ref()?.get(name)?, origin)
    }

    /// A setting that the environment or else the profile has.
    pub fn value(&self, variable: &'static str, property: &str) -> Option<Setting> {
        self.variable(variable).or_else(|| self.property(property))
    }

    fn setting(value: &str, origin: Origin) -> Option<Setting> {
        let value = value.trim();
        (!value.is_empty()).then(|| Setting { value: value.to_owned(), origin })
    }

    /// A switch; off unless it is set.
    ///
    /// # Errors
    ///
    /// [`SettingError`] where it is neither `true` nor `false`, in any case.
    pub fn switch(&self, variable: &'static str, property: &str) -> Result<bool, SettingError> {
        match self.value(variable, property) {
            None => Ok(false),
            Some(Setting { value, .. }) if value.eq_ignore_ascii_case("true") => Ok(true),
            Some(Setting { value, .. }) if value.eq_ignore_ascii_case("false") => Ok(false),
            Some(Setting { value, origin }) => Err(SettingError { origin, value, expected: "true or false" }),
        }
    }

    /// The endpoint of the registry's API that the request names.
    pub fn requested_endpoint(&self) -> Option<Setting> {
        Self::setting(self.context.endpoint.as_deref()?, Origin::Context("endpoint"))
    }

    /// The region for what is not the registry's own: STS. `None` where no setting has one.
    pub fn region(&self) -> Option<Setting> {
        let of_request = self.context.region.as_deref();
        of_request
            .and_then(|region| Self::setting(region, Origin::Context("region")))
            .or_else(|| self.variable("AWS_REGION"))
            .or_else(|| self.variable("AWS_DEFAULT_REGION"))
            .or_else(|| self.property("region"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::TestWorld;

    const HOME: (&str, &str) = ("HOME", "/h");

    fn with<T>(world: &TestWorld, context: &Context, use_settings: impl FnOnce(&Settings<'_, TestWorld>) -> T) -> T {
        let files = SharedFiles::read(world);
        use_settings(&Settings::new(world, context, &files))
    }

    #[test]
    fn the_environment_goes_before_the_profile_and_says_where_a_value_is_from() {
        let world = TestWorld::with_environment(&[HOME, ("AWS_REGION", " env \n"), ("AWS_X", "  ")])
            .file("/h/.aws/config", "[default]\nregion = file\nx = y\n");
        with(&world, &Context::default(), |settings| {
            let region = settings.region().unwrap();
            assert_eq!((region.value.as_str(), region.origin.to_string().as_str()), ("env", "AWS_REGION"));
            let x = settings.value("AWS_X", "x").unwrap();
            assert_eq!((x.value.as_str(), x.origin.to_string().as_str()), ("y", "x of profile default"));
            assert_eq!(settings.value("AWS_Z", "z"), None);
        });
        let context = Context { region: Some("asked".to_owned()), ..Context::default() };
        with(&world, &context, |settings| assert_eq!(settings.region().unwrap().value, "asked"));
    }

    #[test]
    fn the_request_names_the_profile_and_else_the_environment_does() {
        let world = TestWorld::with_environment(&[HOME, ("AWS_PROFILE", "environment")]);
        with(&world, &Context::default(), |settings| assert_eq!(settings.profile_name(), "environment"));
        let context = Context { profile: Some("request".to_owned()), ..Context::default() };
        with(&world, &context, |settings| assert_eq!(settings.profile_name(), "request"));
        let world = TestWorld::with_environment(&[HOME, ("AWS_PROFILE", "")]);
        with(&world, &Context::default(), |settings| assert_eq!(settings.profile_name(), "default"));
    }

    #[test]
    fn a_switch_is_true_or_false_in_any_case_and_nothing_else() {
        let world = TestWorld::with_environment(&[HOME, ("AWS_A", "TRUE"), ("AWS_B", "yes")])
            .file("/h/.aws/config", "[default]\nc = False\n");
        with(&world, &Context::default(), |settings| {
            assert_eq!(settings.switch("AWS_A", "a"), Ok(true));
            assert_eq!(settings.switch("AWS_C", "c"), Ok(false));
            assert_eq!(settings.switch("AWS_D", "d"), Ok(false));
            let error = settings.switch("AWS_B", "b").unwrap_err();
            assert_eq!(error.to_string(), "AWS_B is 'yes': set it to true or false");
        });
    }

    #[test]
    fn a_bad_file_has_no_settings() {
        let world = TestWorld::with_environment(&[HOME])
            .file("/h/.aws/config", "[default]\nregion = r\n")
            .file("/h/.aws/credentials", "[oops\n");
        with(&world, &Context::default(), |settings| {
            assert_eq!(settings.region(), None);
            assert_eq!(
                settings.profiles().err().unwrap().to_string(),
                "~/.aws/credentials: line 1: Profile definition must end with ']'; correct that line"
            );
        });
    }
}
