//! JSON as Go's encoder writes it, for protocols whose texts are compared byte by byte.

use std::fmt::Write;

use serde_json::Value;

/// A string in quotes, with the characters escaped that HTML gives a meaning.
pub(crate) fn string(text: &str) -> String {
    let mut encoded = String::new();
    for character in Value::from(text).to_string().chars() {
        match character {
            '&' | '<' | '>' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(encoded, "\\u{:04x}", u32::from(character));
            }
            other => encoded.push(other),
        }
    }
    encoded
}

/// The same, of bytes. What is not UTF-8 is written as the escape of the character that stands for it.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let mut encoded = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let valid = string(chunk.valid());
        encoded.push_str(&valid[1..valid.len() - 1]);
        for _ in chunk.invalid() {
            encoded.push_str("\\ufffd");
        }
    }
    encoded.push('"');
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_as_go_encodes_it() {
        for (plain, encoded) in [
            ("<v2>&\u{2028}\u{2029}", r#""\u003cv2\u003e\u0026\u2028\u2029""#),
            ("\"\\/", r#""\"\\/""#),
            ("\n\r\t\u{1}\u{1f}\u{7f}", "\"\\n\\r\\t\\u0001\\u001f\u{7f}\""),
            ("ü\u{fffd}\u{1f600}", "\"ü\u{fffd}\u{1f600}\""),
        ] {
            assert_eq!(string(plain), encoded);
            assert_eq!(bytes(plain.as_bytes()), encoded);
        }
        assert_eq!(bytes(b"a\xff\xe2\x82b\""), r#""a\ufffd\ufffd\ufffdb\"""#);
    }
}
