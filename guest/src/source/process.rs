//! `credential_process`: a program that prints credentials. Nothing in a sandbox can start one: the host runs it before the lookup, where
//! its operator allows it, and hands over what it printed.
//!
//! Sources: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>; `aws-config`,
//! `credential_process.rs`.

use crate::credentials::Credentials;
use crate::error::Error;
use crate::secret::Secret;
use crate::source::Lookup;
use crate::source::document::Members;
use crate::time::Timestamp;
use crate::world::World;

/// What the program of this profile printed.
///
/// # Errors
///
/// [`Error::Invalid`] where it was not run, or printed something else than credentials.
pub fn get(lookup: &Lookup<'_, impl World>, profile: &str, account_id: Option<&String>) -> Result<Credentials, Error> {
    let Some(printed) = &lookup.settings.context.process_credentials else {
        return Err(Error::Invalid(format!(
            "profile {profile} has credential_process, and a lookup may not start programs: allow it with --allow-process \
             (KEYWARD_ALLOW_PROCESS), or use another source"
        )));
    };
    let credentials = parse(printed).map_err(|malformed| {
        Error::Invalid(format!(
            "the credential_process of profile {profile} printed {malformed}: run it by itself to see"
        ))
    })?;
    Ok(Credentials { account_id: credentials.account_id.or_else(|| account_id.cloned()), ..credentials })
}

/// What is wrong with the output. Nothing of it is repeated: it may hold a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Malformed {
    #[error("an Expiration that is not a time")]
    Expiration,
    #[error("no AccessKeyId and SecretAccessKey")]
    NoKeys,
    #[error("something that is not JSON")]
    NotJson,
    #[error("another Version than 1")]
    Version,
}

fn parse(printed: &Secret) -> Result<Credentials, Malformed> {
    let output = Members::parse(printed.expose().as_bytes()).ok_or(Malformed::NotJson)?;
    let text = |name| output.text(&[name]);
    if output.get("Version").and_then(serde_json::Value::as_u64) != Some(1) {
        return Err(Malformed::Version);
    }
    let (Some(id), Some(secret)) = (text("AccessKeyId"), text("SecretAccessKey")) else {
        return Err(Malformed::NoKeys);
    };
    let expires_at = match text("Expiration") {
        None => None,
        Some(time) => Some(Timestamp::parse_rfc3339(time).ok_or(Malformed::Expiration)?),
    };
    Ok(Credentials {
        account_id: text("AccountId").map(str::to_owned),
        expires_at,
        ..Credentials::new(id, secret).with_session_token(text("SessionToken"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Credentials, Malformed> {
        parse(&Secret::new(text.to_owned()))
    }

    #[test]
    fn the_names_of_the_output_are_taken_in_any_case() {
        let text = r#"{"version": 1, "accesskeyid": "i", "SecretAccessKey": "s", "SessionToken": "t",
                       "AccountId": "1", "Expiration": "2015-08-30T12:36:00Z"}"#;
        let credentials = parsed(text).unwrap();
        assert_eq!((credentials.access_key_id.as_str(), credentials.account_id.as_deref()), ("i", Some("1")));
        assert_eq!(credentials.expires_at, Some(Timestamp { seconds: 1_440_938_160 }));
    }

    #[test]
    fn what_is_wrong_with_the_output_is_told_and_nothing_of_it_repeated() {
        for (text, malformed) in [
            ("", Malformed::NotJson),
            ("[]", Malformed::NotJson),
            (r#"{"AccessKeyId": "i", "SecretAccessKey": "s"}"#, Malformed::Version),
            (r#"{"Version": 2, "AccessKeyId": "i", "SecretAccessKey": "s"}"#, Malformed::Version),
            (r#"{"Version": 1, "AccessKeyId": "i"}"#, Malformed::NoKeys),
            (
                r#"{"Version": 1, "AccessKeyId": "i", "SecretAccessKey": "s", "Expiration": "soon"}"#,
                Malformed::Expiration,
            ),
        ] {
            assert_eq!(parsed(text), Err(malformed), "{text}");
        }
    }
}
