//! The kubelet's protocol of credential providers, `credentialprovider.kubelet.k8s.io` in its three versions.
//!
//! Sources: `pkg/apis/credentialprovider/*/types.go` of k8s.io/kubelet, and `pkg/credentialprovider/plugin/plugin.go` of Kubernetes,
//! which runs the provider.
//!
//! What the kubelet does with an answer decides what is answered. With exit status 0 and a response, it keeps what is in it for as
//! long as it says, even that there is no credential. With any other exit status, it logs the standard error stream, keeps nothing
//! and pulls anonymously. So a failure is never a response: the next pull asks again, and the cause stands in the kubelet's log.

mod request;

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};

use keyward::{Credential, Error};
use keyward_ecr::registry::{Kind, Registry};

pub(crate) use self::request::Pull;
use self::request::Version;
use crate::frontend::go_json;
use crate::lookup::Failure;

/// Whether a program of this name is a credential provider: the name of the one that Kubernetes has for AWS, which the configurations
/// of clusters have in them.
pub(crate) fn is_provider(name: &str) -> bool {
    name == "ecr-credential-provider"
}

/// A credential for the kubelet.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) credential: Credential,
    /// Whether other images of the registry may have another one. The kubelet gives them this one unless it is told to keep it for the
    /// image.
    pub(crate) is_for_image: bool,
}

/// Any number, as likely as any other: the place of this answer among those of nodes that ask in the same moment. It is no secret, so
/// the keys of the standard library's maps are random enough.
pub(crate) fn draw_lot() -> u16 {
    (RandomState::new().hash_one(()) >> 48) as u16
}

/// Answers one request and returns the exit status. `clock` says the time in seconds since 1970 (UTC), and `lot` is one that was drawn.
pub(crate) fn serve(
    input: &mut dyn Read,
    output: &mut dyn Write,
    errors: &mut dyn Write,
    clock: impl FnOnce() -> u64,
    lot: u16,
    resolve: impl FnOnce(&Pull) -> Result<Found, Failure>,
) -> io::Result<u8> {
    let answer = request::read(input)?.map_err(|error| error.to_string()).and_then(|pull| {
        let found = found(&pull, resolve).map_err(|failure| failure.to_string())?;
        Ok(response(pull.version, &pull.registry, found.as_ref(), clock(), lot))
    });
    match answer {
        Ok(response) => {
            output.write_all(response.as_bytes())?;
            output.flush()?;
            Ok(0)
        }
        Err(text) => {
            // Without a reader of it, the text is worth nothing: a closed stream is no failure of the provider.
            let _ = writeln!(errors, "error: {text}");
            Ok(1)
        }
    }
}

/// The credential, or that the image is pulled without: which is right for a registry of somebody else, and for the public one where
/// the node has no credentials.
fn found(pull: &Pull, resolve: impl FnOnce(&Pull) -> Result<Found, Failure>) -> Result<Option<Found>, Failure> {
    if !is_host(&pull.registry) {
        return Ok(None);
    }
    match resolve(pull) {
        Ok(found) => Ok(Some(found)),
        Err(Failure { error: Error::NotOurRegistry, .. }) => Ok(None),
        Err(Failure { error: Error::NoCredentials(_), .. }) if is_public(&pull.registry) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Whether a text is a host, with a port or without, and nothing else. The key of a credential is a pattern to the kubelet: a name
/// with `*` or `[` in it would give the credential to other registries.
fn is_host(registry: &str) -> bool {
    let (host, port) = registry.split_once(':').unwrap_or((registry, "443"));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !host.is_empty() && host.bytes().all(is_name) && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_public(registry: &str) -> bool {
    Registry::parse(registry).is_ok_and(|registry| registry.kind == Kind::Public)
}

/// One line, with the fields in the order of the kubelet's types.
fn response(version: Version, registry: &str, found: Option<&Found>, now: u64, lot: u16) -> String {
    let credential = found.map(|found| &found.credential);
    let key = if found.is_some_and(|found| found.is_for_image) { "Image" } else { "Registry" };
    let auth = credential.map_or_else(
        || "null".to_owned(),
        |credential| {
            format!(
                "{{{}:{{\"username\":{},\"password\":{}}}}}",
                go_json::string(registry),
                go_json::string(&credential.username),
                go_json::string(credential.secret.expose())
            )
        },
    );
    let cache_seconds = credential.map_or(0, |credential| cache_seconds(credential, now, lot));
    format!(
        "{{\"kind\":\"CredentialProviderResponse\",\"apiVersion\":\"{version}\",\"cacheKeyType\":\"{key}\",\
         \"cacheDuration\":\"{}\",\"auth\":{auth}}}\n",
        go_duration(cache_seconds)
    )
}

/// How long the kubelet may keep a credential: half of what is left of its life, since what the kubelet hands out has to live for as
/// long as the pull takes; and up to a sixth of that less, lest nodes that were started together ask together ever after. Nothing where
/// no life is known to be left. To leave the field out would mean the kubelet's default, which may be longer than the life.
///
/// That there is no credential is not kept either. Whoever maps a registry, or gives the node credentials, need not wait or restart
/// the kubelet, and asking again takes milliseconds.
fn cache_seconds(credential: &Credential, now: u64, lot: u16) -> u64 {
    let half = credential.expires_at.map_or(0, |end| end.saturating_sub(now) / 2);
    half - (half / 6).min(u64::MAX >> 16) * u64::from(lot) / (u64::from(u16::MAX) + 1)
}

/// A duration as Go's `time.Duration` writes it: hours, minutes and seconds, without the zeros before the first one.
fn go_duration(seconds: u64) -> String {
    /// The longest that Go has, in nanoseconds, and reads.
    const MAX_SECONDS: u64 = i64::MAX as u64 / 1_000_000_000;

    let seconds = seconds.min(MAX_SECONDS);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests;
