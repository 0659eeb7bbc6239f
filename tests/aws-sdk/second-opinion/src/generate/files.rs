//! Generated files: sections, and the ways to write them down.

use proptest::prelude::*;
use proptest::sample::select;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::one_of;
use super::profiles::{self, NAMES, Properties};

/// Where the home folder is.
pub(super) const HOME: &str = "/home/u";

/// The config file and the credentials file, in places where they are looked for or not.
pub(super) fn shared_files() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let config = file(config_sections(), &[("/home/u/.aws/config", 20), ("/elsewhere/config", 1)]);
    let credentials = file(credentials_sections(), &[("/home/u/.aws/credentials", 20), ("/elsewhere/credentials", 1)]);
    (config, credentials).prop_map(|(config, credentials)| config.into_iter().chain(credentials).collect())
}

/// The files that others have written: tokens.
pub(super) fn others() -> Vec<(String, String)> {
    const REFRESH: &str = r#""clientId": "client", "clientSecret": "secret", "refreshToken": "refresh""#;
    const REGISTERED: &str = r#""registrationExpiresAt": "2026-03-01T00:00:00Z""#;
    let fresh = r#""accessToken": "fresh", "expiresAt": "2026-01-01T08:00:00Z""#;
    let ending = r#""accessToken": "ending", "expiresAt": "2026-01-01T00:02:00Z""#;
    let ended = r#""accessToken": "ended", "expiresAt": "2025-12-31T00:00:00Z""#;
    let unregistered = r#""registrationExpiresAt": "2025-12-31T00:00:00Z""#;
    let sso = [
        ("fresh", format!("{{{fresh}}}")),
        ("ending", format!("{{{ending}, {REFRESH}, {REGISTERED}}}")),
        ("ended", format!("{{{ended}, {REFRESH}, {REGISTERED}}}")),
        ("unregistered", format!("{{{ended}, {REFRESH}, {unregistered}}}")),
        ("broken", r#"{"accessToken": "broken""#.to_owned()),
        ("https://fresh.test/start", format!("{{{fresh}}}")),
        ("https://ended.test/start", format!("{{{ended}}}")),
    ];
    let login = [("fresh", "2026-01-01T08:00:00Z"), ("ended", "2025-12-31T00:00:00Z")];
    let sso = sso.map(|(name, token)| (sso_cache(name), token));
    let login = login.map(|(name, end)| {
        let hash = base16ct::lower::encode_string(&Sha256::digest(format!("arn:aws:iam::123456789012:user/{name}")));
        let token = format!(
            r#"{{"accessToken": {{"accessKeyId": "LOGIN.{name}", "secretAccessKey": "secret", "sessionToken": "token",
                "accountId": "123456789012", "expiresAt": "{end}"}}, "tokenType": "aws_sigv4", "refreshToken": "refresh",
                "identityToken": "identity", "clientId": "client", "dpopKey": "none that works"}}"#
        );
        (format!("{HOME}/.aws/login/cache/{hash}.json"), token)
    });
    let tokens = [("web", "web-token"), ("line", "token-with-line-end\n"), ("container", "Bearer container-token")];
    let tokens = tokens.map(|(name, token)| (format!("/tokens/{name}"), token.to_owned()));
    let at_home = [(format!("{HOME}/token"), "token-at-home".to_owned())];
    tokens.into_iter().chain(at_home).chain(sso).chain(login).collect()
}

/// Where the token of a session or of a portal is.
pub(super) fn sso_cache(name: &str) -> String {
    format!("{HOME}/.aws/sso/cache/{}.json", base16ct::lower::encode_string(&Sha1::digest(name)))
}

/// A section: its header, and what is in it.
type Section = (String, Properties);

fn config_sections() -> impl Strategy<Value = Vec<Section>> {
    // One spelling for each name: of several, it is the SDK's chance which one it reads last.
    let profile = profile("config").prop_flat_map(|(name, properties)| {
        let headers = match name {
            "default" => vec![(6, "default".to_owned()), (2, "profile default".to_owned())],
            "c" => vec![(8, "profile\tc ".to_owned()), (1, "c".to_owned())],
            "d" => vec![(8, " profile  d".to_owned())],
            name => vec![(8, format!("profile {name}")), (1, name.to_owned())],
        };
        (header(headers), Just(properties))
    });
    let session = (
        one_of(&["fresh", "fresh", "ending", "ended", "ended", "ended", "broken", "unregistered"]),
        profiles::session(),
    )
        .prop_map(|(name, properties)| (format!("sso-session {name}"), properties));
    let services = one_of(&["\nendpoint_url = https://services.test", "\nother = 1", ""]).prop_map(|value| {
        ("services s".to_owned(), vec![("sts".to_owned(), value.clone()), ("sso".to_owned(), value)])
    });
    sections(prop_oneof![6 => profile, 4 => session, 1 => services].boxed(), 7)
}

