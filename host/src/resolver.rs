//! The library's face: registry in, credential out.

use std::fmt;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use keyward_ecr::registry::{Address, Registry};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::admission::Admission;
use crate::budget::{Budget, CancelToken, Deadline, Pool, Usage};
use crate::cache::{Cache, Found, Key, LONGEST_REFRESH, Landing, Refresh, Takeoff, Way};
use crate::capability::environment;
use crate::capability::files::Files;
use crate::capability::http::Transport;
use crate::capability::meter::Meter;
use crate::capability::process::Programs;
use crate::capability::profiles::Profiles;
use crate::config::Config;
use crate::credential::Credential;
use crate::engine::Sandboxes;
use crate::error::{Error, SetupError};
use crate::event::{CacheState, Observer, Outcome};
use crate::lock::lock;
use crate::report::Report;
use crate::request::Request;
use crate::sandbox::{self, Grants};
use crate::trace::Trace;

/// Resolves registries' credentials. Clones share the engine, the connections and what is remembered; of what else they share (names
/// that are being asked for, files that are being read) no lookup waits longer than it may.
///
/// A credential is remembered for as long as it lives, less a minute, and never handed out afterwards. After half of its life, and up to
/// a twelfth of it later, lest fleets ask together, it is handed out at once too, and a task on its caller's runtime looks for a new one: one
/// lookup a minute, until one succeeds.
/// That there are no credentials is remembered for [some seconds](Config::with_negative_ttl), unless somebody who may have some did not
/// answer, and no other failure ever is. Whoever asks what somebody else is asking already waits for that lookup, each no longer than its own deadline and its own token say; it
/// ends when nobody waits for it any more. A question is the same with the same registry and the same of everything else that a
/// [`Request`] has; what is remembered answers it also where it [asks for an explanation](Request::with_explanation).
///
/// Lookups run on the tokio runtime of their caller, which needs its I/O and its timers. Dropping a lookup's future ends
/// the lookup. Connections are kept open for the next lookup on the same runtime: as many as lookups may be under way, and at least 8, for half a
/// minute, when a task of the resolver closes them; or until the resolver is dropped.
#[derive(Clone)]
pub struct Resolver(Arc<Inner>);

struct Inner {
    budget: Budget,
    /// `None` where every lookup is one of its own.
    cache: Option<Arc<Cache>>,
    /// Whether the component is the one that is built in.
    is_built_in: bool,
    machine: Arc<Machine>,
    observer: Option<Observer>,
    /// The tasks that replace stale credentials. They end with the resolver.
    refreshes: Mutex<JoinSet<()>>,
}

/// What lookups run on and with.
struct Machine {
    grants: Grants,
    sandboxes: Sandboxes,
}

/// Whether the component that is built in knows the registry at an address: one of Amazon ECR's, private or public. Nothing is
/// looked up for that, and a lookup for any other ends at once with [`Error::NotOurRegistry`], without a sandbox.
pub fn serves(registry: &str) -> bool {
    Registry::parse(registry).is_ok()
}

