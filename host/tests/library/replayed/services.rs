//! The services that a chain may ask: one answer for each operation, every time with other keys, and what a request to them has to have.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response};
use keyward_testbed::vectors::{chain, same};
use keyward_testbed::{AccessKeys, CredentialScope};
use serde_json::{Value, json};

use crate::world::{Answer, plain};

/// The answer to a request, of whichever service; `place` is its place among all.
pub(super) fn any(request: &Request<Bytes>, place: usize) -> Answer {
    if is_for_registry_token(request) {
        // "AWS:p" in base64.
        return ok(r#"{"authorizationData":[{"authorizationToken":"QVdTOnA="}]}"#);
    }
    if let Some(action) = action(request) {
        return ok(&sts(&action, &given(place)));
    }
    match request.uri().path() {
        "/federation/credentials" => ok(&portal(&given(place))),
        "/latest/api/token" => Ok(Response::builder()
            .header("x-aws-ec2-metadata-token-ttl-seconds", "21600")
            .body(Bytes::from_static(b"metadata-token"))
            .unwrap()),
        "/latest/meta-data/iam/security-credentials/" => ok("role"),
        "/token" => ok(r#"{"accessToken":"newtoken","expiresIn":28800}"#),
        _ => ok(&document(&given(place))),
    }
}

/// The keys that the request at this place is answered with, where it is one for keys.
pub(super) fn given(place: usize) -> AccessKeys {
    AccessKeys::new(&format!("AKID{place}"), &format!("secret {place}")).with_session_token(&format!("token {place}"))
}

/// An answer with this body.
pub(super) fn ok(body: &str) -> Answer {
    Ok(Response::new(Bytes::copy_from_slice(body.as_bytes())))
}

fn sts(action: &str, keys: &AccessKeys) -> String {
    let (id, secret, token) = (&keys.access_key_id, &keys.secret_access_key, keys.session_token.as_ref().unwrap());
    format!(
        "<{action}Response><{action}Result><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
         <SessionToken>{token}</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></{action}Result>\
         </{action}Response>"
    )
}

fn portal(keys: &AccessKeys) -> String {
    let (id, secret, token) = (&keys.access_key_id, &keys.secret_access_key, &keys.session_token);
    let keys = json!({
        "accessKeyId": id, "secretAccessKey": secret, "sessionToken": token, "expiration": 32_472_144_000_000_u64,
    });
    json!({ "roleCredentials": keys }).to_string()
}

/// As instance metadata and the services beside containers have it.
fn document(keys: &AccessKeys) -> String {
    let (id, secret, token) = (&keys.access_key_id, &keys.secret_access_key, &keys.session_token);
    json!({
        "Code": "Success", "AccessKeyId": id, "SecretAccessKey": secret, "Token": token, "Expiration": "2999-01-01T00:00:00Z",
    })
    .to_string()
}

/// The action of a request to STS.
pub(super) fn action(request: &Request<Bytes>) -> Option<String> {
    form(request).ok()?.remove("Action")
}

fn form(request: &Request<Bytes>) -> Result<BTreeMap<String, String>, String> {
    chain::fields(str::from_utf8(request.body()).map_err(|error| error.to_string())?)
}

/// The fields of the query.
pub(super) fn query(request: &Request<Bytes>) -> Result<BTreeMap<String, String>, String> {
    chain::fields(request.uri().query().unwrap_or_default())
}

/// The value of a header.
pub(super) fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

fn is_for_registry_token(request: &Request<Bytes>) -> bool {
    header(request, "x-amz-target").is_some_and(|target| target.ends_with(".GetAuthorizationToken"))
}

/// Checks that ECR was asked for a registry's token with these keys.
pub(super) fn check_registry_token(request: &Request<Bytes>, keys: &AccessKeys) -> Result<CredentialScope, String> {
    same("asks for a registry's token", &is_for_registry_token(request), &true)?;
    let scope = chain::verify(&plain(request), keys)?;
    same("service", &scope.service.as_str(), &"ecr")?;
    Ok(scope)
}

/// Checks that instance metadata was asked in its version 2: for a token, and with it for a role, and for the keys of the role.
pub(super) fn check_metadata(requests: &[Request<Bytes>], base: &str) -> Result<(), String> {
    let [token, role, keys] = requests else { return Err(format!("expected three requests: {requests:?}")) };
    let line = |request: &Request<Bytes>| format!("{} {}", request.method(), request.uri());
    same("request for a token", &line(token), &format!("PUT {base}/latest/api/token"))?;
    same("life", &header(token, "x-aws-ec2-metadata-token-ttl-seconds"), &Some("21600"))?;
    let roles = format!("GET {base}/latest/meta-data/iam/security-credentials/");
    same("request for a role", &line(role), &roles)?;
    same("request for keys", &line(keys), &format!("{roles}role"))?;
    for request in [role, keys] {
        same("token", &header(request, "x-aws-ec2-metadata-token"), &Some("metadata-token"))?;
    }
    Ok(())
}

/// Checks that STS was asked for a role as a vector has it: `role_arn`, and as far as they are there `role_session_name`,
/// `external_id` and `token`. Without keys, the request may not be signed.
pub(super) fn check_role(
    request: &Request<Bytes>,
    action: &str,
    role: &Value,
    token: Option<&str>,
    keys: Option<&AccessKeys>,
) -> Result<(), String> {
    let form = form(request)?;
    let field = |name: &str| form.get(name).map(String::as_str);
    same("action", &field("Action"), &Some(action))?;
    same("role", &field("RoleArn"), &role["role_arn"].as_str())?;
    same("external id", &field("ExternalId"), &role["external_id"].as_str())?;
    same("token", &field("WebIdentityToken"), &token)?;
    let session_name = field("RoleSessionName").unwrap_or_default();
    match role["role_session_name"].as_str() {
        Some(expected) => same("session name", &session_name, &expected)?,
        None => same("own session name", &session_name.starts_with("keyward-"), &true)?,
    }
    match keys {
        Some(keys) => same("service", &chain::verify(&plain(request), keys)?.service.as_str(), &"sts"),
        None => same("signature", &header(request, "authorization"), &None),
    }
}
