//! What recordings have in the bodies of their requests though their own settings say otherwise. aws-config's tests do not
//! look at bodies, so nobody has seen it there. Whoever goes by the settings is right.

/// Case, field, and the value that its settings lead to.
const STALE: [(&str, &str, &str); 3] = [
    // The body is of another account than AWS_ROLE_ARN.
    ("web_identity_token_env", "RoleArn", "arn:aws:iam::123456789012:role/test-role"),
    // The body is of a real pod; the files of the case have been replaced since.
    ("web_identity_token_profile", "RoleArn", "arn:aws:iam::1234567890123:role/RoleA"),
    ("web_identity_token_profile", "WebIdentityToken", "sometoken"),
];

/// The value to go by in the place of a stale one.
pub(super) fn settled(case: &str, field: &str) -> Option<&'static str> {
    STALE.iter().find(|(of, name, _)| *of == case && *name == field).map(|(_, _, value)| *value)
}
