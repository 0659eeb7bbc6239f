//! Text that must not be seen.

use std::fmt;

use zeroize::Zeroizing;

/// A secret: its `Debug` form shows nothing of it, and its memory is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
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
}
