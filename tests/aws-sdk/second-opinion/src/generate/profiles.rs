//! Generated profiles: what a section has in it.

use proptest::prelude::*;

use super::one_of;

/// The names that profiles have, and then one that none has.
pub(super) const NAMES: [&str; 6] = ["default", "a", "b", "c", "d", "odd name"];

/// Names and values.
pub(super) type Properties = Vec<(String, String)>;

/// What a profile of this name may have in it, in a file that marks its keys.
pub(super) fn properties(name: &'static str, mark: &'static str) -> impl Strategy<Value = Properties> {
    let static_keys = keys(name, mark);
    let shape = prop_oneof![
        6 => static_keys.clone(),
        2 => (static_keys.clone(), 0..3_usize).prop_map(|(mut properties, index)| {
            properties.remove(index.min(properties.len() - 1));
            properties
        }),
        6 => all(vec![role_arn(), source_profile(name), of_role()]),
        3 => all(vec![role_arn(), credential_source(), of_role()]),
        1 => all(vec![credential_source()]),
        1 => all(vec![role_arn()]),
        1 => all(vec![role_arn(), source_profile(name), credential_source()]),
        1 => (all(vec![role_arn(), source_profile(name)]), static_keys.clone()).prop_map(|(a, b)| [a, b].concat()),
        3 => all(vec![role_arn(), token_file()]),
        1 => all(vec![token_file()]),
        4 => all(vec![sso_session(), property("sso_account_id", &["123456789012"]), property("sso_role_name", &["Admin"])]),
        1 => all(vec![sso_session()]),
        2 => all(vec![
            property("sso_region", &["eu-north-1"]),
            start_url(),
            property("sso_account_id", &["123456789012"]),
            property("sso_role_name", &["Admin", "Other role"]),
        ]),
        2 => all(vec![login_session()]),
        1 => all(vec![property("credential_process", &["/bin/print-credentials --now"])]),
        2 => Just(Vec::new()),
    ];
    (
        shape,
        proptest::collection::vec(extra(name, mark), 0..3),
        proptest::option::weighted(0.08, any::<prop::sample::Index>()),
    )
        .prop_map(|(mut properties, extra, dropped)| {
            properties.extend(extra.into_iter().flatten());
            if let Some(index) = dropped.filter(|_| !properties.is_empty()) {
                let index = index.index(properties.len());
                properties.remove(index);
            }
            properties
        })
}

/// What an sso-session or a services section may have in it.
pub(super) fn session() -> impl Strategy<Value = Properties> {
    prop_oneof![
        6 => all(vec![property("sso_region", &["eu-north-1", "us-east-1"]), start_url()]),
        1 => all(vec![property("sso_region", &["eu-north-1", ""])]),
        1 => all(vec![start_url()]),
        1 => Just(Vec::new()),
    ]
}

/// One property more, that may matter or not.
fn extra(name: &'static str, mark: &'static str) -> impl Strategy<Value = Properties> {
    prop_oneof![
        6 => Just(Vec::new()),
        2 => property("region", &["eu-central-1", "us-west-2", "cn-north-1", ""]),
        3 => of_role(),
        1 => keys(name, mark),
        1 => empty(),
        1 => prop_oneof![role_arn(), source_profile(name), credential_source(), token_file()],
        1 => prop_oneof![sso_session(), start_url(), login_session()],
        1 => endpoint(),
    ]
}

/// What may be said of a role.
fn of_role() -> BoxedStrategy<Properties> {
    prop_oneof![
        3 => Just(Vec::new()),
        2 => property("external_id", &["external", "external", "external", ""]),
        2 => property("role_session_name", &["session-profile", "session-profile", "session-profile", ""]),
        1 => property("duration_seconds", &["3600", "900", "100", "an hour", ""]),
        1 => property("mfa_serial", &["arn:aws:iam::123456789012:mfa/somebody", ""]),
    ]
    .boxed()
}

fn endpoint() -> impl Strategy<Value = Properties> {
    prop_oneof![
        property("ec2_metadata_service_endpoint", &["http://profile.test", ""]),
        property("ec2_metadata_service_endpoint_mode", &["ipv6", "IPv4", "IPv5", ""]),
        property("endpoint_url", &["https://profile.test/base"]),
        property("services", &["s", "ghost", ""]),
        property("use_fips_endpoint", &["true", "false", "perhaps", ""]),
        property("use_dualstack_endpoint", &["true", "false", "perhaps", ""]),
        property("sts_regional_endpoints", &["regional", "legacy", "legacy"]),
        property("ignore_configured_endpoint_urls", &["true", "false"]),
        property("aws_account_id", &["123456789012"]),
    ]
}

/// A property that is there and says nothing.
fn empty() -> impl Strategy<Value = Properties> {
    one_of(&[
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "credential_process",
        "credential_source",
        "login_session",
        "role_arn",
        "source_profile",
        "sso_account_id",
        "sso_region",
        "sso_session",
        "sso_start_url",
        "web_identity_token_file",
    ])
    .prop_map(|name| vec![(name, String::new())])
}

fn keys(name: &'static str, mark: &'static str) -> BoxedStrategy<Properties> {
    let id = format!("KEY.{}.{mark}", name.replace(' ', "."));
    proptest::option::weighted(0.3, Just(("aws_session_token".to_owned(), format!("token-{id}"))))
        .prop_map(move |token| {
            let keys = [("aws_access_key_id", id.clone()), ("aws_secret_access_key", format!("secret#{id}"))];
            keys.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(token).collect()
        })
        .boxed()
}

fn role_arn() -> BoxedStrategy<Properties> {
    property("role_arn", &["arn:aws:iam::123456789012:role/one", "arn:aws:iam::123456789012:role/two"])
}

fn source_profile(name: &'static str) -> BoxedStrategy<Properties> {
    property("source_profile", &["default", "a", "b", "c", "d", name, "ghost"])
}

fn credential_source() -> BoxedStrategy<Properties> {
    property(
        "credential_source",
        &[
            "Environment",
            "EcsContainer",
            "EcsContainer",
            "Ec2InstanceMetadata",
            "Ec2InstanceMetadata",
            "environment",
            "ECSCONTAINER",
            "Nonsense",
        ],
    )
}

fn token_file() -> BoxedStrategy<Properties> {
    property("web_identity_token_file", &["/tokens/web", "/tokens/web", "/tokens/line", "/tokens/none"])
}

fn sso_session() -> BoxedStrategy<Properties> {
    property("sso_session", &["fresh", "fresh", "ending", "ended", "ended", "broken", "unregistered", "ghost"])
}

fn start_url() -> BoxedStrategy<Properties> {
    property("sso_start_url", &["https://fresh.test/start", "https://ended.test/start", "https://ghost.test/start"])
}

fn login_session() -> BoxedStrategy<Properties> {
    property(
        "login_session",
        &[
            "arn:aws:iam::123456789012:user/fresh",
            "arn:aws:iam::123456789012:user/ended",
            "arn:aws:iam::123456789012:user/ghost",
        ],
    )
}

fn property(name: &'static str, values: &[&str]) -> BoxedStrategy<Properties> {
    one_of(values).prop_map(move |value| vec![(name.to_owned(), value)]).boxed()
}

fn all(strategies: Vec<BoxedStrategy<Properties>>) -> BoxedStrategy<Properties> {
    strategies.prop_map(|properties| properties.concat()).boxed()
}
