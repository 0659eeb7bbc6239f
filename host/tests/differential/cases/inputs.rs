//! What stands on the standard input: how it is read, and what is to be stored.

use super::{Case, PRIVATE};

const TOO_LONG: &str = "the input is longer than 1048576 bytes: send the registry's address alone\n";
const ENDLESS: &str = "short lines without an end would fill the memory, or never be answered";
const QUOTES: &str = "Go quotes the first character that is wrong, which may be one of a password";
const HALF_A_CHARACTER: &str =
    "half a surrogate pair is no text in JSON, where Go takes it for the character that stands for none";
const HUGE_NUMBER: &str = "a number that no program can hold is no JSON here, where Go looks at its kind alone";
const LOGIN_WORKS: &str = "an error would make 'docker login' and 'docker logout' fail";
const LOGIN_WORKS_SINCE: &str = "Debian's version does not know the variable: the newer ones succeed with it";

/// To refuse is wanted of Keyward here, as the other helper does unasked.
const IGNORE: &str = "AWS_ECR_IGNORE_CREDS_STORAGE";

pub(super) fn cases() -> Vec<Case> {
    [lines(), stored(), kept()].into_iter().flatten().collect()
}

fn lines() -> Vec<Case> {
    let with_end = |length: usize, end: &str| [vec![b'a'; length], end.as_bytes().to_vec()].concat();
    let same: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b" ".to_vec(),
        b"\n".to_vec(),
        b"\r\n\r\n".to_vec(),
        "\u{a0}\u{2003}\u{85}".into(),
        b"\xa0".to_vec(),
        b"\0".to_vec(),
        (0..=255).collect(),
        format!(" {PRIVATE}\t").into(),
        format!("{PRIVATE}\n").into(),
        format!("{PRIVATE}\r\n").into(),
        format!("{PRIVATE}\r").into(),
        format!("{PRIVATE}\n{PRIVATE}").into(),
        PRIVATE.replace(".us", "\n.us\r\n").into(),
        PRIVATE.replace(".us", "\r.us").into(),
        [PRIVATE.as_bytes(), b"/\xff\xe2\x82"].concat(),
        with_end(65_534, "\r\n"),
        with_end(65_535, ""),
        with_end(65_535, "\n"),
        with_end(65_535, "\r\n"),
        with_end(65_536, ""),
        with_end(65_536, "\n"),
        with_end(65_536, "\nb"),
        with_end(10_000_000, ""),
        b"a\n".repeat(500_000),
    ];
    let endless = [b"a\n".repeat(600_000), b"\n".repeat(10_000_000)];
    let mut cases = Vec::new();
    for action in ["get", "erase"] {
        cases.extend(same.iter().map(|input| Case::new(&[action], input.clone()).variable(IGNORE, "false")));
        let endless = endless.iter().map(|input| Case::new(&[action], input.clone()));
        cases.extend(endless.map(|case| case.differs(ENDLESS, 1, TOO_LONG)));
    }
    cases
}

fn stored() -> Vec<Case> {
    let same: [&[u8]; 28] = [
        b"",
        b" \t\n",
        b"{",
        b"tru",
        b"-",
        b"{}",
        b"null",
        b"[]",
        b"[",
        b"1",
        b"1x",
        b"true",
        b"\"x\"",
        br#"{"ServerURL":1}"#,
        br#"{"ServerURL":["x"],"Username":{}}"#,
        br#"{"ServerURL":{"a":[]}}"#,
        br#"{"Secret":true}"#,
        br#"{"ServerURL":"a"#,
        br#"{"ServerURL":"a"}"#,
        br#"{"ServerURL":"","Username":"b"}"#,
        br#"{"serverurl":"a","USERNAME":"b"}"#,
        br#"{"ServerURL":"a","Username":"b"} x"#,
        br#"{"ServerURL":"a","ServerURL":null,"Username":"b"}"#,
        br#"{"ServerURL":"a","serverurl":"","Username":"b"}"#,
        b"{\"ServerURL\":\"a\nb\",\r\n\"Username\":\"b\"}",
        br#"{"ServerURL":"a","Username":"b","Secret":""}"#,
        br#"{"ServerURL":"a","Username":"b","Secret":"s","More":{"a":[{}]}}"#,
        b"{\"ServerURL\":\"\xff\",\"Username\":\"b\"}",
    ];
    let different = [
        ("hunter2", QUOTES),
        ("trux", QUOTES),
        (r#"{"ServerURL":1,}"#, QUOTES),
        ("{\"ServerURL\":\"a\tb\"}", QUOTES),
        (r#"{"ServerURL":"\ud800","Username":"b"}"#, HALF_A_CHARACTER),
        (r#"{"ServerURL":1e999}"#, HUGE_NUMBER),
    ];
    let store = |input: &[u8]| Case::new(&["store"], input).variable(IGNORE, "false");
    let not_json = "the credentials to store are not JSON\n";
    let same = same.into_iter().map(store).chain([store(&vec![b'"'; 70_000])]);
    same.chain(different.map(|(input, reason)| store(input.as_bytes()).differs(reason, 1, not_json))).collect()
}

/// What becomes of them.
fn kept() -> Vec<Case> {
    let calls = [("store", r#"{"ServerURL":"r.example","Username":"AWS","Secret":"s"}"#), ("erase", PRIVATE)];
    let mut cases = Vec::new();
    for (action, input) in calls {
        let call = || Case::new(&[action], input);
        cases.push(call().differs(LOGIN_WORKS, 0, ""));
        cases.push(call().variable(IGNORE, "true").differs(LOGIN_WORKS_SINCE, 0, ""));
        cases.push(call().variable(IGNORE, "false"));
        cases.push(call().variable("KEYWARD_STORE", "refuse"));
    }
    cases
}
