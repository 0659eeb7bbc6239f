//! The shared files of a case, as Keyward reads them; and cases with other files that say the same, but for what is changed.

use std::collections::BTreeMap;

use keyward_ecr::profile::SectionKind;
use keyward_ecr::settings::SharedFiles;

use crate::case::Case;

/// Where the files of [`Sections::write`] are.
const PATH: &str = "/rewritten/config";

/// The sections by their headers, as the config file has them, and in them the properties by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sections(pub BTreeMap<String, BTreeMap<String, String>>);

impl Sections {
    /// What the files of a case say; `None` where they make no sense.
    pub fn of(case: &Case) -> Option<Self> {
        let files = SharedFiles::read(case);
        let profiles = files.profiles().ok()?;
        let read = |(kind, name)| {
            let prefix = match kind {
                SectionKind::Profile => "profile",
                SectionKind::SsoSession => "sso-session",
                SectionKind::Services => "services",
            };
            let properties = profiles.get(kind, name)?;
            let properties = properties.iter().map(|(name, value)| (name.clone(), value.to_string()));
            Some((format!("{prefix} {name}"), properties.collect()))
        };
        Some(Self(profiles.names().filter_map(read).collect()))
    }

    /// The properties of a profile.
    pub fn profile(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.0.get(&format!("profile {name}"))
    }

    /// The properties of all profiles.
    pub fn profiles(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, String>)> {
        self.0.iter().filter_map(|(header, properties)| Some((header.strip_prefix("profile ")?, properties)))
    }

    /// The same without some properties.
    #[must_use]
    pub fn without(&self, is_dropped: impl Fn(&str, &str) -> bool) -> Self {
        let mut sections = self.clone();
        for properties in sections.0.values_mut() {
            properties.retain(|name, value| !is_dropped(name, value));
        }
        sections
    }

    /// The case with these sections, in one file and in the plainest form.
    #[must_use]
    pub fn write(&self, case: &Case) -> Case {
        let mut text = String::new();
        for (header, properties) in &self.0 {
            text.push_str(&format!("[{header}]\n"));
            for (name, value) in properties {
                text.push_str(&format!("{name} = {}\n", value.replace('\n', "\n ")));
            }
        }
        let mut case = case.with("AWS_CONFIG_FILE", PATH).with("AWS_SHARED_CREDENTIALS_FILE", "/rewritten/nothing");
        case.files.insert(PATH.to_owned(), text.into_bytes());
        case
    }
}
