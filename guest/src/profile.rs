//! The shared config and credentials files: text → profiles.
//!
//! The syntax is what aws-runtime 1.10 reads (`env_config/parse.rs` and `normalize.rs`), whose test cases
//! tests/conformance/ runs.
//!
//! A lookup needs one profile of a file that may have thousands, and its fuel is limited. So a file is checked once,
//! and nothing of it is copied: the properties of a section are read when they are asked for. The work is done on
//! bytes, which takes a fraction of what characters take. Every separator of the syntax is ASCII, so none is found
//! inside of a character.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;
use std::mem;

use crate::wiped::Wiped;
use memchr::{memchr, memchr_iter};

/// The properties of one section, by their names in lower case. The values may be secrets.
pub type Properties = BTreeMap<String, Wiped<String>>;

/// What the files say, merged.
#[derive(Default)]
pub struct Profiles<'a> {
    files: Vec<File<'a>>,
}

/// A text without syntax errors.
struct File<'a> {
    kind: FileKind,
    text: &'a [u8],
    /// Whether `[profile default]` is there. It takes the place of `[default]`, wherever the two stand.
    has_prefixed_default: bool,
}

/// Which of the two files a text comes from: they name their sections differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `~/.aws/config`, with `[profile NAME]`.
    Config,
    /// `~/.aws/credentials`, with `[NAME]`.
    Credentials,
}

/// What a section is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SectionKind {
    /// A profile.
    Profile,
    /// `[sso-session NAME]` of the config file.
    SsoSession,
    /// `[services NAME]` of the config file.
    Services,
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

impl<'a> Profiles<'a> {
    /// Adds what a file says. Where a property is there already, the file added last wins; so the credentials
    /// file comes after the config file.
    ///
    /// # Errors
    ///
    /// [`SyntaxError`] for the first line that makes no sense; the whole file is then of no use.
    pub fn add(&mut self, kind: FileKind, text: &'a str) -> Result<(), SyntaxError> {
        let text = text.as_bytes();
        check(text)?;
        let mut headers = sections(text).map(|(header, _)| split_name(header));
        let has_prefixed_default =
            kind == FileKind::Config && headers.any(|section| section == (Some(b"profile"), b"default"));
        self.files.push(File { kind, text, has_prefixed_default });
        Ok(())
    }

    /// The properties of a section, wherever it stands; `None` where there is no such section.
    pub fn get(&self, kind: SectionKind, name: &str) -> Option<Properties> {
        identifier(name.as_bytes())?;
        let mut found = None;
        for (section, body) in self.sections() {
            if section == (kind, name.as_bytes()) {
                read_properties(body, found.get_or_insert_default());
            }
        }
        found
    }

    /// The kind and the name of every section, once for each of its headers.
    pub fn names(&self) -> impl Iterator<Item = (SectionKind, &'a str)> {
        self.sections().filter_map(|((kind, name), _)| Some((kind, identifier(name)?)))
    }

    /// Every section with its properties. For who needs all of them, this takes one pass, where [`get`](Self::get) takes one for each.
    pub fn all(&self) -> BTreeMap<(SectionKind, &'a str), Properties> {
        let mut all = BTreeMap::<_, Properties>::new();
        for ((kind, name), body) in self.sections() {
            if let Some(name) = identifier(name) {
                read_properties(body, all.entry((kind, name)).or_default());
            }
        }
        all
    }

    fn sections(&self) -> impl Iterator<Item = ((SectionKind, &'a [u8]), &'a [u8])> {
        self.files
            .iter()
            .flat_map(|file| sections(file.text).filter_map(|(header, body)| Some((file.section(header)?, body))))
    }
}

impl<'a> File<'a> {
    /// What a header of this file names; `None` where that has no meaning, and the section is ignored.
    fn section(&self, header: &'a [u8]) -> Option<(SectionKind, &'a [u8])> {
        let (prefix, name) = split_name(header);
        let kind = match (self.kind, prefix) {
            (FileKind::Config, None) if name == b"default" && !self.has_prefixed_default => SectionKind::Profile,
            (FileKind::Config, Some(b"profile")) | (FileKind::Credentials, None) => SectionKind::Profile,
            (FileKind::Config, Some(b"sso-session")) => SectionKind::SsoSession,
            (FileKind::Config, Some(b"services")) => SectionKind::Services,
            _ => return None,
        };
        Some((kind, name))
    }
}

/// A sub-property of a property, as in the services sections: `ecr =`, and in the next line ` endpoint_url = …`.
pub fn sub_property<'a>(property: &'a str, name: &str) -> Option<&'a str> {
    let pairs = property.lines().filter_map(|line| line.split_once('='));
    let mut found = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found.next_back().map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

