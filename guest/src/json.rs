//! JSON of others: the members of an object, and the keys that are often among them.
//!
//! Names are taken in any case, as the AWS SDK for Rust takes them (`aws-config`, `json_credentials.rs` and `sso/cache.rs`).

use serde_json::{Map, Value};

use crate::credentials::Credentials;
use crate::secret::Secret;

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

/// The document of an object.
pub fn write(object: &Object) -> Vec<u8> {
    serde_json::to_vec(object).expect("an object has a name for each member and nothing that JSON lacks")
}

/// Puts a text in the place of a member, whatever it was; without a text, the member is gone.
pub fn set(object: &mut Object, name: &str, text: Option<&str>) {
    object.retain(|key, _| !key.eq_ignore_ascii_case(name));
    if let Some(text) = text {
        object.insert(name.to_owned(), Value::String(text.to_owned()));
    }
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
        let document = r#"{"a":[1,-2,0.5,null,true],"b":{"c":"\"\\\n\u0001é"},"d":{}}"#;
        assert_eq!(String::from_utf8(write(&object(document.as_bytes()).unwrap())).unwrap(), document);
    }

    #[test]
    fn a_member_is_replaced_under_whichever_name_it_had() {
        let mut members = object(br#"{"TOKEN": 1, "other": [2]}"#).unwrap();
        set(&mut members, "token", Some("t"));
        assert_eq!(object(br#"{"token": "t", "other": [2]}"#).unwrap(), members);
        set(&mut members, "Token", None);
        assert_eq!(object(br#"{"other": [2]}"#).unwrap(), members);
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
