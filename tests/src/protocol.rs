//! What every service demands of a request, and HTTP of it.

use hyper::header::{self, HeaderMap};

use crate::refusal::Refusal;

/// Checks the form of a request with a body of one of these content types: what AWS's protocols and
/// HTTP demand, and what proxies need.
pub(crate) fn check_form(headers: &HeaderMap, content_types: &[&str]) -> Result<(), Refusal> {
    check_host(headers)?;
    let count = |name| headers.get_all(name).iter().count();
    if count(header::CONTENT_LENGTH) != 1 || count(header::TRANSFER_ENCODING) != 0 {
        return Err(Refusal::serialization(
            "The body has to be sent with a Content-Length, and without a Transfer-Encoding.",
        ));
    }
    let is_accepted = |value: &header::HeaderValue| content_types.iter().any(|accepted| value == accepted);
    if count(header::CONTENT_TYPE) != 1 || !headers.get(header::CONTENT_TYPE).is_some_and(is_accepted) {
        return Err(Refusal::serialization(format!("The Content-Type has to be {}.", content_types[0])));
    }
    Ok(())
}

/// Checks that a request has one host.
pub(crate) fn check_host(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get_all(header::HOST).iter().count() {
        1 => Ok(()),
        _ => Err(Refusal::serialization("There has to be one Host header.")),
    }
}

/// Whether a request has anything that only a signed one has.
pub(crate) fn is_signed(headers: &HeaderMap) -> bool {
    [header::AUTHORIZATION.as_str(), "x-amz-security-token"].iter().any(|name| headers.contains_key(*name))
}

/// Whether a host is in a region: if it is a host of AWS, the region is a part of its name. Other
/// hosts, such as the address of the fake, stand for any region.
pub(crate) fn region_suits(region: &str, headers: &HeaderMap) -> bool {
    let host = host(headers);
    let is_of_aws = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().any(|suffix| host.ends_with(suffix));
    !is_of_aws || host.split('.').any(|label| label == region)
}

/// The host that a request is for, without its port.
pub(crate) fn host(headers: &HeaderMap) -> &str {
    let authority = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    authority.split(':').next().unwrap_or_default()
}
