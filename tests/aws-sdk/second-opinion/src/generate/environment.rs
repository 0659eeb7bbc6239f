//! Generated environments.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::files::HOME;
use super::one_of;

/// Any environment.
pub(super) fn environment() -> impl Strategy<Value = BTreeMap<String, String>> {
    (
        variables(home_and_profile()),
        variables(keys()),
        variables(web_identity()),
        variables(container()),
        variables(metadata()),
        variables(endpoints()),
    )
        .prop_map(|(a, b, c, d, e, f)| [a, b, c, d, e, f].into_iter().flatten().collect())
}

/// A variable, how often of a hundred times it is set, and what to.
type Variable = (&'static str, u32, &'static [&'static str]);

fn home_and_profile() -> Vec<Variable> {
    vec![
        ("HOME", 97, &[HOME]),
        ("AWS_CONFIG_FILE", 6, &["/elsewhere/config", "~/.aws/config", "/missing", ""]),
        ("AWS_SHARED_CREDENTIALS_FILE", 6, &["/elsewhere/credentials", "/missing", ""]),
        ("AWS_PROFILE", 45, &["a", "a", "b", "b", "c", "d", "default", "ghost", "", "odd name"]),
        ("AWS_DEFAULT_PROFILE", 5, &["b"]),
    ]
}

fn keys() -> Vec<Variable> {
    vec![
        ("AWS_ACCESS_KEY_ID", 22, &["ENVIRONMENT", "ENVIRONMENT", "ENVIRONMENT", " ENVIRONMENT\n", "", " "]),
        ("AWS_SECRET_ACCESS_KEY", 22, &["secret", "secret", "secret", "secret ", "", " "]),
        ("SECRET_ACCESS_KEY", 4, &["legacy", ""]),
        ("AWS_SESSION_TOKEN", 20, &["token", " token", "", " "]),
        ("AWS_ACCOUNT_ID", 5, &["123456789012"]),
    ]
}

const ROLE: &str = "arn:aws:iam::123456789012:role/environment";

fn web_identity() -> Vec<Variable> {
    vec![
        (
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            30,
            &["/tokens/web", "/tokens/web", "/tokens/line", "/tokens/none", "~/token", ""],
        ),
        ("AWS_ROLE_ARN", 40, &[ROLE, ROLE, ROLE, ROLE, ROLE, ""]),
        ("AWS_ROLE_SESSION_NAME", 20, &["session-environment", ""]),
    ]
}

fn container() -> Vec<Variable> {
    vec![
        (
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            15,
            &["/v2/credentials/1?a=b", "/get", "/get", "/", "", "relative", "/has blank"],
        ),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            25,
            &[
                "http://169.254.170.23/v1/credentials",
                "http://127.0.0.1:8080/get?a=b",
                "http://[::1]/get",
                "http://[fd00:ec2::23]/v1/credentials",
                "https://example.test/get",
                "https://example.test",
                "http://localhost:8080/get",
                "http://10.0.0.1/get",
                "http://example.test/get",
                "http://127.1.2.3/",
                "nonsense",
                "ftp://127.0.0.1/get",
                "",
            ],
        ),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", 15, &["Basic abc", "Basic abc", "two\nlines", ""]),
        (
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            10,
            &["/tokens/container", "/tokens/container", "/tokens/line", "/tokens/none", ""],
        ),
    ]
}

fn metadata() -> Vec<Variable> {
    vec![
        ("AWS_EC2_METADATA_DISABLED", 15, &["true", "TRUE", "false", "yes", ""]),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", 6, &["http://metadata.test:1338", "http://metadata.test/", ""]),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", 8, &["IPv4", "IPv6", "ipv6", "IPv5", ""]),
        ("AWS_EC2_METADATA_V1_DISABLED", 3, &["true"]),
    ]
}

fn endpoints() -> Vec<Variable> {
    vec![
        (
            "AWS_REGION",
            40,
            &["eu-west-2", "eu-west-2", "eu-west-2", "cn-north-1", "us-gov-west-1", "a.b", "no region", ""],
        ),
        ("AWS_DEFAULT_REGION", 10, &["ap-south-1", ""]),
        // Never empty: the SDK panics then.
        ("AWS_ENDPOINT_URL", 3, &["https://all.test", "http://all.test:8000/base/"]),
        ("AWS_ENDPOINT_URL_STS", 8, &["https://sts.test"]),
        ("AWS_ENDPOINT_URL_SSO", 3, &["https://sso.test"]),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", 15, &["true", "true", "true", "false", "perhaps"]),
        ("AWS_USE_FIPS_ENDPOINT", 4, &["true", "false", "perhaps", ""]),
        ("AWS_USE_DUALSTACK_ENDPOINT", 4, &["true", "TRUE", "false", "perhaps"]),
        ("AWS_STS_REGIONAL_ENDPOINTS", 8, &["legacy", "legacy", "legacy", "regional", "perhaps"]),
    ]
}

fn variables(variables: Vec<Variable>) -> impl Strategy<Value = Vec<(String, String)>> {
    let strategies: Vec<_> = variables
        .into_iter()
        .map(|(name, percent, values)| {
            proptest::option::weighted(
                f64::from(percent) / 100.0,
                one_of(values).prop_map(|value| (name.to_owned(), value)),
            )
        })
        .collect();
    strategies.prop_map(|variables| variables.into_iter().flatten().collect())
}
