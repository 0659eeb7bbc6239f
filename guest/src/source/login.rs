//! `login_session`: the credentials of somebody who ran `aws login`.
//!
//! Sources: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-login-credentials.html>; `aws-config`, `login.rs` and
//! `login/cache.rs`. Unlike there, credentials that end are not renewed: each request for it would have to be signed with the
//! session's own key (DPoP, RFC 9449), on an elliptic curve that nothing else here needs. They are used up to their end; the AWS CLI
//! renews them whenever it is called.

use serde_json::Value;

use crate::credentials::Credentials;
use crate::error::Error;
use crate::json;
use crate::source::Lookup;
use crate::source::cached_login::CachedLogin;
use crate::token_cache;
use crate::world::World;

/// The credentials that the AWS CLI keeps for this session.
///
/// # Errors
///
/// [`Error::Denied`] where they are over; [`Error::Invalid`] where nobody has logged in, or where their file is of no use.
pub fn get(lookup: &Lookup<'_, impl World>, profile: &str, session: &str) -> Result<Credentials, Error> {
    let world = lookup.client.world;
    let folder = lookup.settings.variable("AWS_LOGIN_CACHE_DIRECTORY");
    let login = CachedLogin {
        path: token_cache::login_file(folder.as_ref().map(|folder| folder.value.as_str()), session),
        owner: format!("profile {profile}"),
        command: format!("aws login --profile {profile}"),
    };
    let file = login.read(world)?;
    let missing = |name: &str| login.unusable(&format!("it has no {name}"));
    let token = json::member(&file, "accessToken").and_then(Value::as_object);
    let token = token.ok_or_else(|| missing("accessToken"))?;
    let keys = json::keys(token).filter(|keys| keys.session_token.is_some());
    let keys = keys.ok_or_else(|| missing("accessKeyId, secretAccessKey and sessionToken in its accessToken"))?;
    let expires_at = login.time(token, "expiresAt")?.ok_or_else(|| missing("expiresAt in its accessToken"))?;
    if expires_at <= world.now() {
        return Err(login.expired());
    }
    let account_id = json::text(token, "accountId").map(str::to_owned);
    Ok(Credentials { account_id, expires_at: Some(expires_at), ..keys })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::test_world::{TestWorld, in_lookup};
    use crate::time::Timestamp;
    use crate::world::FileError;

    const SESSION: &str = "arn:aws:iam::0123456789012:user/Admin";
    /// The name that aws-config's own test has for the session.
    const FILE: &str = "36db1d138ff460920374e4c3d8e01f53f9f73537e89c88d639f68393df0e2726.json";

    /// In a world where it is 2015-08-30T12:36:00Z.
    fn asked(world: &TestWorld) -> Result<Credentials, Error> {
        in_lookup(world, &Context::default(), |lookup| get(lookup, "work", SESSION))
    }

    fn with_file(content: &str) -> Result<Credentials, Error> {
        let path = format!("/h/.aws/login/cache/{FILE}");
        asked(&TestWorld::with_environment(&[("HOME", "/h")]).file(&path, content))
    }

    fn until(expires_at: &str) -> String {
        format!(
            r#"{{"accessToken": {{"accessKeyId": "id", "secretAccessKey": "hunter2", "sessionToken": "token",
                 "accountId": "0123456789012", "expiresAt": "{expires_at}"}}, "tokenType": "aws_sigv4",
                 "refreshToken": "hunter3", "clientId": "arn:aws:signin:::devtools/same-device", "dpopKey": "hunter4"}}"#
        )
    }

    #[test]
    fn credentials_are_used_up_to_their_end() {
        let credentials = with_file(&until("2015-08-30T12:36:01Z")).unwrap();
        let expected = Credentials {
            account_id: Some("0123456789012".to_owned()),
            expires_at: Some(Timestamp { seconds: 1_440_938_161 }),
            ..Credentials::new("id", "hunter2").with_session_token(Some("token"))
        };
        assert!(credentials == expected);
        assert_eq!(
            with_file(&until("2015-08-30T12:36:00Z")),
            Err(Error::Denied("the login of profile work has expired: run 'aws login --profile work'".to_owned()))
        );
    }

    #[test]
    fn a_variable_says_where_the_sessions_are() {
        let world = TestWorld::with_environment(&[("AWS_LOGIN_CACHE_DIRECTORY", "/sessions/")])
            .file(&format!("/sessions/{FILE}"), until("2015-08-30T13:00:00Z"));
        assert_eq!(asked(&world).unwrap().access_key_id, "id");
    }

    #[test]
    fn without_a_file_to_read_the_error_says_which_one_and_what_to_do() {
        let path = format!("/h/.aws/login/cache/{FILE}");
        let world = || TestWorld::with_environment(&[("HOME", "/h")]);
        for (world, end) in [
            (world(), "no such file: run 'aws login --profile work'"),
            (world().no_file(&path, FileError::NotGranted), "not granted: let lookups read this file"),
            (world().file(&path, [0xff]), "not readable: not UTF-8: run 'aws login --profile work'"),
            (TestWorld::default(), "HOME is not set: set it"),
        ] {
            let expected = format!("the login of profile work is unusable: ~/.aws/login/cache/{FILE}: {end}");
            assert_eq!(asked(&world), Err(Error::Invalid(expected)));
        }
    }

    #[test]
    fn what_is_wrong_with_the_file_is_told_and_nothing_of_it_repeated() {
        for (content, reason) in [
            ("hunter2", "it is not a JSON object"),
            (r#"{"accessToken": "hunter2"}"#, "it has no accessToken"),
            (
                r#"{"accessToken": {"accessKeyId": "id", "secretAccessKey": "hunter2"}}"#,
                "it has no accessKeyId, secretAccessKey and sessionToken in its accessToken",
            ),
            (
                r#"{"accessToken": {"accessKeyId": "id", "secretAccessKey": "hunter2", "sessionToken": "hunter3"}}"#,
                "it has no expiresAt in its accessToken",
            ),
            (&until("hunter2"), "its expiresAt is not a time as in 2026-01-31T12:00:00Z"),
        ] {
            let expected = format!(
                "the login of profile work is unusable: ~/.aws/login/cache/{FILE}: {reason}: run 'aws login --profile work'"
            );
            assert_eq!(with_file(content), Err(Error::Invalid(expected)));
        }
    }
}
