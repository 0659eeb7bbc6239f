//! EC2's instance metadata service: the credentials of the role that an instance has.
//!
//! As in aws-config 1.13 (`imds/client.rs`, `imds/client/token.rs`, `imds/credentials.rs`), it is asked in its version 2 alone, and on the
//! paths that every version of it has: the ones below `security-credentials-extended`, with which some of the other SDKs begin, give
//! the account besides, and are one more request wherever they are not there. Unlike there, a service of another vendor is none.
//!
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html>.

use std::time::Duration;

use crate::aws::failure::Failure;
use crate::credentials::Credentials;
use crate::endpoint::split_url;
use crate::error::Error;
use crate::retry::Reason;
use crate::secret::Secret;
use crate::settings::{Setting, SettingError, Settings};
use crate::source::document::{self, NoCredentials};
use crate::source::{Found, Lookup};
use crate::world::{HttpError, Local, Method, Patience, Request, Response, Scheme, World};

const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
const ENDPOINT: [&str; 2] = ["AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint"];
const MODE: [&str; 2] = ["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode"];
const ROLE: [&str; 2] = ["AWS_EC2_INSTANCE_PROFILE_NAME", "ec2_instance_profile_name"];

const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/iam/security-credentials/";
const TOKEN: &str = "x-aws-ec2-metadata-token";
const TOKEN_LIFE: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const LONGEST_TOKEN_LIFE: &str = "21600";

/// How often a request is sent for which the service has an answer, and not a good one.
const ATTEMPTS: u32 = 4;

/// How long the service has to take a connection, and then to answer. Where there is no service, nobody says so: the whole lookup
/// waits for as long as this.
const PATIENCE: Duration = Duration::from_secs(1);

/// The credentials of the instance's role. Where the service has expired ones, these: it could not get new ones, and AWS goes on to
/// take them then.
///
/// # Errors
///
/// [`Error`]: for settings that lead nowhere, and where there is a service and it has no credentials to give.
pub fn find(lookup: &Lookup<'_, impl World>) -> Result<Found, Error> {
    let settings = lookup.settings;
    if settings.variable(DISABLED).is_some_and(|setting| setting.value.eq_ignore_ascii_case("true")) {
        return Ok(Found::NotConfigured(format!("{DISABLED} is true")));
    }
    let configured = settings.value(ROLE[0], ROLE[1]);
    if let Some(role) = &configured
        && !is_role(&role.value)
    {
        return Err(wrong(role.clone(), "the name of the instance's role"));
    }
    let service = Service::of(settings)?;
    let token = match service.first_token(lookup)? {
        Ok(token) => token,
        Err(none) => return Ok(none),
    };
    let mut session = Session { lookup, service, token };
    let role = match configured {
        Some(role) => Some(role.value),
        None => session.role()?,
    };
    match role {
        Some(role) => session.credentials(&role).map(Found::Credentials),
        None => Ok(Found::NotConfigured(format!(
            "{} has no role for this instance: attach one to it",
            session.service.name
        ))),
    }
}

/// Where the service is.
struct Service {
    scheme: Scheme,
    authority: String,
    base_path: String,
    /// What it is called in messages, with the setting that leads to it.
    name: String,
}

impl Service {
    fn of<L: Local>(settings: &Settings<'_, L>) -> Result<Self, Error> {
        let Some(Setting { value, origin }) = settings.value(ENDPOINT[0], ENDPOINT[1]) else {
            let authority = default_authority(settings)?;
            let name = format!("the instance metadata service at {authority}");
            return Ok(Self { scheme: Scheme::Http, authority: authority.to_owned(), base_path: String::new(), name });
        };
        let (scheme, authority, base_path) = split_url(&value).map_err(|reason| {
            Error::Invalid(format!("{origin} is not a usable URL ({reason}): set it to http://HOST[:PORT]"))
        })?;
        let name = format!("the instance metadata service at {authority} ({origin})");
        Ok(Self { scheme, authority, base_path, name })
    }

    fn request(&self, method: Method, path: &str, header: (&str, &str)) -> Request {
        Request {
            method,
            scheme: self.scheme,
            authority: self.authority.clone(),
            path: format!("{}{path}", self.base_path),
            headers: vec![(header.0.to_owned(), header.1.to_owned())],
            body: Vec::new(),
            patience: Patience::of(PATIENCE),
        }
    }

    /// The token with which the session begins, or why there seems to be no service: most machines are no instances.
    fn first_token(&self, lookup: &Lookup<'_, impl World>) -> Result<Result<Secret, Found>, Error> {
        match self.ask_for_token(lookup) {
            Ok(response) if is_of_another_cloud(&response) => {
                let reason = format!("what answers at {} is not of EC2 (HTTP status {})", self.name, response.status);
                Ok(Err(Found::NotConfigured(reason)))
            }
            Ok(response) => self.token(&response).map(Ok),
            Err(error @ (HttpError::Refused | HttpError::HeadersTooLarge | HttpError::TooLarge)) => {
                Err(self.no_answer(&error))
            }
            // Whoever took the connection is there; the answer is what got lost.
            Err(HttpError::Timeout) => Ok(Err(Found::NotReached(format!(
                "{} took a connection and did not answer within {} s; inside a container, the instance's metadata hop limit has to be 2: \
                 aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2",
                self.name,
                PATIENCE.as_secs()
            )))),
            Err(error) => Ok(Err(Found::NotReached(format!("{} was not reached: {error}", self.name)))),
        }
    }

    fn ask_for_token(&self, lookup: &Lookup<'_, impl World>) -> Result<Response, HttpError> {
        let request = self.request(Method::Put, TOKEN_PATH, (TOKEN_LIFE, LONGEST_TOKEN_LIFE));
        send(lookup, &request, &mut 0)
    }

