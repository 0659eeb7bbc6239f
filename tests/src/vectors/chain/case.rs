//! A case: a folder with `env.json`, `test-case.json`, `http-traffic.json` and, where it has files, `fs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use time::PrimitiveDateTime;
use time::macros::format_description;

use super::super::{bytes, entries, folder, json};
use super::recording::{Exchange, exchanges};

/// The cases that are recorded under a clock at its very begin: later, credentials that have expired are prolonged.
const AT_THE_BEGIN_OF_TIME: [&str; 3] =
    ["imds_config_with_no_creds", "imds_default_chain_retries", "imds_default_chain_success"];

/// The case that has an answer for one attempt, though what it answers is tried again otherwise.
const WITHOUT_RETRIES: &str = "sso_server_error";

/// Where a recording does not say when it was made: 2021-08-10T00:38:33Z, of which most of those are.
const USUAL_TIME: u64 = 1_628_555_913;

/// A recorded lookup of credentials.
#[derive(Clone, Debug)]
pub struct ChainCase {
    /// The name of its folder.
    pub name: String,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// The files that there are, by their absolute paths.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What was asked and answered, in order.
    pub exchanges: Vec<Exchange>,
    /// What came of it.
    pub expected: Expected,
    /// The time, in seconds since 1970 (UTC).
    pub now: u64,
    /// Whether nothing is tried twice, as with `AWS_MAX_ATTEMPTS=1`, which is not in the environment.
    pub retries_are_off: bool,
}

/// The outcome of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Credentials.
    Credentials(ExpectedCredentials),
    /// An error that has this in its text, in the words of aws-config.
    ErrorContains(String),
}

/// The credentials that a case ends with. What is `None` must not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedCredentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token.
    pub session_token: Option<String>,
    /// The account.
    pub account_id: Option<String>,
    /// When they expire, in seconds since 1970 (UTC).
    pub expiry: Option<u64>,
}

/// The cases in a folder of vectors: `chain/default` or `chain/profile`.
///
/// # Panics
///
/// If one cannot be read, or makes no sense.
pub fn cases(path: &str) -> Vec<ChainCase> {
    entries(path).iter().map(|case| read(case)).collect()
}

fn read(path: &str) -> ChainCase {
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let environment = json(&format!("{path}/env.json"));
    let environment = serde_json::from_value(environment).unwrap_or_else(|error| panic!("{path}/env.json: {error}"));
    let exchanges = exchanges(&json(&format!("{path}/http-traffic.json")));
    let now = if AT_THE_BEGIN_OF_TIME.contains(&name.as_str()) { 0 } else { time_of(&exchanges) };
    let mut files = BTreeMap::new();
    let root = folder().join(path).join("fs");
    if root.is_dir() {
        add_files(&root, &root, &mut files);
    }
    ChainCase {
        environment,
        files,
        expected: expected(&json(&format!("{path}/test-case.json"))["result"]),
        now,
        retries_are_off: name == WITHOUT_RETRIES,
        exchanges,
        name,
    }
}

/// When a recording was made, from the first answer that says so.
fn time_of(exchanges: &[Exchange]) -> u64 {
    let format =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    let date = exchanges.iter().find_map(|exchange| exchange.answer.as_ref().ok()?.header("date"));
    let time = date.and_then(|date| PrimitiveDateTime::parse(date, format).ok());
    time.map_or(USUAL_TIME, |time| time.assume_utc().unix_timestamp().unsigned_abs())
}

fn add_files(root: &Path, at: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(at).unwrap_or_else(|error| panic!("{} cannot be read: {error}", at.display())) {
        let path = entry.unwrap_or_else(|error| panic!("{} cannot be read: {error}", at.display())).path();
        if path.is_dir() {
            add_files(root, &path, files);
        } else {
            let below = path.strip_prefix(root).expect("it was found there");
            files.insert(format!("/{}", below.display()), bytes(&path));
        }
    }
}

fn expected(result: &Value) -> Expected {
    if let Some(text) = result["ErrorContains"].as_str() {
        return Expected::ErrorContains(text.to_owned());
    }
    let credentials = &result["Ok"];
    let text = |name: &str| credentials[name].as_str().map(str::to_owned);
    let required = |name: &str| text(name).unwrap_or_else(|| panic!("no {name}: {result}"));
    Expected::Credentials(ExpectedCredentials {
        access_key_id: required("access_key_id"),
        secret_access_key: required("secret_access_key"),
        session_token: text("session_token"),
        account_id: text("account_id"),
        expiry: credentials["expiry"].as_u64(),
    })
}
