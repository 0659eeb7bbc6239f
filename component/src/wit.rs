//! The interface of the component as a package of its own, for those who call it or write another one.

use std::fs;
use std::path::PathBuf;

use wasm_encoder::{ComponentSection, CustomSection};
use wit_parser::Resolve;

use crate::workspace;

/// A WIT package in its binary form.
pub struct Package {
    /// Its namespace and its name, as `keyward:registry-credentials`.
    pub name: String,
    /// Its version, which is the interface's and not that of a release.
    pub version: String,
    /// A component without code, which has what the package declares as its types.
    pub bytes: Vec<u8>,
}

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// wkg.toml makes no sense.
    #[error("{} is no manifest of wkg ({reason}): correct it", file.display())]
    Manifest {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The files below wit/ are no package.
    #[error("{} is no WIT package ({reason}): correct it", folder.display())]
    Wit {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The package of `wit/`, with what `wkg.toml` says of it: the same for everybody who has the same files.
///
/// # Errors
///
/// [`Error`] for files that make no sense.
pub fn package() -> Result<Package, Error> {
    let folder = workspace().join("wit");
    let invalid = |error: anyhow::Error| Error::Wit { folder: folder.clone(), reason: format!("{error:#}") };
    let mut resolve = Resolve::default();
    let (id, _) = resolve.push_dir(&folder).map_err(invalid)?;
    let mut bytes = wit_component::encode(&resolve, id).map_err(invalid)?;
    let declared = &resolve.packages[id].name;
    let name = format!("{}:{}", declared.namespace, declared.name);
    let version = declared.version.as_ref().map(ToString::to_string).unwrap_or_default();
    for (section, text) in metadata()?.into_iter().chain([("version", version.clone())]) {
        CustomSection { name: section.into(), data: text.as_bytes().into() }.append_to_component(&mut bytes);
    }
    Ok(Package { name, version, bytes })
}

/// What wkg.toml may say, and the sections that have it. It has older names for two of them, which every version of `wkg` knows.
const METADATA: [(&str, &str); 6] = [
    ("authors", "authors"),
    ("description", "description"),
    ("homepage", "homepage"),
    ("license", "licenses"),
    ("repository", "source"),
    ("revision", "revision"),
];

/// What `[metadata]` of wkg.toml says, by sections.
fn metadata() -> Result<Vec<(&'static str, String)>, Error> {
    let file = workspace().join("wkg.toml");
    let invalid = |reason: String| Error::Manifest { file: file.clone(), reason };
    let text = fs::read_to_string(&file).map_err(|cause| invalid(cause.to_string()))?;
    let manifest: toml::Table = text.parse().map_err(|error: toml::de::Error| invalid(error.message().to_owned()))?;
    let metadata = manifest.get("metadata").and_then(toml::Value::as_table);
    let entries = metadata.ok_or_else(|| invalid("it has no [metadata]".to_owned()))?;
    let entry = |(name, value): (&String, &toml::Value)| {
        let section = METADATA.iter().find(|(known, _)| known == name).map(|(_, section)| *section);
        match (section, value.as_str()) {
            (Some(section), Some(text)) => Ok((section, text.to_owned())),
            (None, _) => Err(invalid(format!("metadata.{name} is unknown"))),
            (_, None) => Err(invalid(format!("metadata.{name} is no text"))),
        }
    };
    entries.iter().map(entry).collect()
}