    fn token(&self, response: &Response) -> Result<Secret, Error> {
        if !response.is_success() {
            let advice = match response.status {
                403 => {
                    "the service is disabled, or its tokens are not permitted: aws ec2 modify-instance-metadata-options \
                     --http-endpoint enabled"
                }
                _ => "only version 2 of the service (IMDSv2) is asked; check what answers there",
            };
            return Err(Failure::parse(response).to_error(&self.asking_for("a token"), &[], Some(advice)));
        }
        let life = response.header(TOKEN_LIFE).and_then(|seconds| seconds.parse::<u32>().ok());
        let token = str::from_utf8(&response.body).ok().filter(|token| {
            // It goes into a header.
            !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
        });
        match (life, token) {
            (Some(_), Some(token)) => Ok(Secret::new(token.to_owned())),
            (None, _) => Err(self.malformed(&format!("a token without {TOKEN_LIFE}"))),
            (_, None) => Err(self.malformed("something that is no token")),
        }
    }

    fn asking_for(&self, what: &str) -> String {
        format!("asking {} for {what}", self.name)
    }

    fn malformed(&self, what: &str) -> Error {
        document::malformed(&self.name, what)
    }

    /// The service was there a moment ago, or should not be asked at all.
    fn no_answer(&self, error: &HttpError) -> Error {
        document::no_answer(&self.name, error, "try again later")
    }
}

/// Whether an answer to the request for a token is that of another vendor's service at the same address, which knows no such request:
/// EC2's own refuses it with 403 where it is turned off. To AWS's SDKs in other languages too, that is a machine without a role.
fn is_of_another_cloud(response: &Response) -> bool {
    matches!(response.status, 400 | 404 | 405) || response.header("metadata-flavor").is_some()
}

/// The service, with a token of it.
struct Session<'a, W> {
    lookup: &'a Lookup<'a, W>,
    service: Service,
    token: Secret,
}

impl<W: World> Session<'_, W> {
    /// The role that the instance has, if it has one: the first line of a list that has one.
    fn role(&mut self) -> Result<Option<String>, Error> {
        let response = self.get(ROLES_PATH)?;
        if response.status == 404 {
            return Ok(None);
        }
        if !response.is_success() {
            return Err(self.refused(
                &Failure::parse(&response),
                "the role of this instance",
                "check what answers there",
            ));
        }
        match str::from_utf8(&response.body).map(|list| list.lines().next().unwrap_or_default().trim()) {
            Ok("") => Ok(None),
            Ok(role) if is_role(role) => Ok(Some(role.to_owned())),
            _ => Err(self.service.malformed("something that is no role")),
        }
    }

    fn credentials(&mut self, role: &str) -> Result<Credentials, Error> {
        let response = self.get(&format!("{ROLES_PATH}{role}"))?;
        document::credentials(&response).map_err(|error| match error {
            NoCredentials::Malformed(what) => self.service.malformed(what),
            NoCredentials::Refused(failure) => {
                let advice = match failure.code.as_deref() {
                    Some("AssumeRoleUnauthorizedAccess") => {
                        "let the trust policy of the role name ec2.amazonaws.com, or attach another role to the instance"
                    }
                    _ => {
                        "check the role that is attached to this instance, and AWS_EC2_INSTANCE_PROFILE_NAME \
                         (ec2_instance_profile_name) where it is set"
                    }
                };
                self.refused(&failure, &format!("the credentials of role {role}"), advice)
            }
        })
    }

    /// Asks for what needs a token. One that is over is replaced.
    fn get(&mut self, path: &str) -> Result<Response, Error> {
        let mut sent = 0;
        loop {
            let request = self.service.request(Method::Get, path, (TOKEN, self.token.expose()));
            let response = send(self.lookup, &request, &mut sent).map_err(|error| self.service.no_answer(&error))?;
            if response.status != 401 || sent >= ATTEMPTS {
                return Ok(response);
            }
            let renewed = self.service.ask_for_token(self.lookup).map_err(|error| self.service.no_answer(&error))?;
            self.token = self.service.token(&renewed)?;
        }
    }

    fn refused(&self, failure: &Failure, what: &str, advice: &str) -> Error {
        failure.to_error(&self.service.asking_for(what), &[&self.token], Some(advice))
    }
}

/// Sends a request up to [`ATTEMPTS`] times in all, for as long as the service fails. Without a connection or an answer it is sent once:
/// most often there is no service, and the lookup would wait for nothing.
fn send(lookup: &Lookup<'_, impl World>, request: &Request, sent: &mut u32) -> Result<Response, HttpError> {
    let client = lookup.client;
    let left = ATTEMPTS.saturating_sub(*sent);
    let mut attempt = || {
        *sent += 1;
        client.world.http(request)
    };
    client.send_while(left, &mut attempt, &|result| match result {
        Ok(response) if response.status >= 500 => Some(Reason::Transient),
        _ => None,
    })
}

fn default_authority<L: Local>(settings: &Settings<'_, L>) -> Result<&'static str, Error> {
    match settings.value(MODE[0], MODE[1]) {
        None => Ok("169.254.169.254"),
        Some(mode) if mode.value.eq_ignore_ascii_case("ipv4") => Ok("169.254.169.254"),
        Some(mode) if mode.value.eq_ignore_ascii_case("ipv6") => Ok("[fd00:ec2::254]"),
        Some(mode) => Err(wrong(mode, "IPv4 or IPv6")),
    }
}

fn wrong(Setting { value, origin }: Setting, expected: &'static str) -> Error {
    Error::Invalid(SettingError { origin, value, expected }.to_string())
}

/// Whether a text can be the name of a role, or of an instance profile: those that IAM takes, which all can stand in a path.
fn is_role(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte))
}

#[cfg(test)]
mod tests;
