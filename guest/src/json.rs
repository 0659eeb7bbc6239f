//! JSON of others: the members of an object, and the keys that are often among them.
//!
//! Names are taken in any case, as the AWS SDK for Rust takes them (`aws-config`, `json_credentials.rs` and `sso/cache.rs`).

use serde_json::{Map, Value};

use crate::credentials::Credentials;
use crate::secret::Secret;
use crate::sigv4::hex;
use crate::time::Timestamp;

/// A JSON object. It may hold secrets: nothing of it goes into a message.
pub type Object = Map<String, Value>;

/// The object that a document consists of; `None` for everything else.
pub fn object(document: &[u8]) -> Option<Object> {
    match serde_json::from_slice(document) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// A member of an object.
pub fn member<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A member that is a text; an empty one is none.
pub fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    member(object, name)?.as_str().filter(|text| !text.is_empty())
}

/// A member that is a secret text.
pub fn secret(object: &Object, name: &str) -> Option<Secret> {
    text(object, name).map(|text| Secret::new(text.to_owned()))
}

/// A member that is a token to be sent in a header, where blanks and control characters have no place.
pub fn token(object: &Object, name: &str) -> Option<Secret> {
    secret(object, name).filter(|token| token.expose().bytes().all(|byte| byte.is_ascii_graphic()))
}

/// A time as a number since 1970, of which a second has so many. What is less than a second is dropped.
pub fn time(value: &Value, of_a_second: f64) -> Option<Timestamp> {
    let seconds = value.as_f64()? / of_a_second;
    let is_time = (0.0..Timestamp::LATEST.seconds as f64 + 1.0).contains(&seconds);
    is_time.then_some(Timestamp { seconds: seconds as u64 })
}

/// The document of an object, with each of `changes` in the place of what the object had under that name: a text, or nothing.
///
/// `None` for an object with a number that has a fraction. Writing one takes more code than all else here, and nothing that is
/// written has any.
pub fn write(object: &Object, changes: &[(&str, Option<&str>)]) -> Option<String> {
    let mut document = "{".to_owned();
    let is_changed = |name: &str| changes.iter().any(|(changed, _)| changed.eq_ignore_ascii_case(name));
    for (name, value) in object.iter().filter(|(name, _)| !is_changed(name)) {
        write_name(name, &mut document);
        write_value(value, &mut document)?;
    }
    for (name, text) in changes {
        let Some(text) = text else { continue };
        write_name(name, &mut document);
        write_text(text, &mut document);
    }
    document.push('}');
    Some(document)
}

fn write_value(value: &Value, into: &mut String) -> Option<()> {
    match value {
        Value::Null => into.push_str("null"),
        Value::Bool(true) => into.push_str("true"),
        Value::Bool(false) => into.push_str("false"),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => into.push_str(&number.to_string()),
            (None, Some(number)) => into.push_str(&number.to_string()),
            (None, None) => return None,
        },
        Value::String(text) => write_text(text, into),
        Value::Array(values) => {
            into.push('[');
            for value in values {
                separate(into);
                write_value(value, into)?;
            }
            into.push(']');
        }
        Value::Object(object) => into.push_str(&write(object, &[])?),
    }
    Some(())
}

fn write_name(name: &str, into: &mut String) {
    separate(into);
    write_text(name, into);
    into.push(':');
}

/// Puts a comma behind whatever is not the begin of an object or of an array.
fn separate(into: &mut String) {
    if !into.ends_with(['{', '[']) {
        into.push(',');
    }
}

fn write_text(text: &str, into: &mut String) {
    into.push('"');
    for sign in text.chars() {
        match sign {
            '"' | '\\' => into.extend(['\\', sign]),
            '\0'..' ' => {
                into.push_str("\\u00");
                into.push_str(&hex(&[sign as u8]));
            }
            _ => into.push(sign),
        }
    }
    into.push('"');
}

/// The members `accessKeyId`, `secretAccessKey` and `sessionToken`, the last of which may be missing.
pub fn keys(object: &Object) -> Option<Credentials> {
    let (id, secret) = (text(object, "accessKeyId")?, text(object, "secretAccessKey")?);
    Some(Credentials::new(id, secret).with_session_token(text(object, "sessionToken")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_and_nothing_else_is_one() {
        assert_eq!(object(b" {} "), Some(Object::new()));
        for document in ["", "[]", "null", "\"{}\"", "{", "{} {}", "\u{feff}{}"] {
            assert_eq!(object(document.as_bytes()), None, "{document}");
        }
        assert_eq!(object(&[b'"', 0xff, b'"']), None);
    }

    #[test]
    fn a_text_has_its_name_in_any_case_and_is_not_empty() {
        let object = object(br#"{"Text": "t", "empty": "", "number": 1, "null": null}"#).unwrap();
        assert_eq!(text(&object, "tEXT"), Some("t"));
        for name in ["empty", "number", "null", "missing"] {
            assert_eq!(text(&object, name), None, "{name}");
        }
    }

    #[test]
    fn a_token_is_what_a_header_can_have() {
        let object = object(br#"{"token": "a-b.c/d+e=", "blank": "a b", "line": "a\n", "accent": "\u00e9"}"#).unwrap();
        assert_eq!(token(&object, "token"), Some(Secret::new("a-b.c/d+e=".to_owned())));
        for name in ["blank", "line", "accent", "missing"] {
            assert_eq!(token(&object, name), None, "{name}");
        }
        assert_eq!(secret(&object, "blank"), Some(Secret::new("a b".to_owned())));
    }

    #[test]
    fn an_object_is_written_as_it_was_read() {
        for document in [
            "{}",
            r#"{"a":[1,-2,18446744073709551615,null,true,false,[],{}],"b":{"c":"\"\\\u000a\u0001é","d":{}},"{":"[","é":"{"}"#,
        ] {
            assert_eq!(write(&object(document.as_bytes()).unwrap(), &[]).as_deref(), Some(document));
        }
        assert_eq!(write(&object(b"{\"a\":[0.5]}").unwrap(), &[]), None);
        let every_sign: String = ('\0'..='\u{ff}').chain(['\u{2028}', '\u{1f511}']).collect();
        let written = write(&Object::new(), &[(&every_sign, Some(&every_sign))]).unwrap();
        assert_eq!(text(&object(written.as_bytes()).unwrap(), &every_sign), Some(every_sign.as_str()));
    }

    #[test]
    fn a_change_goes_to_a_member_under_whichever_name_it_had() {
        let members = object(br#"{"TOKEN": 1, "other": [2], "gone": {}}"#).unwrap();
        let changes = [("token", Some("t\"")), ("Gone", None), ("new", Some("n")), ("never", None)];
        assert_eq!(write(&members, &changes).unwrap(), r#"{"other":[2],"token":"t\"","new":"n"}"#);
    }

    #[test]
    fn keys_are_a_pair_with_or_without_a_token() {
        let keys = |document: &str| keys(&object(document.as_bytes()).unwrap());
        let pair = Credentials::new("i", "s");
        assert_eq!(keys(r#"{"AccessKeyId": "i", "secretAccessKey": "s"}"#), Some(pair.clone()));
        let document = r#"{"accessKeyId": "i", "secretAccessKey": "s", "sessionToken": "t"}"#;
        assert_eq!(keys(document), Some(pair.with_session_token(Some("t"))));
        assert_eq!(keys(r#"{"accessKeyId": "i", "secretAccessKey": ""}"#), None);
        assert_eq!(keys(r#"{"secretAccessKey": "s"}"#), None);
    }
}
