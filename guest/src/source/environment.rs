//! Keys in environment variables: `aws-config`, `environment/credentials.rs`.

use crate::credentials::Credentials;
use crate::source::Found;
use crate::world::Local;

const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
const ACCOUNT_ID: &str = "AWS_ACCOUNT_ID";

/// The keys of the environment. Blank means unset; half a pair means not configured, as in the AWS SDK for Rust.
pub fn find(local: &impl Local) -> Found {
    let Some(access_key_id) = variable(local, ACCESS_KEY_ID) else {
        return Found::NotConfigured(format!("{ACCESS_KEY_ID} is not set"));
    };
    let Some(secret_access_key) = variable(local, SECRET_ACCESS_KEY) else {
        return Found::NotConfigured(format!("{ACCESS_KEY_ID} is set, {SECRET_ACCESS_KEY} is not"));
    };
    Found::Credentials(Credentials {
        account_id: variable(local, ACCOUNT_ID),
        ..Credentials::new(access_key_id, secret_access_key).with_session_token(variable(local, SESSION_TOKEN))
    })
}

fn variable(local: &impl Local, name: &str) -> Option<String> {
    let value = local.environment(name)?;
    let trimmed = value.trim();
    if trimmed.len() == value.len() && !value.is_empty() {
        return Some(value);
    }
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::TestWorld;

    #[test]
    fn keys_are_trimmed_and_a_blank_token_is_none() {
        let world = TestWorld::with_environment(&[
            (ACCESS_KEY_ID, " id\n"),
            (SECRET_ACCESS_KEY, "secret "),
            (SESSION_TOKEN, "  "),
        ]);
        assert_eq!(find(&world), Found::Credentials(Credentials::new("id", "secret")));
    }

    #[test]
    fn half_a_pair_is_not_configured_and_says_which_half_is_missing() {
        for (variables, reason) in [
            (&[][..], "AWS_ACCESS_KEY_ID is not set"),
            (&[(SECRET_ACCESS_KEY, "secret")], "AWS_ACCESS_KEY_ID is not set"),
            (&[(ACCESS_KEY_ID, "id")], "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not"),
            (
                &[(ACCESS_KEY_ID, "id"), (SECRET_ACCESS_KEY, " ")],
                "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not",
            ),
        ] {
            let world = TestWorld::with_environment(variables);
            assert_eq!(find(&world), Found::NotConfigured(reason.to_owned()));
        }
    }
}
