//! The credentials service beside a container: that of ECS, of EKS Pod Identity, or one of the operator's own.
//!
//! Sources: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>; aws-config 1.13, `ecs.rs` and
//! `http_credential_provider.rs`.

use std::time::Duration;

use crate::aws::client::Client;
use crate::credentials::Credentials;
use crate::endpoint::split_url;
use crate::error::Error;
use crate::retry::Reason;
use crate::secret::Secret;
use crate::settings::{Settings, read_text};
use crate::source::document::{self, NoCredentials};
use crate::source::{Found, Lookup};
use crate::world::{Local, Method, Patience, Request, Response, Scheme, World};

const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// Where the service of ECS is, to which the relative URI belongs.
const ECS: &str = "169.254.170.2";

/// Who may be asked without TLS: the services of ECS and of EKS Pod Identity, and this machine, of which there are more addresses.
const WITHOUT_TLS: [&str; 5] = [ECS, "169.254.170.23", "[fd00:ec2::23]", "[::1]", "localhost"];

/// What aws-config gives the service (`http_credential_provider.rs`). It is on the same machine; but an agent that does not have the
/// credentials yet asks AWS for them.
const PATIENCE: Patience = Patience { connection: Some(Duration::from_secs(2)), answer: Some(Duration::from_secs(5)) };

/// The credentials that the service gives out.
///
/// # Errors
///
/// [`Error`]: where the settings lead to no service, or the service to no credentials.
pub fn find(lookup: &Lookup<'_, impl World>) -> Result<Found, Error> {
    let Some(service) = Service::of(lookup.settings)? else {
        return Ok(Found::NotConfigured(format!("neither {RELATIVE_URI} nor {FULL_URI} is set")));
    };
    let authorization = authorization(lookup.settings)?;
    Ok(Found::Credentials(service.credentials(lookup.client, authorization.as_ref())?))
}

/// A place to ask for credentials.
struct Service {
    scheme: Scheme,
    authority: String,
    path: String,
    /// The setting that leads here.
    setting: &'static str,
}

impl Service {
    fn of<L: Local>(settings: &Settings<'_, L>) -> Result<Option<Self>, Error> {
        if let Some(uri) = settings.variable(RELATIVE_URI) {
            let path = uri.value;
            if !path.starts_with('/') || !is_path(&path) {
                return Err(unusable(RELATIVE_URI, "it is no path: set it to /PATH"));
            }
            let authority = ECS.to_owned();
            return Ok(Some(Self { scheme: Scheme::Http, authority, path, setting: RELATIVE_URI }));
        }
        let Some(uri) = settings.variable(FULL_URI) else { return Ok(None) };
        Self::of_full_uri(&uri.value).map(Some)
    }

    fn of_full_uri(uri: &str) -> Result<Self, Error> {
        let begin_of_host = uri.find("://").map_or(0, |scheme| scheme + 3);
        let length_of_host = uri[begin_of_host..].bytes().position(|byte| b"/?#".contains(&byte));
        let (origin, path) = uri.split_at(length_of_host.map_or(uri.len(), |length| begin_of_host + length));
        let (scheme, authority, _) = split_url(origin).map_err(|reason| {
            unusable(FULL_URI, &format!("{reason}: set it to http://HOST[:PORT]/PATH, or to https"))
        })?;
        if !is_path(path) {
            return Err(unusable(FULL_URI, "it has a fragment, or characters that have to be percent-encoded"));
        }
        if scheme == Scheme::Http && !may_go_without_tls(&authority) {
            return Err(unusable(
                FULL_URI,
                "without TLS only the services of ECS and of EKS Pod Identity are asked, and this machine by its address or as \
                 localhost: make it an https URL, or one of those",
            ));
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { scheme, authority, path, setting: FULL_URI })
    }

    fn credentials(
        &self,
        client: &Client<'_, impl World>,
        authorization: Option<&Secret>,
    ) -> Result<Credentials, Error> {
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
        headers.extend(authorization.map(|token| ("authorization".to_owned(), token.expose().to_owned())));
        let request = Request {
            method: Method::Get,
            scheme: self.scheme,
            authority: self.authority.clone(),
            path: self.path.clone(),
            headers,
            body: Vec::new(),
            patience: PATIENCE,
        };
        let answer = client.send(client.attempts(), || client.world.http(&request), again);
        let service = format!("the container credentials service at {} ({})", self.authority, self.setting);
        let response =
            answer.map_err(|error| document::no_answer(&service, &error, "check that the service runs there"))?;
        document::credentials(&response).map_err(|error| match (error, authorization) {
            (NoCredentials::Malformed(what), _) => document::malformed(&service, what),
            (NoCredentials::Refused(failure), Some(token)) => failure.to_error(
                &service,
                &[token],
                Some("check the token of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or AWS_CONTAINER_AUTHORIZATION_TOKEN"),
            ),
            (NoCredentials::Refused(failure), None) => failure.to_error(
                &service,
                &[],
                Some("check whether it wants AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or AWS_CONTAINER_AUTHORIZATION_TOKEN"),
            ),
        })
    }
}

/// aws-config asks again where the service fails, and where what it answers is no document; botocore asks again for any reason.
fn again(response: &Response) -> Option<Reason> {
    let is_malformed = || matches!(document::credentials(response), Err(NoCredentials::Malformed(_)));
    match response.status {
        429 => Some(Reason::Throttling),
        500.. => Some(Reason::Transient),
        _ => is_malformed().then_some(Reason::Transient),
    }
}

/// What the service is told about who asks. The file goes before the variable, and is read anew: what is in it, rotates.
fn authorization<L: Local>(settings: &Settings<'_, L>) -> Result<Option<Secret>, Error> {
    let (setting, token) = if let Some(file) = settings.variable(TOKEN_FILE) {
        let path = file.value;
        let text = read_text(settings.local, &path).map_err(|error| {
            unusable(TOKEN_FILE, &format!("{path} cannot be read ({error}): make it a text that lookups may read"))
        })?;
        (TOKEN_FILE, Secret::new(text.as_str().to_owned()))
    } else {
        // As it is: the service compares it with what it knows.
        match settings.local.environment(TOKEN).filter(|token| !token.is_empty()) {
            Some(token) => (TOKEN, Secret::new(token)),
            None => return Ok(None),
        }
    };
    // A line break would begin another header. Whoever put it there has to know: trimmed, the token may be another one.
    if token.expose().chars().any(char::is_control) {
        return Err(unusable(setting, "the token has a line break or another control character: remove it"));
    }
    if token.expose().is_empty() {
        return Err(unusable(setting, "the token is empty"));
    }
    Ok(Some(token))
}

fn unusable(setting: &str, reason: &str) -> Error {
    Error::Invalid(format!("{setting} is unusable: {reason}"))
}

/// Whether a text can stand for path and query of a request.
fn is_path(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

/// aws-config resolves names, and wants all their addresses to be of these. A name is not resolved here, and resolved again for the
/// connection, where it may lead elsewhere: but for `localhost`, only addresses are taken, as botocore does, and only in their usual
/// spelling.
fn may_go_without_tls(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    };
    WITHOUT_TLS.contains(&host) || is_loopback(host)
}

/// 127.0.0.0/8.
fn is_loopback(host: &str) -> bool {
    let is_number = |part: &str| part == "0" || (!part.starts_with('0') && part.parse::<u8>().is_ok());
    let mut parts = host.split('.');
    parts.next() == Some("127") && parts.clone().count() == 3 && parts.all(is_number)
}

#[cfg(test)]
mod tests;
