//! How lookups end, for those who count them.

use std::fmt;
use std::sync::Arc;

use crate::budget::Usage;
use crate::credential::Credential;
use crate::error::Error;

/// One lookup that is over. An observer hears of each call of a [`Resolver`](crate::Resolver) once, and once of each refresh in the
/// background; see [`Config::with_observer`](crate::Config::with_observer). It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LookupEvent {
    /// The registry's host; `None` for an address that is none of the component's registries. So a metric with this label has as
    /// many series as there are registries. Of another component than the one that is built in, the component alone can tell: where it was
    /// ended before it has said so, this is the host that was asked for.
    pub registry: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it used. Of a lookup whose future was dropped: the time, and, where nobody else waits for it, its requests and the bytes that
    /// they had received. So the sum over all events is what was used.
    pub usage: Usage,
    /// Where the answer comes from, or would have come from.
    pub cache: CacheState,
    /// Whether it was one of the resolver's own, to replace a credential in the second half of its life. Nobody has waited for it.
    pub is_refresh: bool,
}

/// How a lookup ended: [`Error`] without its details, for labels of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// By a [`CancelToken`](crate::CancelToken), or because its future was dropped.
    Cancelled,
    /// [`Error::Denied`].
    Denied,
    /// There is a credential.
    Found,
    /// [`Error::Internal`].
    Internal,
    /// [`Error::Invalid`].
    Invalid,
    /// [`Error::NoCredentials`].
    NoCredentials,
    /// [`Error::NotOurRegistry`].
    NotOurRegistry,
    /// [`Error::Other`].
    Other,
    /// [`Error::OutOfFuel`].
    OutOfFuel,
    /// [`Error::OutOfMemory`].
    OutOfMemory,
    /// [`Error::OverLimit`].
    OverLimit,
    /// [`Error::Overloaded`].
    Overloaded,
    /// [`Error::Refused`].
    Refused,
    /// [`Error::Throttled`].
    Throttled,
    /// [`Error::Timeout`].
    Timeout,
    /// [`Error::Trap`].
    Trap,
    /// [`Error::Unavailable`].
    Unavailable,
}

impl Outcome {
    /// Its name, as labels of metrics and structured logs have it.
    ///
    /// ```
    /// assert_eq!(keyward::Outcome::NoCredentials.as_str(), "no_credentials");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Denied => "denied",
            Self::Found => "found",
            Self::Internal => "internal",
            Self::Invalid => "invalid",
            Self::NoCredentials => "no_credentials",
            Self::NotOurRegistry => "not_our_registry",
            Self::Other => "other",
            Self::OutOfFuel => "out_of_fuel",
            Self::OutOfMemory => "out_of_memory",
            Self::OverLimit => "over_limit",
            Self::Overloaded => "overloaded",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Trap => "trap",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl From<&Error> for Outcome {
    fn from(error: &Error) -> Self {
        match error {
            Error::Cancelled { .. } => Self::Cancelled,
            Error::Denied(_) => Self::Denied,
            Error::Internal(_) => Self::Internal,
            Error::Invalid(_) => Self::Invalid,
            Error::NoCredentials(_) => Self::NoCredentials,
            Error::NotOurRegistry => Self::NotOurRegistry,
            Error::Other(_) => Self::Other,
            Error::OutOfFuel { .. } => Self::OutOfFuel,
            Error::OutOfMemory { .. } => Self::OutOfMemory,
            Error::OverLimit { .. } => Self::OverLimit,
            Error::Overloaded { .. } => Self::Overloaded,
            Error::Refused { .. } => Self::Refused,
            Error::Throttled(_) => Self::Throttled,
            Error::Timeout { .. } => Self::Timeout,
            Error::Trap { .. } => Self::Trap,
            Error::Unavailable(_) => Self::Unavailable,
        }
    }
}

impl From<&Result<Credential, Error>> for Outcome {
    fn from(result: &Result<Credential, Error>) -> Self {
        result.as_ref().map_or_else(Self::from, |_| Self::Found)
    }
}

/// What the cache had to do with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheState {
    /// The credential was known, and is fresh: in the first half of its life, or not far into the second. Nothing was begun.
    Hit,
    /// Another caller was asking the same already, and its lookup answered both.
    Joined,
    /// Nothing was known, and this lookup began.
    Miss,
    /// That there is no credential was known, for some seconds. Nothing was begun.
    Negative,
    /// The cache was not asked: there is none, or the question was answered without it.
    Off,
    /// The credential was known, and is stale: in the second half of its life. A new one is looked for in the background, or will be.
    Stale,
}

impl CacheState {
    /// Its name, as labels of metrics and structured logs have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Joined => "joined",
            Self::Miss => "miss",
            Self::Negative => "negative",
            Self::Off => "off",
            Self::Stale => "stale",
        }
    }
}

impl fmt::Display for CacheState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Whoever hears of lookups that are over.
#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(&LookupEvent) + Send + Sync>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(&LookupEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    pub(crate) fn tell(&self, event: &LookupEvent) {
        (self.0)(event);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Observer")
    }
}
