//! STS: `AssumeRole` and `AssumeRoleWithWebIdentity`, as the AWS STS API Reference has them.

mod request;
mod role;

use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, body::Bytes};

pub use self::role::Role;

use self::request::{Session, refusal};
use self::role::WebIdentity;
use crate::aws::Aws;
use crate::expiry::iso_8601;
use crate::parameters::Parameters;
use crate::protocol::{self, check_form, region_suits};
use crate::refusal::{Form, Refusal};
use crate::service::{Gift, Reply};
use crate::signature::{self, Authorization};
use crate::xml::{self, element};

/// The content type of AWS's query protocol, with the addition that some SDKs make.
const FORMS: [&str; 2] = ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8"];

/// The version of the API.
const VERSION: &str = "2011-06-15";

/// The host that stands for all regions, and the region that requests to it are signed for.
const GLOBAL_HOST: (&str, &str) = ("sts.amazonaws.com", "us-east-1");

/// Whether a request is meant for STS. The answer to one that is not right has to be in its form too,
/// so what looks like the query protocol in one way need not do so in all.
pub(super) fn is_meant(request: &Request<Bytes>) -> bool {
    let headers = request.headers();
    let has_form = headers.get(CONTENT_TYPE).is_some_and(|value| FORMS.iter().any(|form| value == form));
    let may_be = request.method() == Method::POST && request.uri() == "/" && !headers.contains_key("x-amz-target");
    may_be && (has_form || request.body().split(|byte| *byte == b'&').any(|pair| pair.starts_with(b"Action=")))
}

pub(super) fn examine(request: &Request<Bytes>, request_id: &str, aws: &Aws) -> Result<Reply, Refusal> {
    check_form(request.headers(), &FORMS).map_err(in_words_of_sts)?;
    let parameters = std::str::from_utf8(request.body())
        .ok()
        .and_then(Parameters::parse)
        .ok_or_else(|| refusal(400, "MalformedInput", "The body has to be a form, with each name once."))?;
    let action = parameters.get("Action").ok_or_else(|| refusal(400, "MissingAction", "There is no action."))?;
    match (action, parameters.get("Version")) {
        ("AssumeRole", Some(VERSION)) => assume_role(request, &parameters, request_id, aws),
        ("AssumeRoleWithWebIdentity", Some(VERSION)) => {
            assume_role_with_web_identity(request, &parameters, request_id, aws)
        }
        (_, version) => {
            let version = version.unwrap_or("(none)");
            Err(refusal(400, "InvalidAction", format!("Could not find operation {action} for version {version}")))
        }
    }
}

fn assume_role(
    request: &Request<Bytes>,
    parameters: &Parameters,
    request_id: &str,
    aws: &Aws,
) -> Result<Reply, Refusal> {
    let authorization = Authorization::of(request.headers()).map_err(in_words_of_sts)?;
    signature::verify(request, &aws.keys()).map_err(in_words_of_sts)?;
    check_scope(request, &authorization)?;
    request::check_names(parameters, &["ExternalId"])?;
    let session = Session::of(parameters)?;
    let external_id = request::external_id(parameters)?;

    let caller = authorization.access_key_id;
    let role = aws.role(session.role_arn).filter(|role| role.admits(&caller, external_id)).ok_or_else(|| {
        let role_arn = session.role_arn;
        let message = format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}");
        refusal(403, "AccessDenied", message)
    })?;
    Ok(reply("AssumeRole", &role, &session, "", request_id))
}

fn assume_role_with_web_identity(
    request: &Request<Bytes>,
    parameters: &Parameters,
    request_id: &str,
    aws: &Aws,
) -> Result<Reply, Refusal> {
    const ACTION: &str = "AssumeRoleWithWebIdentity";

    // AWS does not mind a signature. But it takes keys to make one, and who has these does not need
    // this action: it is a mistake.
    if protocol::is_signed(request.headers()) {
        return Err(refusal(400, "ValidationError", format!("{ACTION} must not be signed.")));
    }
    request::check_names(parameters, &["WebIdentityToken"])?;
    let session = Session::of(parameters)?;
    let token = request::web_identity_token(parameters)?;

    let role = aws
        .role(session.role_arn)
        .ok_or_else(|| refusal(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"))?;
    match role.web_identity(token) {
        Some(WebIdentity::Valid) => {}
        Some(WebIdentity::Expired) => {
            return Err(refusal(400, "ExpiredTokenException", "Token expired: it must be used before its end"));
        }
        None => {
            return Err(refusal(400, "InvalidIdentityToken", "The web identity token could not be validated"));
        }
    }
    let identity = [
        element("SubjectFromWebIdentityToken", "system:serviceaccount:keyward:testbed"),
        element("Audience", "sts.amazonaws.com"),
        element("Provider", "https://oidc.test"),
    ];
    Ok(reply(ACTION, &role, &session, &identity.concat(), request_id))
}

/// Checks what the signature is for: STS, and a region that suits the host.
fn check_scope(request: &Request<Bytes>, authorization: &Authorization) -> Result<(), Refusal> {
    let scope = &authorization.scope;
    let (global_host, global_region) = GLOBAL_HOST;
    let region_fits = match protocol::host(request.headers()) {
        host if host == global_host => scope.region == global_region,
        _ => !scope.region.is_empty() && region_suits(&scope.region, request.headers()),
    };
    let message = if scope.service != "sts" {
        "Credential should be scoped to correct service: 'sts'."
    } else if !region_fits {
        "Credential should be scoped to a valid region."
    } else {
        return Ok(());
    };
    Err(refusal(403, "SignatureDoesNotMatch", message))
}

fn reply(action: &str, role: &Role, session: &Session<'_>, more: &str, request_id: &str) -> Reply {
    let keys = role.keys();
    let credentials = [
        element("AccessKeyId", &keys.access_key_id),
        element("SecretAccessKey", &keys.secret_access_key),
        element("SessionToken", keys.expect_session_token()),
        element("Expiration", &iso_8601(role.expiry(session.duration).moment())),
    ];
    let user = [
        element("AssumedRoleId", &format!("AROAKEYWARDTESTBED:{}", session.name)),
        element("Arn", &role.assumed_arn(session.name)),
    ];
    let result = format!(
        "<AssumedRoleUser>{}</AssumedRoleUser><Credentials>{}</Credentials>{more}",
        user.concat(),
        credentials.concat(),
    );
    let body = xml::response(action, &result, request_id).into_bytes();
    Reply::new(body, Gift::Credentials(keys.clone())).with_header("content-type", "text/xml")
}

/// What STS calls the errors for which AWS's JSON protocol has other names: see 'Common Errors' of
/// the AWS STS API Reference. For a request without the form of the protocol it has no name.
fn in_words_of_sts(refusal: Refusal) -> Refusal {
    refusal.reworded(Form::Query, |code| match code {
        "MissingAuthenticationTokenException" => (403, "MissingAuthenticationToken"),
        "IncompleteSignatureException" => (400, "IncompleteSignature"),
        "UnrecognizedClientException" => (403, "InvalidClientTokenId"),
        "InvalidSignatureException" => (403, "SignatureDoesNotMatch"),
        _ => (400, "MalformedInput"),
    })
}
