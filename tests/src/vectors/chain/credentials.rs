//! The access keys that a case has come to before one of its requests, which that request is signed with.

use serde_json::Value;

use super::case::ChainCase;
use super::recording::Response;
use crate::keys::AccessKeys;

/// The keys in the last answer before a request that has any; before all of them, those in the files.
pub(super) fn before(case: &ChainCase, index: usize) -> Result<AccessKeys, String> {
    let answers = case.exchanges[..index].iter().filter_map(|exchange| exchange.answer.as_ref().ok());
    let answered = answers.rev().find_map(of_answer);
    answered.or_else(|| of_files(case)).ok_or_else(|| "the case has no keys to sign with".to_owned())
}

fn of_answer(answer: &Response) -> Option<AccessKeys> {
    let text = std::str::from_utf8(&answer.body).ok()?;
    of_json(text).or_else(|| of_xml(text))
}

/// As metadata services and IAM Identity Center answer.
fn of_json(text: &str) -> Option<AccessKeys> {
    let answer: Value = serde_json::from_str(text).ok()?;
    let (credentials, names) = match &answer["roleCredentials"] {
        Value::Null => (&answer, ["AccessKeyId", "SecretAccessKey", "Token"]),
        credentials => (credentials, ["accessKeyId", "secretAccessKey", "sessionToken"]),
    };
    let [id, secret, token] = names.map(|name| credentials[name].as_str());
    Some(AccessKeys::new(id?, secret?).with_session_token(token?))
}

/// As STS answers.
fn of_xml(text: &str) -> Option<AccessKeys> {
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    };
    let keys = AccessKeys::new(element("AccessKeyId")?, element("SecretAccessKey")?);
    Some(keys.with_session_token(element("SessionToken")?))
}

/// The one pair of keys that the files of a case have.
fn of_files(case: &ChainCase) -> Option<AccessKeys> {
    let value = |name: &str| {
        let lines = case.files.values().flat_map(|content| content.split(|byte| *byte == b'\n'));
        let values = lines.filter_map(|line| {
            let (key, value) = std::str::from_utf8(line).ok()?.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        });
        let values: Vec<&str> = values.collect();
        assert!(values.len() < 2, "{}: which of {values:?} is meant?", case.name);
        values.first().copied()
    };
    Some(AccessKeys::new(value("aws_access_key_id")?, value("aws_secret_access_key")?))
}
