//! Where a request goes: scheme, host and port, and nothing else of it that could be a secret.

use std::fmt;

use http::Uri;
use http::uri::Scheme;

/// Scheme, host and port, in one spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Destination {
    pub(crate) is_https: bool,
    /// In lower case; an IPv6 address without its brackets.
    pub(crate) host: String,
    /// The scheme's own port where the request names none.
    pub(crate) port: u16,
}

impl Destination {
    /// `None` for what no request can be sent to: another scheme, no host, user information.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let is_https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        // A port that is no number, or too large a one, is not the scheme's own.
        let names_port = authority.as_str().len() > authority.host().len();
        if names_port && authority.port_u16().is_none() {
            return None;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return None;
        }
        let port = authority.port_u16().unwrap_or(default_port(is_https));
        Some(Self { is_https, host: host.to_ascii_lowercase(), port })
    }

    /// Host and port, always with the port.
    pub(crate) fn authority(&self) -> String {
        let Self { is_https: _, host, port } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { is_https, host, port } = self;
        let scheme = if *is_https { "https" } else { "http" };
        write!(formatter, "{scheme}://")?;
        if host.contains(':') {
            write!(formatter, "[{host}]")?;
        } else {
            formatter.write_str(host)?;
        }
        if *port == default_port(*is_https) { Ok(()) } else { write!(formatter, ":{port}") }
    }
}

fn default_port(is_https: bool) -> u16 {
    if is_https { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_has_one_spelling() {
        for (uri, spelling) in [
            ("https://API.ecr.example:443/path?query", "https://api.ecr.example"),
            ("http://localhost:4566/", "http://localhost:4566"),
            ("http://localhost:80/", "http://localhost"),
            ("http://[FD00::1]:8080/", "http://[fd00::1]:8080"),
        ] {
            assert_eq!(Destination::of(&uri.parse().unwrap()).unwrap().to_string(), spelling);
        }
        for uri in ["https://user@example.com/", "ftp://example.com/", "/path", "http://example.com:99999/"] {
            assert_eq!(uri.parse().ok().and_then(|uri| Destination::of(&uri)), None, "{uri}");
        }
    }
}
