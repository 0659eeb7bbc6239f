//! AWS STS: keys for a role.
//!
//! Sources: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html> and
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>.

use crate::wiped::Wiped;

use crate::aws::client::{Call, Client};
use crate::aws::failure;
use crate::aws::request::Operation;
use crate::aws::xml::Element;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::secret::Secret;
use crate::sigv4::percent_encode;
use crate::time::Timestamp;
use crate::world::{Method, Response, World};

/// A role to assume.
#[derive(Clone, Copy, Debug)]
pub struct RoleRequest<'a> {
    /// The role's ARN.
    pub role_arn: &'a str,
    /// The session's name; none for one of ours.
    pub session_name: Option<&'a str>,
    /// The external id.
    pub external_id: Option<&'a str>,
    /// How long the credentials shall last, in seconds; none for the role's own.
    pub duration_seconds: Option<u32>,
}

/// `AssumeRole`: keys for a role, by the keys of somebody who may have it.
///
/// # Errors
///
/// [`Error`], by what STS answered.
pub fn assume_role(
    client: &Client<'_, impl World>,
    endpoint: &Endpoint,
    credentials: &Credentials,
    role: &RoleRequest<'_>,
) -> Result<Credentials, Error> {
    let body = form("AssumeRole", role, None, client.world.now());
    let name = name("AssumeRole", role, endpoint);
    let secrets: Vec<&Secret> = credentials.secrets().collect();
    let call = Call { name: &name, secrets: &secrets, transient_codes: &[], attempts: client.attempts() };
    let response = client.call(&call, |time| operation(&body).signed(endpoint, credentials, time))?;
    parse(&response, "AssumeRoleResult").ok_or_else(|| failure::malformed(&name, "no credentials that can be read"))
}

/// `AssumeRoleWithWebIdentity`: keys for a role, by a token of somebody whom the role trusts. Nothing signs it.
///
/// # Errors
///
/// [`Error`], by what STS answered.
pub fn assume_role_with_web_identity(
    client: &Client<'_, impl World>,
    endpoint: &Endpoint,
    token: &Secret,
    role: &RoleRequest<'_>,
) -> Result<Credentials, Error> {
    let body = form("AssumeRoleWithWebIdentity", role, Some(token), client.world.now());
    let name = name("AssumeRoleWithWebIdentity", role, endpoint);
    // STS had no answer of the identity provider: the one error of the client's that it wants to be asked again about.
    let call = Call {
        name: &name,
        secrets: &[token],
        transient_codes: &["IDPCommunicationError"],
        attempts: client.attempts(),
    };
    let response = client.call(&call, |_| operation(&body).unsigned(endpoint))?;
    parse(&response, "AssumeRoleWithWebIdentityResult")
        .ok_or_else(|| failure::malformed(&name, "no credentials that can be read"))
}

fn name(action: &str, role: &RoleRequest<'_>, endpoint: &Endpoint) -> String {
    format!("{action} of {} for {}", endpoint.authority, role.role_arn)
}

fn operation(body: &str) -> Operation<'_> {
    let headers = &[("content-type", "application/x-www-form-urlencoded")];
    Operation { method: Method::Post, path: "/", headers, body }
}

fn form(action: &str, role: &RoleRequest<'_>, token: Option<&Secret>, now: Timestamp) -> Wiped<String> {
    let own_name = format!("keyward-{}", now.seconds);
    let duration = role.duration_seconds.map(|seconds| seconds.to_string());
    let token = token.map(Secret::expose);
    // A text that grows by itself leaves copies of what may be a secret behind.
    let mut body = Wiped::new(String::with_capacity(1024 + 3 * token.map_or(0, str::len)));
    body.push_str("Action=");
    body.push_str(action);
    body.push_str("&Version=2011-06-15");
    for (name, value) in [
        ("RoleArn", Some(role.role_arn)),
        ("RoleSessionName", Some(role.session_name.unwrap_or(&own_name))),
        ("ExternalId", role.external_id),
        ("DurationSeconds", duration.as_deref()),
        ("WebIdentityToken", token),
    ] {
        let Some(value) = value else { continue };
        body.push('&');
        body.push_str(name);
        body.push('=');
        percent_encode(value.as_bytes(), &mut body);
    }
    body
}

fn parse(response: &Response, result: &str) -> Option<Credentials> {
    let root = Element::parse(std::str::from_utf8(&response.body).ok()?)?;
    let member = |name| root.at(&[result, "Credentials", name]).filter(|text| !text.is_empty());
    // arn:aws:sts::123456789012:assumed-role/NAME/SESSION
    let account = root.at(&[result, "AssumedRoleUser", "Arn"]).and_then(|arn| arn.split(':').nth(4));
    Some(Credentials {
        account_id: account.filter(|account| !account.is_empty()).map(str::to_owned),
        expires_at: Some(Timestamp::parse_rfc3339(member("Expiration")?)?),
        ..Credentials::new(member("AccessKeyId")?, member("SecretAccessKey")?)
            .with_session_token(Some(member("SessionToken")?))
    })
}

#[cfg(test)]
mod tests;
