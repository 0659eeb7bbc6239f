//! What was asked against what was recorded, as strictly as both can be compared.

use super::super::same;
use super::case::ChainCase;
use super::recording::Request;
use super::{credentials, form, signed, stale};

/// The hosts of container credentials.
const CONTAINER: [&str; 2] = ["169.254.170.2", "169.254.170.23"];

/// The headers that have the same value in the request and in the recording, or are in neither.
const HEADERS: [&str; 4] =
    ["content-type", "x-amz-sso_bearer_token", "x-aws-ec2-metadata-token", "x-aws-ec2-metadata-token-ttl-seconds"];

const FORM: &str = "application/x-www-form-urlencoded";

/// The names of sessions that SDKs make up, before the time.
const TIMED_SESSION_NAMES: [&str; 3] =
    ["assume-role-from-profile-", "web-identity-token-", "web-identity-token-profile-"];

/// The name that one SDK once made up without a time.
const UNTIMED_SESSION_NAME: &str = "assume-role-provider-session";

pub(super) fn check(case: &ChainCase, asked: &[Request]) -> Result<(), String> {
    for (index, request) in asked.iter().enumerate() {
        let position = |reason| format!("request {} of {}: {reason}", index + 1, case.exchanges.len());
        if index == case.exchanges.len() {
            return Err(format!("nothing was recorded of {request:?}"));
        }
        compare(case, index, request).and_then(|()| signature(case, index, request)).map_err(position)?;
    }
    match case.exchanges.get(asked.len()) {
        Some(exchange) => Err(format!("{:?} was not asked", exchange.request)),
        None => Ok(()),
    }
}

/// Everything but the signature.
fn compare(case: &ChainCase, index: usize, request: &Request) -> Result<(), String> {
    let recorded = &case.exchanges[index].request;
    same("method", &request.method, &recorded.method)?;
    same("URI", &comparable_uri(request)?, &comparable_uri(recorded)?)?;
    for name in HEADERS {
        same(name, &request.header(name), &recorded.header(name))?;
    }
    if CONTAINER.contains(&recorded.host().as_str()) {
        same("accept", &request.header("accept"), &recorded.header("accept"))?;
        same("authorization", &request.header("authorization"), &container_token(case)?.as_deref())?;
    }
    if recorded.header("content-type") == Some(FORM) {
        compare_forms(&case.name, &request.body, &recorded.body)
    } else {
        same("body", &request.body, &recorded.body)
    }
}

/// Scheme, host, path, and the query whose order does not matter.
fn comparable_uri(request: &Request) -> Result<impl PartialEq + std::fmt::Debug, String> {
    let parts = request.parts().ok_or_else(|| format!("{request:?} has no URI"))?;
    let default_port = if parts.scheme == "https" { ":443" } else { ":80" };
    let host = parts.host.strip_suffix(default_port).unwrap_or(&parts.host);
    Ok((parts.scheme.to_owned(), host.to_owned(), parts.path.to_owned(), form::fields(parts.query)?))
}

/// The token for container credentials that the settings lead to. The recordings are without it.
fn container_token(case: &ChainCase) -> Result<Option<String>, String> {
    if let Some(path) = case.environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        let content = case.files.get(path).ok_or_else(|| format!("without {path}, nothing may be asked"))?;
        return String::from_utf8(content.clone()).map(Some).map_err(|error| error.to_string());
    }
    Ok(case.environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").cloned())
}

fn compare_forms(case: &str, body: &[u8], recorded: &[u8]) -> Result<(), String> {
    let fields = |body: &[u8]| form::fields(std::str::from_utf8(body).map_err(|error| error.to_string())?);
    let (mut fields, mut expected) = (fields(body)?, fields(recorded)?);
    for (name, value) in &mut expected {
        if let Some(settled) = stale::settled(case, name) {
            settled.clone_into(value);
        }
    }
    // Whether the end of its file's last line is part of a token, the recordings do not agree.
    for fields in [&mut fields, &mut expected] {
        if let Some(token) = fields.get_mut("WebIdentityToken") {
            token.truncate(token.trim_end().len());
        }
    }
    if expected.get("RoleSessionName").is_some_and(|name| is_made_up(name)) {
        expected.remove("RoleSessionName");
        let name = fields.remove("RoleSessionName").ok_or("RoleSessionName is missing")?;
        if !is_session_name(&name) {
            return Err(format!("RoleSessionName: {name:?} is not what STS takes"));
        }
    }
    same("form", &fields, &expected)
}

/// Whether the SDK made the name of a session up, so that whoever is tested may make up another one.
fn is_made_up(name: &str) -> bool {
    let has_time = |prefix: &&str| {
        name.strip_prefix(*prefix)
            .is_some_and(|time| !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit()))
    };
    name == UNTIMED_SESSION_NAME || TIMED_SESSION_NAMES.iter().any(has_time)
}

/// `[\w+=,.@-]{2,64}`
fn is_session_name(name: &str) -> bool {
    let is_allowed = |sign: char| sign.is_ascii_alphanumeric() || "_+=,.@-".contains(sign);
    (2..=64).contains(&name.len()) && name.chars().all(is_allowed)
}

/// What was recorded as signed is signed, with what the step before gave and for the service that it goes to; and what was
/// not is not.
fn signature(case: &ChainCase, index: usize, request: &Request) -> Result<(), String> {
    let recorded = &case.exchanges[index].request;
    let is_signature = |value: &&str| value.starts_with("AWS4-");
    let Some(recorded_signature) = recorded.header("authorization").filter(is_signature) else {
        return match request.header("authorization").filter(is_signature) {
            Some(_) => Err(format!("{request:?} is signed, and must not be")),
            None => Ok(()),
        };
    };
    let scope = signed::verify(request, &credentials::before(case, index)?)?;
    same("service signed for", &scope.service.as_str(), &"sts")?;
    let host = recorded.host();
    let labels: Vec<&str> = host.split('.').collect();
    let region = match labels[..] {
        ["sts" | "sts-fips", region, ..] => region,
        // The host is one that settings name. KEYS/DATE/REGION/SERVICE/…
        _ => recorded_signature.split('/').nth(2).unwrap_or_default(),
    };
    same("region signed for", &scope.region.as_str(), &region)
}

#[cfg(test)]
mod tests;