/// What stands before a line: it says what a continuation can be.
#[derive(Clone, Copy)]
enum Before {
    /// No section yet.
    Nothing,
    /// A section's header.
    Header,
    /// A property with a value.
    Value,
    /// A property without a value of its own, or its sub-properties.
    NoValue,
}

/// Finds the first line that makes no sense.
fn check(text: &[u8]) -> Result<(), SyntaxError> {
    let mut before = Before::Nothing;
    for (index, line) in lines(text).enumerate() {
        before = check_line(line, before).map_err(|problem| SyntaxError { line: index + 1, problem })?;
    }
    Ok(())
}

/// What stands before the next line.
fn check_line(line: &[u8], before: Before) -> Result<Before, Problem> {
    match (line, before) {
        ([] | [b'#' | b';', ..], before) => Ok(before),
        ([b'[', ..], _) => header(line).map(|_| Before::Header).ok_or(Problem::UnclosedSection),
        ([b' ' | b'\t', ..], before) => match (trim(line), before) {
            ([], before) => Ok(before),
            (_, Before::Nothing) => Err(Problem::NoSection),
            (_, Before::Header) => Err(Problem::NothingToContinue),
            (_, Before::Value) => Ok(Before::Value),
            (line, Before::NoValue) => match property(line) {
                None => Err(Problem::NoEqualsSignInSubProperty),
                Some(([], _)) => Err(Problem::EmptySubPropertyName),
                Some(_) => Ok(Before::NoValue),
            },
        },
        (_, Before::Nothing) => Err(Problem::NoSection),
        _ => match property(line) {
            None => Err(Problem::NoEqualsSign),
            Some(([], _)) => Err(Problem::EmptyName),
            Some((_, value)) if value_begins(value) => Ok(Before::Value),
            Some(_) => Ok(Before::NoValue),
        },
    }
}

/// Each section of a text without syntax errors: what its header says, and what is below it.
fn sections(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = &text[next_header(text)..];
    iter::from_fn(move || {
        let line = lines(rest).next()?;
        // The end of the header's line stays below it, as a line that says nothing.
        let below = &rest[line.len()..];
        let (body, next) = below.split_at(next_header(below));
        rest = next;
        Some((header(line)?, body))
    })
}

/// Where the next header begins, or else where the text ends.
fn next_header(text: &[u8]) -> usize {
    let mut brackets = memchr_iter(b'[', text);
    brackets.find(|&bracket| bracket == 0 || text[bracket - 1] == b'\n').unwrap_or(text.len())
}

/// The lines without their ends, as [`str::lines`] has them.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    iter::from_fn(move || {
        let Some(end) = memchr(b'\n', rest) else {
            return (!rest.is_empty()).then(|| mem::take(&mut rest));
        };
        let line = &rest[..end];
        rest = &rest[end + 1..];
        match line {
            [line @ .., b'\r'] => Some(line),
            line => Some(line),
        }
    })
}

/// Reads what is below the header of a section without syntax errors.
fn read_properties(body: &[u8], properties: &mut Properties) {
    let mut last = None;
    for line in lines(body) {
        match line {
            [] | [b'#' | b';', ..] => {}
            [b' ' | b'\t', ..] => {
                let value = last.as_ref().and_then(|name: &String| properties.get_mut(name));
                if let (Some(value), text @ [_, ..]) = (value, trim(line)) {
                    value.push('\n');
                    value.push_str(&text_of(text));
                }
            }
            _ => {
                let Some((name, value)) = property(line) else { continue };
                // What is no identifier is ignored, and so is what continues it.
                last = identifier(name).map(str::to_ascii_lowercase);
                if let Some(name) = &last {
                    let value = text_of(trim(without_comment(value))).into_owned();
                    properties.insert(name.clone(), Wiped::new(value));
                }
            }
        }
    }
}

/// The text between the brackets. In a header, a comment needs no white space before it.
fn header(line: &[u8]) -> Option<&[u8]> {
    let end = line.iter().position(|byte| is_comment_sign(*byte)).unwrap_or(line.len());
    match trim(&line[..end]) {
        [b'[', name @ .., b']'] => Some(trim(name)),
        _ => None,
    }
}

/// A section's prefix, if it has one, and its name.
fn split_name(header: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match header.iter().position(|byte| is_blank(*byte)) {
        Some(blank) => (Some(&header[..blank]), trim(&header[blank..])),
        None => (None, header),
    }
}

