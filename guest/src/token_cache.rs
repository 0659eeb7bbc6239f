//! Where the AWS CLI keeps the tokens of those who have logged in: `aws sso login` and `aws login`.
//!
//! Sources: `aws-config`, `sso/cache.rs` and `login/cache.rs`; botocore, `SSOTokenLoader` and `LoginTokenLoader`. The host asks the
//! same functions which of the files a lookup may read.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::sigv4::hex;

/// The file of a token of IAM Identity Center, by the name of its `sso-session`, or by the start URL of a profile that has no session.
/// It begins with `~/`.
pub fn sso_file(session_or_start_url: &str) -> String {
    format!("~/.aws/sso/cache/{}.json", hex(&Sha1::digest(session_or_start_url.as_bytes())))
}

/// The file of a session of `aws login`, in the folder that AWS_LOGIN_CACHE_DIRECTORY names, else below the home folder: then it
/// begins with `~/`.
pub fn login_file(folder: Option<&str>, login_session: &str) -> String {
    let folder = folder.unwrap_or("~/.aws/login/cache").trim_end_matches('/');
    format!("{folder}/{}.json", hex(&Sha256::digest(login_session.trim().as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_where_the_aws_cli_puts_it() {
        assert_eq!(sso_file("admin"), "~/.aws/sso/cache/d033e22ae348aeb5660fc2140aec35850c4da997.json");
        assert_eq!(
            sso_file("https://d-92671207e4.awsapps.com/start"),
            "~/.aws/sso/cache/13f9d35043871d073ab260e020f0ffde092cb14b.json"
        );
        // SHA-256 of "abc", the first vector of FIPS 180-2.
        let file = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.json";
        assert_eq!(login_file(None, " abc\n"), format!("~/.aws/login/cache/{file}"));
        assert_eq!(login_file(Some("/x/"), "abc"), format!("/x/{file}"));
    }
}
