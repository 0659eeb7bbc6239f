//! The shared config and credentials files: text → profiles.
//!
//! The syntax is what aws-runtime 1.10 reads (`env_config/parse.rs` and `normalize.rs`), whose test cases
//! tests/conformance/ runs.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

/// The properties of one section, by their names in lower case. The values may be secrets.
pub type Properties = BTreeMap<String, Zeroizing<String>>;

/// What the files say, merged.
#[derive(Default, PartialEq, Eq)]
pub struct Profiles {
    /// The profiles, by name.
    pub profiles: BTreeMap<String, Properties>,
    /// The sections `[sso-session NAME]` of the config file.
    pub sso_sessions: BTreeMap<String, Properties>,
    /// The sections `[services NAME]` of the config file.
    pub services: BTreeMap<String, Properties>,
}

/// Which of the two files a text comes from: they name their sections differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `~/.aws/config`, with `[profile NAME]`.
    Config,
    /// `~/.aws/credentials`, with `[NAME]`.
    Credentials,
}

/// A line that is no part of the syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct SyntaxError {
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a line. The line itself is not repeated: it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A property without a name.
    #[error("Property did not have a name")]
    EmptyName,
    /// A sub-property without a name.
    #[error("Sub-property did not have a name")]
    EmptySubPropertyName,
    /// Neither a section, nor a property, nor a comment.
    #[error("Expected an '=' sign defining a property")]
    NoEqualsSign,
    /// A continuation of an empty property that is no sub-property.
    #[error("Expected an '=' sign defining a sub-property")]
    NoEqualsSignInSubProperty,
    /// A property before the first section.
    #[error("Expected a profile definition")]
    NoSection,
    /// A continuation with nothing before it.
    #[error("Expected a property definition, found continuation")]
    NothingToContinue,
    /// A section's header without its bracket.
    #[error("Profile definition must end with ']'")]
    UnclosedSection,
}

impl Profiles {
    /// Adds what a file says. Where a property is there already, the file added last wins; so the credentials
    /// file comes after the config file.
    ///
    /// # Errors
    ///
    /// [`SyntaxError`] for the first line that makes no sense; the whole file is then of no use.
    pub fn add(&mut self, kind: FileKind, text: &str) -> Result<(), SyntaxError> {
        let sections = parse(text)?;
        // `[profile default]` takes the place of `[default]`, wherever the two stand.
        let has_prefixed_default = kind == FileKind::Config
            && sections.iter().any(|section| split_name(&section.name) == (Some("profile"), "default"));
        for section in sections {
            let (prefix, name) = split_name(&section.name);
            let table = match (kind, prefix) {
                (FileKind::Config, None) if name == "default" && !has_prefixed_default => &mut self.profiles,
                (FileKind::Config, Some("profile")) | (FileKind::Credentials, None) => &mut self.profiles,
                (FileKind::Config, Some("sso-session")) => &mut self.sso_sessions,
                (FileKind::Config, Some("services")) => &mut self.services,
                _ => continue,
            };
            if !is_identifier(name) {
                continue;
            }
            let valid = section.properties.into_iter().filter(|(name, _)| is_identifier(name));
            table.entry(name.to_owned()).or_default().extend(valid);
        }
        Ok(())
    }
}

/// A section's header and the properties below it, in the order of the file.
struct Section {
    name: String,
    properties: Vec<(String, Zeroizing<String>)>,
}