/// A property's name, and its value with the white space and the comment around it.
fn property(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut before = 0;
    for (index, &byte) in line.iter().enumerate() {
        match byte {
            b'=' => return Some((trim(&line[..index]), &line[index + 1..])),
            // An equals sign in a comment is none.
            b'#' | b';' if is_blank(before) => return None,
            _ => before = byte,
        }
    }
    None
}

/// Whether there is a value before the comment. This is told by its first character.
fn value_begins(value: &[u8]) -> bool {
    match value {
        [] => false,
        [b' ' | b'\t', rest @ ..] => !matches!(trim(rest), [] | [b'#' | b';', ..]),
        _ => true,
    }
}

/// In a property, a comment begins behind white space only: secrets may have a `#` in them.
fn without_comment(text: &[u8]) -> &[u8] {
    let is_begin = |pair: &[u8]| is_blank(pair[0]) && is_comment_sign(pair[1]);
    match text.windows(2).position(is_begin) {
        Some(end) => &text[..end],
        None => text,
    }
}

// Inlined, it saves an eighth of all the work on a file.
#[inline]
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_comment_sign(byte: u8) -> bool {
    matches!(byte, b'#' | b';')
}

/// A part of a text as text again. It was cut between characters, so that nothing is replaced.
fn text_of(part: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(part)
}

fn identifier(name: &[u8]) -> Option<&str> {
    let is_identifier =
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-/.%@:+".contains(byte));
    str::from_utf8(name).ok().filter(|_| is_identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(profiles: &Profiles<'_>, profile: &str, name: &str) -> Option<String> {
        profiles.get(SectionKind::Profile, profile)?.get(name).map(|value| value.as_str().to_owned())
    }

    #[test]
    fn the_credentials_file_wins_over_the_config_file() {
        let mut profiles = Profiles::default();
        profiles.add(FileKind::Config, "[default]\nkey = config\nregion = r\n").unwrap();
        profiles.add(FileKind::Credentials, "[default]\nkey = credentials\n").unwrap();
        assert_eq!(value(&profiles, "default", "key").as_deref(), Some("credentials"));
        assert_eq!(value(&profiles, "default", "region").as_deref(), Some("r"));
    }

    #[test]
    fn a_number_sign_inside_a_secret_is_a_part_of_it() {
        let mut profiles = Profiles::default();
        profiles.add(FileKind::Credentials, "[a]\naws_secret_access_key = x#y;z # comment\r\n").unwrap();
        assert_eq!(value(&profiles, "a", "aws_secret_access_key").as_deref(), Some("x#y;z"));
    }

    #[test]
    fn every_sub_property_has_to_be_one_and_keeps_its_comment() {
        let parse = |text: &str| {
            let mut profiles = Profiles::default();
            profiles.add(FileKind::Credentials, text).map(|()| value(&profiles, "a", "s3"))
        };
        assert_eq!(parse("[a]\ns3 =\n b = c ; d\n e = f\n"), Ok(Some("\nb = c ; d\ne = f".to_owned())));
        let problem = |line| Err(SyntaxError { line, problem: Problem::NoEqualsSignInSubProperty });
        assert_eq!(parse("[a]\ns3 =\n b = c\n d\n"), problem(4));
        assert_eq!(parse("[a]\ns3 =\n b ;= c\n"), problem(3));
    }

    #[test]
    fn a_value_keeps_what_is_not_ascii() {
        let mut profiles = Profiles::default();
        profiles.add(FileKind::Credentials, "[a]\nk = \u{2003}é #\u{a0}; no # comment\n ü\n").unwrap();
        assert_eq!(value(&profiles, "a", "k").as_deref(), Some("\u{2003}é\nü"));
    }

    #[test]
    fn a_section_that_stands_in_several_places_is_one_section() {
        let mut profiles = Profiles::default();
        profiles.add(FileKind::Credentials, "[a]\nk = 1\nl = 1\n[b]\nk = 2\n[a]\nk = 3\n").unwrap();
        assert_eq!(value(&profiles, "a", "k").as_deref(), Some("3"));
        assert_eq!(value(&profiles, "a", "l").as_deref(), Some("1"));
        assert_eq!(profiles.names().count(), 3);
        let all = profiles.all();
        assert_eq!(all.keys().map(|(_, name)| *name).collect::<Vec<_>>(), ["a", "b"]);
        for ((kind, name), properties) in all {
            assert_eq!(profiles.get(kind, name), Some(properties));
        }
    }

    #[test]
    fn a_syntax_error_names_the_line_and_repeats_nothing_of_it() {
        let error = Profiles::default().add(FileKind::Credentials, "[a]\n\nhunter2\n").unwrap_err();
        assert_eq!(error.to_string(), "line 3: Expected an '=' sign defining a property");
    }
}
