//! The credentials that a client wants to be kept, decoded as Go's `encoding/json` decodes them into a struct: names count
//! in any case, unknown ones are passed over, null changes nothing, the last of several counts, and what follows the first
//! value is not looked at.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

/// What there is to check of them. The secret is not kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) server_url: String,
    pub(super) username: String,
}

/// Why they are none. Displayed, it is what Go says.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StoredError {
    #[error("EOF")]
    Nothing,
    #[error("unexpected EOF")]
    CutOff,
    /// Go quotes the first character that is wrong. It may be one of a password, so it is not said here.
    #[error("the credentials to store are not JSON")]
    NotJson,
    #[error("json: cannot unmarshal {0} into Go value of type credentials.Credentials")]
    NotAnObject(&'static str),
    #[error("json: cannot unmarshal {kind} into Go struct field Credentials.{field} of type string")]
    NotText { kind: &'static str, field: &'static str },
}

impl Stored {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, StoredError> {
        // Go too takes what is not UTF-8 for the character that stands for it.
        let text = String::from_utf8_lossy(bytes);
        let parsed = Json::deserialize(&mut serde_json::Deserializer::from_str(&text));
        let json = parsed.map_err(|error| match error.classify() {
            Category::Eof if text.trim_ascii().is_empty() => StoredError::Nothing,
            Category::Eof => StoredError::CutOff,
            _ => StoredError::NotJson,
        })?;
        match json {
            Json::Object(members) => Self::from_members(members),
            Json::Null => Ok(Self::default()),
            other => Err(StoredError::NotAnObject(other.kind())),
        }
    }

    fn from_members(members: Vec<(String, Json)>) -> Result<Self, StoredError> {
        let mut stored = Self::default();
        let mut secret = String::new();
        for (name, value) in members {
            let (field, place) = match name.to_ascii_lowercase().as_str() {
                "serverurl" => ("ServerURL", &mut stored.server_url),
                "username" => ("Username", &mut stored.username),
                "secret" => ("Secret", &mut secret),
                _ => continue,
            };
            match value {
                Json::Text(text) => *place = text,
                Json::Null => {}
                other => return Err(StoredError::NotText { kind: other.kind(), field }),
            }
        }
        Ok(stored)
    }
}

/// A value in the order of the text, as far as it has to be known.
enum Json {
    Array,
    Bool,
    Null,
    Number,
    Object(Vec<(String, Json)>),
    Text(String),
}

impl Json {
    /// What Go calls it.
    fn kind(&self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Bool => "bool",
            Self::Null => "null",
            Self::Number => "number",
            Self::Object(_) => "object",
            Self::Text(_) => "string",
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Bool)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Json::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_as_go_finds_them() {
        for (input, server_url, username) in [
            (r#"{"ServerURL":"r.example","Username":"AWS","Secret":"s"}"#, "r.example", "AWS"),
            (r#" {"serverurl":"r.example","USERNAME":"AWS"} "#, "r.example", "AWS"),
            // The last one counts, unless it is null.
            (r#"{"ServerURL":"a","serverURL":"b","Username":"u","Username":null}"#, "b", "u"),
            (r#"{"Other":[1,{"ServerURL":2}],"ServerURL":"a","Username":"b"}"#, "a", "b"),
            (r#"{"ServerURL":"a","Username":"b"} x"#, "a", "b"),
            (r#"{"ServerURL":"a"}{"Username":"b"}"#, "a", ""),
            ("{}", "", ""),
            ("null", "", ""),
        ] {
            let expected = Stored { server_url: server_url.to_owned(), username: username.to_owned() };
            assert_eq!(Stored::parse(input.as_bytes()), Ok(expected), "{input}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_as_go_says_it() {
        for (input, text) in [
            ("", "EOF"),
            (" \t ", "EOF"),
            ("{", "unexpected EOF"),
            (r#"{"ServerURL":"hunter2"#, "unexpected EOF"),
            ("[]", "json: cannot unmarshal array into Go value of type credentials.Credentials"),
            ("\"x\"", "json: cannot unmarshal string into Go value of type credentials.Credentials"),
            ("1.5", "json: cannot unmarshal number into Go value of type credentials.Credentials"),
            (
                r#"{"ServerURL":[1],"Username":{}}"#,
                "json: cannot unmarshal array into Go struct field Credentials.ServerURL of type string",
            ),
            (
                r#"{"secret":false}"#,
                "json: cannot unmarshal bool into Go struct field Credentials.Secret of type string",
            ),
        ] {
            assert_eq!(Stored::parse(input.as_bytes()).unwrap_err().to_string(), text, "{input}");
        }
    }

    #[test]
    fn of_what_is_not_json_nothing_is_quoted() {
        for input in ["hunter2", r#"{"Secret":hunter2}"#, r#"{"ServerURL":1,}"#, r#"{"ServerURL":[1,]}"#] {
            assert_eq!(Stored::parse(input.as_bytes()), Err(StoredError::NotJson), "{input}");
        }
    }
}
