//! The library's face: registry in, credential out.

use std::fmt;
use std::sync::Arc;

use keyward_ecr::registry::Registry;
use keyward_ecr::secret::Secret;

use crate::admission::Admission;
use crate::budget::{Budget, CancelToken, Pool, Usage};
use crate::capability::environment;
use crate::capability::files::Files;
use crate::capability::http::Transport;
use crate::capability::meter::Meter;
use crate::capability::process::Programs;
use crate::capability::profiles::Profiles;
use crate::config::Config;
use crate::engine::Sandboxes;
use crate::error::{Error, SetupError};
use crate::request::Request;
use crate::sandbox::{self, Grants};
use crate::trace::Trace;

/// Resolves registries' credentials. Clones share the engine and the connections; of what else they share (names that are being asked
/// for, files that are being read) no lookup waits longer than it may.
///
/// Lookups run on the tokio runtime of their caller, which needs its I/O and its timers. Dropping a lookup's future ends
/// the lookup. Connections are kept open for the next lookup on the same runtime: 64 for one host, 256 in all, and for half a
/// minute, when a task of the resolver closes them; or until the resolver is dropped.
#[derive(Clone)]
pub struct Resolver(Arc<Inner>);

struct Inner {
    budget: Budget,
    grants: Grants,
    /// Whether the component is the one that is built in.
    is_built_in: bool,
    sandboxes: Sandboxes,
}

/// Whether the component that is built in knows the registry at an address: one of Amazon ECR's, private or public. Nothing is
/// looked up for that, and a lookup for any other ends at once with [`Error::NotOurRegistry`], without a sandbox.
pub fn serves(registry: &str) -> bool {
    Registry::parse(registry).is_ok()
}

/// What a registry takes.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credential {
    /// The user name, `AWS` for Amazon ECR.
    pub username: String,
    /// The password. Its `Debug` form shows nothing of it, and it is overwritten in memory when it is dropped.
    pub secret: Secret,
    /// When the registry stops accepting it, in seconds since 1970 (UTC); `None` where the service did not say.
    pub expires_at: Option<u64>,
}

impl Credential {
    /// A credential that comes from elsewhere, for tests and for callers with a fallback of their own.
    pub fn new(username: &str, secret: String, expires_at: Option<u64>) -> Self {
        Self { username: username.to_owned(), secret: Secret::new(secret), expires_at }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { username, secret, expires_at } = self;
        formatter
            .debug_struct("Credential")
            .field("username", username)
            .field("secret", secret)
            .field("expires_at", expires_at)
            .finish()
    }
}

/// How a lookup ended, and what it used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lookup {
    /// The credential, or why there is none.
    pub result: Result<Credential, Error>,
    /// What the lookup used, whether it found a credential or not.
    pub usage: Usage,
}

/// What a resolver holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Live {
    /// Lookups that are under way. A lookup counts until everything of it is gone: its sandbox, its requests, its
    /// connections.
    pub lookups: usize,
    /// What lookups have of the pool; `None` without one, where few lookups may be under way at once.
    pub pool: Option<Pool>,
}

impl Resolver {
    /// Loads the component. It takes less than a millisecond and does no I/O; certificates and files are read when a
    /// lookup needs them.
    ///
    /// # Errors
    ///
    /// [`SetupError`], where the component cannot run on this machine, or a setting makes no sense.
    pub fn new(config: &Config) -> Result<Self, SetupError> {
        let (environment, files) = (Arc::new(environment::variables(config)), Files::new(config));
        let profiles = Profiles::new(config, &files, &environment);
        let grants = Grants {
            admission: Admission::new(config.max_live_lookups, config.max_live_lookups_of_one_registry),
            environment,
            files,
            programs: Programs::new(config, &profiles),
            profiles,
            replay: config.replay.clone(),
            transport: Arc::new(Transport::new(config)?),
        };
        Ok(Self(Arc::new(Inner {
            budget: config.budget.clone(),
            grants,
            is_built_in: config.is_built_in(),
            sandboxes: Sandboxes::new(config)?,
        })))
    }

    /// Finds the credential of a registry: a host, a URL or an image reference; or of a [`Request`] with more in it.
    ///
    /// # Errors
    ///
    /// [`Error`], named by what the caller does next.
    pub async fn resolve(&self, request: impl Into<Request>) -> Result<Credential, Error> {
        self.look_up(request, &self.0.budget, &CancelToken::new()).await.result
    }

    /// As [`resolve`](Self::resolve), with a budget and a token of its own, and with what the lookup used.
    pub async fn look_up(&self, request: impl Into<Request>, budget: &Budget, cancel: &CancelToken) -> Lookup {
        self.look_up_traced(request, budget, cancel, &Trace::new()).await
    }

    /// As [`look_up`](Self::look_up), and `trace` says what the lookup is doing.
    pub async fn look_up_traced(
        &self,
        request: impl Into<Request>,
        budget: &Budget,
        cancel: &CancelToken,
        trace: &Trace,
    ) -> Lookup {
        let (Inner { grants, sandboxes, .. }, request) = (&*self.0, request.into());
        if self.0.is_built_in && !serves(&request.registry) {
            return Lookup { result: Err(Error::NotOurRegistry), usage: Usage::default() };
        }
        let meter = Arc::new(Meter::default());
        trace.follow(&meter);
        let (result, usage) = sandbox::run(sandboxes, grants, &request, &meter, budget, cancel).await;
        let result = result.map(|found| Credential::new(&found.username, found.secret, found.expires_at));
        tracing::debug!(found = result.is_ok(), ?usage, "lookup");
        Lookup { result, usage }
    }

    /// What the resolver holds now, for metrics.
    pub fn live(&self) -> Live {
        let Inner { grants, sandboxes, .. } = &*self.0;
        Live { lookups: grants.admission.live(), pool: sandboxes.pool() }
    }

    /// The budget of lookups that do not bring their own.
    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Resolver").field("budget", &self.0.budget).finish_non_exhaustive()
    }
}
