//! JSON as Go's encoder writes it, for protocols whose texts are compared byte by byte.

use serde_json::Value;

/// A string in quotes, with the characters escaped that Go's encoder escapes.
pub(crate) fn string(value: &str) -> String {
    Value::from(value)
        .to_string()
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}