fn credentials_sections() -> impl Strategy<Value = Vec<Section>> {
    let profile = profile("credentials").prop_flat_map(|(name, properties)| {
        (header(vec![(9, name.to_owned()), (1, format!("profile {name}"))]), Just(properties))
    });
    sections(profile.boxed(), 4)
}

fn profile(mark: &'static str) -> impl Strategy<Value = (&'static str, Properties)> {
    select(vec![NAMES[0], NAMES[0], NAMES[1], NAMES[1], NAMES[2], NAMES[2], NAMES[3], NAMES[4], NAMES[5]])
        .prop_flat_map(move |name| (Just(name), profiles::properties(name, mark)))
}

fn header(headers: Vec<(u32, String)>) -> impl Strategy<Value = String> {
    proptest::strategy::Union::new_weighted(headers.into_iter().map(|(weight, text)| (weight, Just(text))).collect())
}

fn sections(section: BoxedStrategy<Section>, most: usize) -> BoxedStrategy<Vec<Section>> {
    proptest::collection::vec(section, 0..=most).boxed()
}

/// A file in one of some places, or none.
fn file(
    sections: impl Strategy<Value = Vec<Section>>,
    places: &'static [(&'static str, u32)],
) -> impl Strategy<Value = Option<(String, Vec<u8>)>> {
    let places: Vec<_> = places.iter().map(|(path, weight)| (*weight, Just((*path).to_owned()))).collect();
    let text = sections.prop_flat_map(text).prop_flat_map(|text| {
        prop_oneof![
            60 => Just(text.clone().into_bytes()),
            3 => Just(text.replace('\n', "\r\n").into_bytes()),
            // Not UTF-8.
            1 => Just([text.as_bytes(), b"# \xff\n"].concat()),
        ]
    });
    proptest::option::weighted(0.85, (proptest::strategy::Union::new_weighted(places), text))
}

fn text(sections: Vec<Section>) -> impl Strategy<Value = String> {
    // Before the first section, there may be little.
    let mut lines = vec![
        prop_oneof![30 => Just("-".to_owned()), 3 => one_of(&["", "# comment"]), 1 => noise_of_sections()].boxed(),
    ];
    for (header, properties) in sections {
        lines.push(
            one_of(&["", "", "", "", "", " # comment", "; comment"])
                .prop_map(move |end| format!("[{header}]{end}"))
                .boxed(),
        );
        for (name, value) in properties {
            lines.push(line(name, value));
            lines.push(noise());
        }
    }
    lines.prop_map(|lines| lines.into_iter().filter(|line| line != "-").map(|line| line + "\n").collect())
}

/// One property, in one of the forms that it may have.
fn line(name: String, value: String) -> BoxedStrategy<String> {
    let value = value.replace('\n', "\n  ");
    let upper = name.to_ascii_uppercase();
    prop_oneof![
        30 => Just(format!("{name} = {value}")),
        2 => Just(format!("{name}={value}")),
        2 => Just(format!("{name}\t=\t{value} \t")),
        1 => Just(format!("{upper} = {value}")),
        1 => Just(format!("{name} = {value} # comment")),
        1 => Just(format!("{name} = {value}\t; comment")),
        1 => Just(format!("{name} = another\n{name} = {value}")),
    ]
    .boxed()
}

/// Mostly nothing, sometimes a line that says nothing, and seldom one that makes no sense.
fn noise() -> BoxedStrategy<String> {
    prop_oneof![
        600 => Just("-".to_owned()),
        60 => one_of(&["", " \t", "# comment", "; comment", "#[default]"]),
        18 => noise_of_sections(),
        1 => one_of(&["no equals sign", "  continuation", "[unclosed", "= nameless", "s3 =\n  no pair"]),
    ]
    .boxed()
}

/// A property or a section that nobody asks for.
fn noise_of_sections() -> BoxedStrategy<String> {
    one_of(&["s3 =\n  a = b\n  c = d", "odd name! = x", "unknown = a\n  b # c", "[odd! name]", "[other a]"])
}
