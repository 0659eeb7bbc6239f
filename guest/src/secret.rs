//! Text that must not be seen.

use std::fmt;

use crate::wiped::Wiped;

/// A secret: its `Debug` form shows nothing of it, and its memory is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Wiped<String>);

impl Secret {
    /// Takes a secret over.
    pub fn new(text: String) -> Self {
        Self(Wiped::new(text))
    }

    /// The secret in clear, to sign or to send with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// `text` without any of `secrets` in it, for the messages of others, which may repeat what they were sent.
pub fn redact(text: &str, secrets: &[&Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.expose().is_empty()) {
        if text.contains(secret.expose()) {
            text = text.replace(secret.expose(), "[redacted]");
        }
    }
    text
}

/// An address without what may be a secret in it: the user information before its host, and everything from a query on.
pub fn address_without_secrets(address: &str) -> String {
    let begin = address.find("://").map_or(0, |end| end + "://".len());
    let (scheme, rest) = address.split_at(begin);
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let authority = &rest[..end];
    // A password with a slash in it ends the authority too early. No host has a colon before anything but a port.
    let is_cut_short = !authority.starts_with('[') && authority.split_once(':').is_some_and(|(_, port)| !is_port(port));
    let searched = if is_cut_short { rest } else { authority };
    let (user, rest) = match searched.rfind('@') {
        Some(at) => ("***@", &rest[at + 1..]),
        None => ("", rest),
    };
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    format!("{scheme}{user}{}", &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_form_shows_nothing_of_a_secret() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "[redacted]");
    }

    #[test]
    fn a_secret_inside_another_text_is_taken_out() {
        let secret = Secret::new("hunter2".to_owned());
        let nothing = Secret::new(String::new());
        assert_eq!(redact("token hunter2 is wrong", &[&secret, &nothing]), "token [redacted] is wrong");
    }

    #[test]
    fn an_address_is_left_without_user_information_and_query() {
        for (address, left) in [
            ("https://u:hunter2@registry.example/x?X-Amz-Signature=hunter2", "https://***@registry.example/x"),
            ("https://u:hunt@er2@registry.example:8443", "https://***@registry.example:8443"),
            ("https://u:hunt/er2@registry.example/x", "https://***@registry.example/x"),
            ("https://u:hunt?er2@registry.example/x", "https://***@registry.example/x"),
            ("hunter2@registry.example", "***@registry.example"),
            ("registry.example/x#hunter2", "registry.example/x"),
            ("registry.example?hunter2", "registry.example"),
        ] {
            assert_eq!(address_without_secrets(address), left);
        }
        for same in [
            "",
            "nonsense",
            "https://",
            "https://registry.example:8443/team/image",
            "registry.example:8443/team/image:tag@sha256:0123",
            "http://[::1]:8080/x@y",
        ] {
            assert_eq!(address_without_secrets(same), same);
        }
    }
}
