//! JSON as Go's encoder writes it: on one line, with the characters escaped that HTML gives a meaning.

use std::collections::BTreeMap;
use std::fmt::Write;

use keyward::Credential;
use serde_json::Value;

/// A credential, with the address of the registry as it was asked for.
pub(crate) fn credential_json(server: &[u8], credential: &Credential) -> String {
    format!(
        "{{\"ServerURL\":{},\"Username\":{},\"Secret\":{}}}\n",
        bytes(server),
        text(&credential.username),
        text(credential.secret.expose())
    )
}

/// The users of hosts, by the hosts' URLs.
pub(super) fn list_json(users: &BTreeMap<String, String>) -> String {
    let entries: Vec<String> =
        users.iter().map(|(host, user)| format!("{}:{}", text(&format!("https://{host}")), text(user))).collect();
    format!("{{{}}}\n", entries.join(","))
}

/// What is not UTF-8 is written as the escape of the character that stands for it.
fn bytes(bytes: &[u8]) -> String {
    let mut encoded = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let valid = text(chunk.valid());
        encoded.push_str(&valid[1..valid.len() - 1]);
        for _ in chunk.invalid() {
            encoded.push_str("\\ufffd");
        }
    }
    encoded.push('"');
    encoded
}

fn text(text: &str) -> String {
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
            assert_eq!(text(plain), encoded);
            assert_eq!(bytes(plain.as_bytes()), encoded);
        }
        assert_eq!(bytes(b"a\xff\xe2\x82b\""), r#""a\ufffd\ufffd\ufffdb\"""#);
    }

    #[test]
    fn a_list_is_sorted_by_url() {
        assert_eq!(list_json(&BTreeMap::new()), "{}\n");
        let users = [("b.example", "AWS"), ("a.example:8443", "A<")].map(|(host, user)| (host.into(), user.into()));
        assert_eq!(
            list_json(&users.into()),
            "{\"https://a.example:8443\":\"A\\u003c\",\"https://b.example\":\"AWS\"}\n"
        );
    }
}
