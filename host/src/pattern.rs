//! Which addresses a setting is for: the patterns of the kubelet's `matchImages`.
//!
//! Source: kubernetes, `pkg/credentialprovider/keyring.go` (`URLsMatchStr`, `ParseSchemelessURL`), and the documentation of
//! `CredentialProvider.matchImages`. A pattern matches an address where
//!
//! - both hosts have the same number of labels, and each label of the pattern matches the label in its place. In a label, `*` stands for
//!   any signs, also for none; it never spans a dot.
//! - both have the same port, or neither has one;
//! - the path of the address begins with the path of the pattern, sign by sign: `/team` matches `/teams/image` too, and `/team/` does not.
//!
//! In three things a registry's address is what it is to [`serves`](crate::serves), and not what the kubelet would make of it: hosts are
//! compared without case, one dot at the end of a host is nothing, and an address may have the scheme `https`. What else Go's
//! `filepath.Match` knows (`?`, classes in brackets) is refused, since the kubelet documents none of it.

use std::fmt;
use std::str::FromStr;

use keyward_ecr::registry::{Address, is_label, split_port};

/// A pattern for the addresses of registries.
///
/// ```
/// let pattern: keyward::Pattern = "*.dkr.ecr.*.amazonaws.com/team/".parse()?;
/// assert!(pattern.matches("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/image:1.2"));
/// assert!(!pattern.matches("123456789012.dkr.ecr.eu-west-1.amazonaws.com/image"));
/// # Ok::<(), keyward::PatternError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// As it was typed.
    text: String,
    /// In lower case, with wildcards.
    labels: Vec<String>,
    port: Option<u16>,
    /// Empty, or with a slash before it.
    path: String,
}

/// A text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// A host is dot-separated labels of letters, digits and hyphens, and wildcards in them.
    #[error("its host is not a name, with or without wildcards")]
    Host,
    /// The path could match no image.
    #[error("its path has '{0}' in it, which no image reference has")]
    Path(char),
    /// Wildcards stand in hosts alone.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// Patterns have none.
    #[error("it has a scheme: leave that out")]
    Scheme,
}

/// Why a pattern does not match an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The address is none of a registry: it has user information, another scheme, a host that cannot be one.
    #[error("the address is not a host, with or without https://, a port and a path")]
    Address,
    /// One label differs.
    #[error("'{pattern}' does not match '{address}'")]
    Label {
        /// That of the pattern.
        pattern: String,
        /// That of the address.
        address: String,
    },
    /// No wildcard spans a dot.
    #[error("the host of the pattern has {pattern} labels, and that of the address {address}")]
    Labels {
        /// How many the pattern has.
        pattern: usize,
        /// How many the address has.
        address: usize,
    },
    /// The path of the address begins in another way.
    #[error("the path of the address does not begin with '{0}'")]
    Path(String),
    /// The ports differ, or one of the two has none.
    #[error("the pattern has {}, and the address {}", port(*pattern), port(*address))]
    Port {
        /// That of the pattern.
        pattern: Option<u16>,
        /// That of the address.
        address: Option<u16>,
    },
}

impl Pattern {
    /// Whether the pattern matches an address: a host, a URL with the scheme `https`, or an image reference.
    pub fn matches(&self, address: &str) -> bool {
        self.check(address).is_ok()
    }

    /// As [`matches`](Self::matches), with the reason.
    ///
    /// # Errors
    ///
    /// [`Mismatch`].
    pub fn check(&self, address: &str) -> Result<(), Mismatch> {
        let address = Address::parse(address).ok_or(Mismatch::Address)?;
        if self.port != address.port {
            return Err(Mismatch::Port { pattern: self.port, address: address.port });
        }
        let count = address.host.split('.').count();
        if self.labels.len() != count {
            return Err(Mismatch::Labels { pattern: self.labels.len(), address: count });
        }
        let mut labels = self.labels.iter().zip(address.host.split('.'));
        if let Some((pattern, label)) = labels.find(|(pattern, label)| !glob(pattern, label)) {
            return Err(Mismatch::Label { pattern: pattern.clone(), address: label.to_owned() });
        }
        if address.path.starts_with(&self.path) { Ok(()) } else { Err(Mismatch::Path(self.path.clone())) }
    }

    /// Whether this pattern matches every address that the other one matches. A wildcard of the other one is taken for a sign that
    /// only a wildcard matches; so `false` may be wrong (`*a` and `*`, of a label that cannot end otherwise), and `true` is not.
    pub fn covers(&self, other: &Self) -> bool {
        self.port == other.port
            && self.labels.len() == other.labels.len()
            && self.labels.iter().zip(&other.labels).all(|(this, other)| glob(this, other))
            && other.path.starts_with(&self.path)
    }

    /// The pattern as it was typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.contains("://") {
            return Err(PatternError::Scheme);
        }
        let (authority, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        let is_foreign = |sign: &char| !sign.is_ascii_graphic() || ['?', '#', '%', '*'].contains(sign);
        if let Some(sign) = path.chars().find(is_foreign) {
            return Err(PatternError::Path(sign));
        }
        let (host, port) = split_port(authority).ok_or(PatternError::Port)?;
        let host = host.strip_suffix('.').unwrap_or(host);
        // A wildcard stands where a letter could.
        if !host.split('.').all(|label| is_label(&label.replace('*', "x"))) {
            return Err(PatternError::Host);
        }
        let labels = host.split('.').map(str::to_ascii_lowercase).collect();
        Ok(Self { text: text.to_owned(), labels, port, path: path.to_owned() })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Whether a label matches, where `*` stands for any signs. The last wildcard takes one sign more each time that what follows it does not
/// fit: no two ways are tried for the same place, so the time is that of the product of both lengths at most.
fn glob(pattern: &str, label: &str) -> bool {
    let (pattern, label) = (pattern.as_bytes(), label.as_bytes());
    let (mut at, mut seen) = (0, 0);
    let mut wildcard: Option<(usize, usize)> = None;
    while seen < label.len() {
        match pattern.get(at) {
            Some(b'*') => {
                wildcard = Some((at, seen));
                at += 1;
            }
            Some(sign) if *sign == label[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((star, taken)) = wildcard else { return false };
                wildcard = Some((star, taken + 1));
                (at, seen) = (star + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|sign| *sign == b'*')
}

fn port(port: Option<u16>) -> String {
    port.map_or_else(|| "no port".to_owned(), |port| format!("port {port}"))
}

#[cfg(test)]
mod tests;
