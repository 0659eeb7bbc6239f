//! Requests that nobody wrote down, as far as both signers define what their signatures are.

use keyward_ecr::time::Timestamp;
use proptest::prelude::*;

use crate::case::{Case, credentials};

/// The last second of the year 2100.
const END_OF_2100: u64 = 4_133_980_799;

/// Headers that the oracle never signs, or that either side adds by itself.
const RESERVED_HEADERS: [&str; 8] = [
    "authorization",
    "host",
    "transfer-encoding",
    "user-agent",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-user-agent",
    "x-amzn-trace-id",
];

/// A request, and what signs it.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    let keys = ("[A-Z0-9]{16,32}", r"\PC{1,40}", proptest::option::of("[!-~]{1,200}"));
    let scope = (0..=END_OF_2100, "[a-z0-9-]{1,20}", "[a-z0-9-]{1,20}");
    let target = (authority(), path(), proptest::option::of(query()));
    let body = proptest::collection::vec(any::<u8>(), 0..300);
    ("[A-Z]{3,8}", target, headers(), body, keys, scope).prop_map(
        |(method, (authority, path, query), headers, body, (id, secret, token), (seconds, region, service))| Case {
            method,
            authority,
            path,
            query,
            headers,
            body,
            credentials: credentials(&id, &secret, token.as_deref()),
            time: Timestamp { seconds },
            region,
            service,
        },
    )
}

/// A host, sometimes with a port. Not with the scheme's own one, which the oracle leaves out of the host header and
/// the guest leaves out of the endpoint.
fn authority() -> impl Strategy<Value = String> {
    r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,5}){1,3}(:[1-9][0-9]{3})?"
}

/// A path as it is sent: empty, or with a slash at its beginning, since the oracle's URLs cannot have another. A
/// blank, `<`, `>`, '`' and controls are invalid in them; `?` and `#` end a path.
fn path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => r"[A-Za-z0-9._~-]{1,6}",
        1 => r#"[!$&'()*+,;=:@%\[\]\\^|{}"]{1,3}"#,
        1 => percent_encoded(),
        1 => letters_beyond_ascii(),
    ];
    let segment = prop_oneof![
        4 => proptest::collection::vec(piece, 1..3).prop_map(|pieces| pieces.concat()),
        1 => Just(String::new()),
        1 => Just(".".to_owned()),
        2 => Just("..".to_owned()),
    ];
    proptest::collection::vec(segment, 0..6)
        .prop_map(|segments| segments.iter().map(|segment| format!("/{segment}")).collect())
}

/// A query as it is sent. Left out: a plus sign, which the oracle takes for a blank, as forms do, and the guest for
/// itself; percent-encoded bytes that are no UTF-8, which the oracle replaces; a blank, `<`, `>`, `"`, controls and
/// `#`, which the oracle's URLs cannot have.
fn query() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => r"[A-Za-z0-9._~-]{1,4}",
        2 => "&{1,2}",
        3 => "=",
        1 => r#"[!$'()*,;:@/?\[\]\\^|{}`]{1,3}"#,
        1 => percent_encoded(),
        // A percent sign that encodes nothing, whatever follows it.
        1 => Just("%~".to_owned()),
        1 => Just("%4~".to_owned()),
        1 => Just("%zz".to_owned()),
        1 => letters_beyond_ascii(),
    ];
    (proptest::collection::vec(piece, 0..12), "%?").prop_map(|(pieces, end)| pieces.concat() + &end)
}

/// A character, percent-encoded in digits of either case, needed or not.
fn percent_encoded() -> impl Strategy<Value = String> {
    (any::<char>(), any::<bool>()).prop_map(|(character, is_upper_case)| {
        let mut bytes = [0; 4];
        let bytes = character.encode_utf8(&mut bytes).bytes();
        bytes.map(|byte| if is_upper_case { format!("%{byte:02X}") } else { format!("%{byte:02x}") }).collect()
    })
}

/// Letters as they stand, without an encoding.
fn letters_beyond_ascii() -> impl Strategy<Value = String> {
    r"[\u{a1}-\u{2ff}\u{4e00}-\u{4fff}\u{1f600}-\u{1f64f}]{1,3}"
}

/// Headers, some of which occur more than once, with blanks around and inside of the values. Left out: tabs, which
/// the oracle keeps and the guest takes for blanks, and letters beyond ASCII, which headers cannot have.
fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        2 => "[aAbB]",
        2 => r"[A-Za-z][A-Za-z0-9_.!#$&'*+^|~-]{0,12}",
        1 => Just("Content-Type".to_owned()),
        1 => Just("X-Amz-Target".to_owned()),
    ];
    let name = name.prop_filter("either side has its own of these", |name| {
        !RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str())
    });
    let value = " {0,3}([!-~]{1,5} {0,3}){0,4}";
    proptest::collection::vec((name, value), 0..8)
}