/// How a lookup ended, and what it used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lookup {
    /// The credential, or why there is none.
    pub result: Result<Credential, Error>,
    /// What the lookup used, whether it found a credential or not. Of an answer without a lookup of its own, the time alone: of those
    /// who have waited for one lookup, one has its usage.
    pub usage: Usage,
    /// Where the answer comes from.
    pub cache: CacheState,
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
    /// The settings of a resolver, to begin with: those of this process's environment, as [`Config::from_process_environment`] has them,
    /// and else what is built in. [`Config::build`] makes the resolver; [`Config::new`] begins with no environment at all.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let budget = keyward::Budget::default().with_deadline(Duration::from_secs(2));
    /// let resolver = keyward::Resolver::builder().with_budget(budget).with_max_live_lookups(200).build()?;
    /// # let _ = resolver;
    /// # Ok::<(), keyward::SetupError>(())
    /// ```
    pub fn builder() -> Config {
        Config::from_process_environment()
    }

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
            cache: Cache::new(config),
            is_built_in: config.is_built_in(),
            machine: Arc::new(Machine { grants, sandboxes: Sandboxes::new(config)? }),
            observer: config.observer.clone(),
            refreshes: Mutex::default(),
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

    /// As [`resolve`](Self::resolve), with a budget and a token of its own: the token cancels from any thread.
    ///
    /// ```no_run
    /// # async fn example(resolver: keyward::Resolver) -> Result<(), keyward::Error> {
    /// use std::time::Duration;
    /// use keyward::{Budget, CancelToken, Request};
    ///
    /// let request = Request::new("123456789012.dkr.ecr.us-east-1.amazonaws.com").with_profile("build");
    /// let (budget, cancel) = (Budget::default().with_deadline(Duration::from_secs(1)), CancelToken::new());
    /// let credential = resolver.resolve_with(request, &budget, &cancel).await?;
    /// # let _ = credential;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As those of [`resolve`](Self::resolve).
    pub async fn resolve_with(
        &self,
        request: impl Into<Request>,
        budget: &Budget,
        cancel: &CancelToken,
    ) -> Result<Credential, Error> {
        self.look_up(request, budget, cancel).await.result
    }

    /// As [`resolve_with`](Self::resolve_with), and with what the lookup used, whatever came of it.
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
        let request = request.into();
        let registry = self.name(&request.registry);
        let report = Report::begin(
            self.0.observer.as_ref(),
            registry.as_deref().and_then(|registry| self.label(registry)),
            trace,
            false,
        );
        let lookup = self.answer(&request, registry, budget, cancel, trace).instrument(report.span()).await;
        report.over(Outcome::from(&lookup.result), lookup.usage, lookup.cache);
        lookup
    }

    /// Forgets what is remembered of a registry, for every profile, role and token: for a credential that the registry has refused.
    /// The next lookup asks AWS. What a lookup under way finds is remembered: nobody has it yet, so it is not what was refused.
    pub fn invalidate(&self, registry: &str) {
        if let (Some(cache), Some(registry)) = (&self.0.cache, self.name(registry)) {
            cache.forget(&registry);
        }
    }

    /// What the resolver holds now, for metrics.
    pub fn live(&self) -> Live {
        let Machine { grants, sandboxes } = &*self.0.machine;
        Live { lookups: grants.admission.live(), pool: sandboxes.pool() }
    }

    /// The budget of lookups that do not bring their own.
    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// The answer to a request whose registry has this name.
    async fn answer(
        &self,
        request: &Request,
        registry: Option<String>,
        budget: &Budget,
        cancel: &CancelToken,
        trace: &Trace,
    ) -> Lookup {
        let Some(registry) = registry else {
            return Lookup { result: Err(Error::NotOurRegistry), usage: Usage::default(), cache: CacheState::Off };
        };
        match &self.0.cache {
            Some(cache) => {
                let key = Key::new(request, registry);
                self.look_up_once(cache, &key, request, budget, cancel, trace).await
            }
            None => {
                let meter = Arc::new(Meter::default());
                meter.belongs_to_one();
                trace.follow(&meter, CacheState::Off);
                let Landing { result, usage } = self.0.machine.run(request, &meter, budget, cancel).await;
                Lookup { result, usage, cache: CacheState::Off }
            }
        }
    }

    /// Looks up what is not known, and what nobody else is looking up.
    async fn look_up_once(
        &self,
        cache: &Arc<Cache>,
        key: &Key,
        request: &Request,
        budget: &Budget,
        cancel: &CancelToken,
        trace: &Trace,
    ) -> Lookup {
        let (deadline, runtime) = (Deadline::after(budget.deadline), Handle::try_current().ok());
        let answer = |result, used, cache| Lookup { result, usage: Usage { wall: deadline.elapsed(), ..used }, cache };
        if cancel.is_cancelled() {
            return answer(Err(Error::Cancelled { waiting_for: None }), Usage::default(), CacheState::Off);
        }
        let way = Way { is_explained: request.explain, runtime: runtime.as_ref().map(Handle::id) };
        let refresh_budget = self.refresh_budget();
        // By lookups of others, whose limits were not those of this one.
        let mut used = Usage::default();
        loop {
            let time_left = budget.deadline.saturating_sub(deadline.elapsed());
            let begin = |takeoff| self.0.machine.clone().take_off(request.clone(), takeoff);
            match cache.find(key, way, budget.clone().with_deadline(time_left), &refresh_budget, begin) {
                Found::Known(result, state) => return answer(result, used, state),
                Found::Stale(credential, refresh) => {
                    if let (Some(refresh), Some(runtime)) = (refresh, &runtime) {
                        self.refresh(key.registry(), refresh, runtime);
                    }
                    return answer(Ok(credential), used, CacheState::Stale);
                }
                Found::Unknown(seat) => {
                    let state = seat.state();
                    trace.follow(seat.meter(), state);
                    match seat.wait(budget, deadline, cancel).await {
                        Ok(Landing { result, usage }) => return answer(result, used.and(usage), state),
                        Err(usage) => used = used.and(usage),
                    }
                }
            }
        }
    }

    /// Waits for a new credential beside the caller, who has an old one. The task has no part in the resolver but what its lookup
    /// needs, and is aborted when the resolver is dropped.
    fn refresh(&self, registry: &str, refresh: Refresh, runtime: &Handle) {
        let budget = self.refresh_budget();
        let trace = Trace::new();
        trace.follow(refresh.seat.meter(), refresh.seat.state());
        let report = Report::begin(self.0.observer.as_ref(), self.label(registry), &trace, true);
        let span = report.span();
        let task = async move {
            let Refresh { seat, mark: _mark } = refresh;
            let (deadline, state) = (Deadline::after(budget.deadline), seat.state());
            // What has come of it is remembered by the lookup itself.
            match seat.wait(&budget, deadline, &CancelToken::new()).await {
                Ok(Landing { result, usage }) => report.over(Outcome::from(&result), usage, state),
                // It was the lookup of somebody who gave it less than this one would have.
                Err(usage) => report.over(Outcome::Cancelled, usage, state),
            }
        };
        let task = task.instrument(span);
        let mut refreshes = lock(&self.0.refreshes);
        while refreshes.try_join_next().is_some() {}
        refreshes.spawn_on(task, runtime);
    }

    /// The budget of lookups that nobody waits for. They are over before the next one may begin, also where others may take for ever.
    fn refresh_budget(&self) -> Budget {
        let budget = self.0.budget.clone();
        let deadline = budget.deadline.min(LONGEST_REFRESH);
        budget.with_deadline(deadline)
    }

    /// The one name, among the many forms of its address, that a registry is remembered by; `None` for one that the component does not
    /// know. Of what other components know, nobody can tell which forms are the same.
    fn name(&self, registry: &str) -> Option<String> {
        if self.0.is_built_in {
            Registry::parse(registry).ok().map(|registry| registry.host)
        } else {
            Some(registry.to_owned())
        }
    }

    /// What is told of a registry's name. That of another component's registry is an address as it was typed, which may be anything.
    fn label(&self, registry: &str) -> Option<String> {
        if self.0.is_built_in {
            return Some(registry.to_owned());
        }
        Address::parse(registry).map(|address| address.host)
    }
}

impl Config {
    /// Makes the resolver of these settings, as [`Resolver::new`] does.
    ///
    /// # Errors
    ///
    /// As those of [`Resolver::new`].
    pub fn build(&self) -> Result<Resolver, SetupError> {
        Resolver::new(self)
    }
}

impl Machine {
    /// A lookup for those who will wait for it.
    fn take_off(self: Arc<Self>, request: Request, takeoff: Takeoff) -> BoxFuture<'static, Landing> {
        async move { self.run(&request, &takeoff.meter, &takeoff.budget, &takeoff.cancel).await }.boxed()
    }

    async fn run(&self, request: &Request, meter: &Arc<Meter>, budget: &Budget, cancel: &CancelToken) -> Landing {
        let (result, usage) = sandbox::run(&self.sandboxes, &self.grants, request, meter, budget, cancel).await;
        let result = result.map(|found| Credential::new(&found.username, found.secret, found.expires_at));
        Landing { result, usage }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Resolver").field("budget", &self.0.budget).finish_non_exhaustive()
    }
}