fn parse(text: &str) -> Result<Vec<Section>, SyntaxError> {
    let mut sections = Vec::<Section>::new();
    for (index, line) in text.lines().enumerate() {
        let error = |problem| SyntaxError { line: index + 1, problem };
        if trim(line).is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('[') {
            let header = line.split(['#', ';']).next().unwrap_or(line);
            let name = trim(header).strip_prefix('[').and_then(|name| name.strip_suffix(']'));
            let name = name.ok_or_else(|| error(Problem::UnclosedSection))?;
            sections.push(Section { name: trim(name).to_owned(), properties: Vec::new() });
            continue;
        }
        let section = sections.last_mut().ok_or_else(|| error(Problem::NoSection))?;
        if line.starts_with(is_blank) {
            let property = section.properties.last_mut();
            let (_, value) = property.ok_or_else(|| error(Problem::NothingToContinue))?;
            let continuation = trim(line);
            // Below a property without a value of its own come its sub-properties.
            if value.is_empty() || value.starts_with('\n') {
                match without_comment(continuation).split_once('=') {
                    None => return Err(error(Problem::NoEqualsSignInSubProperty)),
                    Some((name, _)) if trim(name).is_empty() => {
                        return Err(error(Problem::EmptySubPropertyName));
                    }
                    Some(_) => {}
                }
            }
            value.push('\n');
            value.push_str(continuation);
        } else {
            let (name, value) = without_comment(line).split_once('=').ok_or_else(|| error(Problem::NoEqualsSign))?;
            let name = trim(name).to_ascii_lowercase();
            if name.is_empty() {
                return Err(error(Problem::EmptyName));
            }
            section.properties.push((name, Zeroizing::new(trim(value).to_owned())));
        }
    }
    Ok(sections)
}

/// A section's prefix, if it has one, and its name.
fn split_name(header: &str) -> (Option<&str>, &str) {
    match header.split_once(is_blank) {
        Some((prefix, name)) => (Some(prefix), trim(name)),
        None => (None, header),
    }
}

/// In a property, a comment begins behind white space only: secrets may have a `#` in them.
fn without_comment(line: &str) -> &str {
    let comment = line
        .char_indices()
        .zip(line.chars().skip(1))
        .find(|((_, before), sign)| is_blank(*before) && matches!(sign, '#' | ';'));
    match comment {
        Some(((end, _), _)) => &line[..end],
        None => line,
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|sign| sign.is_ascii_alphanumeric() || "_-/.%@:+".contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(profiles: &'a Profiles, profile: &str, name: &str) -> Option<&'a str> {
        profiles.profiles.get(profile)?.get(name).map(|value| value.as_str())
    }

    #[test]
    fn the_credentials_file_wins_over_the_config_file() {
        let mut profiles = Profiles::default();
        profiles.add(FileKind::Config, "[default]\nkey = config\nregion = r\n").unwrap();
        profiles.add(FileKind::Credentials, "[default]\nkey = credentials\n").unwrap();
        assert_eq!(value(&profiles, "default", "key"), Some("credentials"));
        assert_eq!(value(&profiles, "default", "region"), Some("r"));
    }

    #[test]
    fn a_number_sign_inside_a_secret_is_a_part_of_it() {
        let mut profiles = Profiles::default();
        profiles.add(FileKind::Credentials, "[a]\naws_secret_access_key = x#y;z # comment\r\n").unwrap();
        assert_eq!(value(&profiles, "a", "aws_secret_access_key"), Some("x#y;z"));
    }

    #[test]
    fn every_sub_property_has_to_be_one_and_keeps_its_comment() {
        let parse = |text: &str| {
            let mut profiles = Profiles::default();
            profiles.add(FileKind::Credentials, text).map(|()| value(&profiles, "a", "s3").map(str::to_owned))
        };
        assert_eq!(parse("[a]\ns3 =\n b = c ; d\n e = f\n"), Ok(Some("\nb = c ; d\ne = f".to_owned())));
        let problem = |line| Err(SyntaxError { line, problem: Problem::NoEqualsSignInSubProperty });
        assert_eq!(parse("[a]\ns3 =\n b = c\n d\n"), problem(4));
        assert_eq!(parse("[a]\ns3 =\n b ;= c\n"), problem(3));
    }

    #[test]
    fn a_syntax_error_names_the_line_and_repeats_nothing_of_it() {
        let error = Profiles::default().add(FileKind::Credentials, "[a]\n\nhunter2\n").unwrap_err();
        assert_eq!(error.to_string(), "line 3: Expected an '=' sign defining a property");
    }
}
