//! AWS IAM Identity Center: a role for somebody who ran `aws sso login`.
//!
//! Sources: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html>; `aws-config`, `sso/credentials.rs`,
//! `sso/token.rs` and `sso/cache.rs`; botocore's test cases for its token provider, which tests/conformance/ runs. As in botocore,
//! a new token that comes without another one for the next leaves none in the file. A token that is over is not tried, in the
//! older form of such profiles either.

use crate::wiped::Wiped;

use crate::aws::sso::get_role_credentials;
use crate::aws::sso_oidc::{self, Refresh, Token};
use crate::endpoint::Service;
use crate::error::Error;
use crate::json::{self, Object};
use crate::role_chain::Sso;
use crate::secret::Secret;
use crate::settings;
use crate::source::cached_login::CachedLogin;
use crate::source::{Found, Lookup};
use crate::time::Timestamp;
use crate::token_cache;
use crate::world::World;

/// A token is renewed this many seconds before its end: `aws-config`, `sso/token.rs`.
const RENEWAL_SECONDS: i64 = 5 * 60;

/// The credentials of the profile's role.
///
/// # Errors
///
/// [`Error::Denied`] where the login is over; [`Error::Invalid`] where nobody has logged in, or where the token's file is of no use;
/// and what the services answer.
pub fn get(lookup: &Lookup<'_, impl World>, profile: &str, sso: &Sso) -> Result<Found, Error> {
    let Some(role) = &sso.role else {
        return Ok(Found::NotConfigured(format!(
            "profile {profile} is for tokens of IAM Identity Center and not for credentials, since it has no sso_account_id and no \
             sso_role_name"
        )));
    };
    let access_token = access_token(lookup, profile, sso)?;
    let endpoint = lookup.endpoint(Service::Sso, &sso.region)?;
    get_role_credentials(lookup.client, &endpoint, &access_token, role).map(Found::Credentials)
}

/// The token of the file, or the one that takes its place.
fn access_token(lookup: &Lookup<'_, impl World>, profile: &str, sso: &Sso) -> Result<Secret, Error> {
    let world = lookup.client.world;
    let login = cached_login(profile, sso);
    let file = login.read(world)?;
    let cached = CachedToken::of(&file, &login)?;

    let now = world.now();
    let is_over = cached.expires_at <= now;
    let ends_soon = now.shifted_by(RENEWAL_SECONDS).is_some_and(|soon| cached.expires_at <= soon);
    // Without a session, the token is of the older kind, which is never renewed.
    let refresh = cached.refresh.filter(|(_, registered_until)| sso.session.is_some() && now < *registered_until);
    let Some((refresh, _)) = refresh.filter(|_| ends_soon) else {
        return if is_over { Err(login.expired()) } else { Ok(cached.access_token) };
    };
    let endpoint = lookup.endpoint(Service::SsoOidc, &sso.region)?;
    match sso_oidc::create_token(lookup.client, &endpoint, &refresh, is_over) {
        Ok(token) => {
            // Where it cannot be kept, which a sandbox need not allow, it is good for this lookup all the same.
            if let (Ok(path), Some(file)) = (settings::at_home(world, &login.path), renewed(&file, &token, now)) {
                let _ = world.replace_file(&path, file.as_bytes());
            }
            Ok(token.access_token)
        }
        Err(_) if !is_over => Ok(cached.access_token),
        Err(error) => Err(login.not_renewed(error)),
    }
}

fn cached_login(profile: &str, sso: &Sso) -> CachedLogin {
    match &sso.session {
        Some(session) => CachedLogin {
            path: token_cache::sso_file(session),
            owner: format!("profile {profile} (sso-session {session})"),
            command: format!("aws sso login --sso-session {session}"),
        },
        None => CachedLogin {
            path: token_cache::sso_file(&sso.start_url),
            owner: format!("profile {profile}"),
            command: format!("aws sso login --profile {profile}"),
        },
    }
}

/// What the file has.
struct CachedToken {
    access_token: Secret,
    expires_at: Timestamp,
    /// What a new token is asked for with, and until when that is possible.
    refresh: Option<(Refresh, Timestamp)>,
}

impl CachedToken {
    fn of(file: &Object, login: &CachedLogin) -> Result<Self, Error> {
        let access_token = json::token(file, "accessToken");
        let access_token = access_token.ok_or_else(|| login.unusable("it has no accessToken that can be sent"))?;
        let expires_at = login.time(file, "expiresAt")?.ok_or_else(|| login.unusable("it has no expiresAt"))?;
        let registered_until = login.time(file, "registrationExpiresAt")?;
        let refresh = || {
            let refresh = Refresh {
                client_id: json::text(file, "clientId")?.to_owned(),
                client_secret: json::secret(file, "clientSecret")?,
                refresh_token: json::secret(file, "refreshToken")?,
            };
            Some((refresh, registered_until?))
        };
        Ok(Self { access_token, expires_at, refresh: refresh() })
    }
}

/// The file with a new token in it.
fn renewed(file: &Object, token: &Token, now: Timestamp) -> Option<Wiped<String>> {
    let expires_at = Timestamp { seconds: now.seconds + u64::from(token.expires_in) };
    let changes = [
        ("accessToken", Some(token.access_token.expose())),
        ("expiresAt", Some(&*expires_at.rfc3339())),
        ("refreshToken", token.refresh_token.as_ref().map(Secret::expose)),
    ];
    json::write(file, &changes).map(Wiped::new)
}

#[cfg(test)]
mod tests;
