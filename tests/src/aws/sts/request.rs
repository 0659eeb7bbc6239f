//! The parameters of requests to STS, and what they have to look like.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::parameters::Parameters;
use crate::refusal::{Form, Refusal};

/// How long a session may be, in seconds.
const DURATIONS: RangeInclusive<u64> = 900..=43_200;

/// How long it is if the request does not say.
const DEFAULT_DURATION: Duration = Duration::from_secs(3600);

/// What both actions are told about the session.
pub(super) struct Session<'a> {
    pub(super) role_arn: &'a str,
    pub(super) name: &'a str,
    pub(super) duration: Duration,
}

impl<'a> Session<'a> {
    pub(super) fn of(parameters: &'a Parameters) -> Result<Self, Refusal> {
        let role_arn = required(parameters, "RoleArn")?;
        check("RoleArn", role_arn, 20..=2048, |character| !character.is_control())?;
        let name = required(parameters, "RoleSessionName")?;
        check("RoleSessionName", name, 2..=64, |character| is_word(character) || "+=,.@-".contains(character))?;
        Ok(Self { role_arn, name, duration: duration(parameters)? })
    }
}

/// Refuses parameters that neither action has, nor this one beside what both have. AWS has more, of
/// which the fake knows nothing.
pub(super) fn check_names(parameters: &Parameters, of_this_action: &[&str]) -> Result<(), Refusal> {
    let of_both = ["Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds"];
    match parameters.names().find(|name| !of_both.contains(name) && !of_this_action.contains(name)) {
        None => Ok(()),
        Some(name) => Err(validation_error(format!("the fake knows no parameter {name}"))),
    }
}

/// The external id, if there is one.
pub(super) fn external_id(parameters: &Parameters) -> Result<Option<&str>, Refusal> {
    let Some(external_id) = parameters.get("ExternalId") else {
        return Ok(None);
    };
    check("ExternalId", external_id, 2..=1224, |character| is_word(character) || "+=,.@:/-".contains(character))?;
    Ok(Some(external_id))
}

/// The web identity token.
pub(super) fn web_identity_token(parameters: &Parameters) -> Result<&str, Refusal> {
    let token = required(parameters, "WebIdentityToken")?;
    check("WebIdentityToken", token, 4..=20_000, |_| true)?;
    Ok(token)
}

/// An error of STS.
pub(super) fn refusal(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(Form::Query, status, code, message)
}

fn duration(parameters: &Parameters) -> Result<Duration, Refusal> {
    let Some(seconds) = parameters.get("DurationSeconds") else {
        return Ok(DEFAULT_DURATION);
    };
    let seconds = seconds.parse().ok().filter(|seconds| DURATIONS.contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| constraint("DurationSeconds"))
}

fn required<'a>(parameters: &'a Parameters, name: &str) -> Result<&'a str, Refusal> {
    parameters.get(name).ok_or_else(|| {
        validation_error(format!("Value null at '{name}' failed to satisfy constraint: Member must not be null"))
    })
}

fn check(
    name: &str,
    value: &str,
    lengths: RangeInclusive<usize>,
    is_allowed: impl Fn(char) -> bool,
) -> Result<(), Refusal> {
    if lengths.contains(&value.chars().count()) && value.chars().all(is_allowed) {
        Ok(())
    } else {
        Err(constraint(name))
    }
}

/// What AWS's patterns call `\w`.
fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// AWS repeats the value, and the fake does not: it may be a secret.
fn constraint(name: &str) -> Refusal {
    validation_error(format!("Value at '{name}' failed to satisfy constraint"))
}

fn validation_error(message: impl Into<String>) -> Refusal {
    refusal(400, "ValidationError", format!("1 validation error detected: {}", message.into()))
}
