//! Whether a request is signed, and signed right, as AWS's own signer sees it.

use std::collections::HashMap;

use hyper::body::Bytes;

use super::recording::Request;
use crate::keys::AccessKeys;
use crate::signature::{self, Authorization, CredentialScope};

/// Checks that a request is signed with these keys, and returns for what.
///
/// # Errors
///
/// What is wrong with the signature, without the signature.
pub fn verify(request: &Request, keys: &AccessKeys) -> Result<CredentialScope, String> {
    let parts = request.parts().ok_or_else(|| format!("{request:?} has no URI"))?;
    let path = if parts.query.is_empty() { parts.path.to_owned() } else { format!("{}?{}", parts.path, parts.query) };
    let mut builder = hyper::Request::builder().method(request.method.as_str()).uri(path);
    // Whoever sends a request puts its host into a header.
    if request.header("host").is_none() {
        builder = builder.header("host", &parts.host);
    }
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let signed = builder.body(Bytes::copy_from_slice(&request.body)).map_err(|error| error.to_string())?;
    let known = HashMap::from([(keys.access_key_id.clone(), keys.clone())]);
    let wrong = |refusal| format!("signature of {request:?}, with the keys {}: {refusal}", keys.access_key_id);
    signature::verify(&signed, &known).map_err(wrong)?;
    Ok(Authorization::of(signed.headers()).map_err(wrong)?.scope)
}
