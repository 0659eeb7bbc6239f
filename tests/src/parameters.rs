//! Parameters as queries and forms have them: `name=value&name=value`, percent-encoded.

/// Parameters, each of another name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads parameters. There are none if an escape is wrong, if what is decoded is not UTF-8, if a
    /// name occurs twice, or if there are characters that have to be escaped.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|_| !text.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            let name = decode(name, Plus::IsSpace)?;
            if name.is_empty() || parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            parameters.push((name, decode(value, Plus::IsSpace)?));
        }
        Some(Self(parameters))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// What a plus sign stands for: a space in queries and forms, itself in paths.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plus {
    IsSpace,
    IsPlus,
}

/// Decodes what is percent-encoded.
pub(crate) fn decode(text: &str, plus: Plus) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => 16 * hex_digit(bytes.next()?)? + hex_digit(bytes.next()?)?,
            b'+' if plus == Plus::IsSpace => b' ',
            _ if byte.is_ascii_graphic() => byte,
            _ => return None,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let parameters = Parameters::parse("Role%41rn=arn%3Aaws&empty=&space=a+b%20c&equals=a=b").unwrap();
        assert_eq!(parameters.get("RoleArn"), Some("arn:aws"));
        assert_eq!(parameters.get("empty"), Some(""));
        assert_eq!(parameters.get("space"), Some("a b c"));
        assert_eq!(parameters.get("equals"), Some("a=b"));
        assert_eq!(parameters.get("other"), None);
        assert_eq!(parameters.names().count(), 4);
    }

    #[test]
    fn nothing_is_no_parameters() {
        assert_eq!(Parameters::parse(""), Some(Parameters(Vec::new())));
    }

    #[test]
    fn what_is_not_well_formed_is_not_read() {
        for wrong in ["a", "=b", "a=1&a=2", "a=%", "a=%4", "a=%zz", "a=%+1", "a=%ff", "a=b c", "a=\u{e9}", "a=b&"] {
            assert_eq!(Parameters::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn in_a_path_a_plus_sign_is_itself() {
        assert_eq!(decode("a+b%2Bc", Plus::IsPlus).as_deref(), Some("a+b+c"));
    }
}
