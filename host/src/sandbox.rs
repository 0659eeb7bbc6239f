//! One lookup: one store, every limit set, raced against the deadline and the caller, and gone afterwards.

use std::sync::Arc;
use std::time::Duration;

use keyward_ecr::json;
use keyward_ecr::secret::Secret;
use tokio::time::Instant;
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, ResourceTable, WasiCtx};
use wasmtime_wasi_http::{FieldMapError, WasiHttpCtx};
use zeroize::Zeroize;

use crate::admission::Admission;
use crate::budget::{Budget, CancelToken, Deadline, Usage};
use crate::capability::egress;
use crate::capability::files::Files;
use crate::capability::http::{Hooks, Transport};
use crate::capability::log::{Log, printable};
use crate::capability::meter::Meter;
use crate::capability::process::Programs;
use crate::capability::profiles::{OfLookup, Profiles};
use crate::capability::under_way::UnderWay;
use crate::engine::bindings::exports::keyward::registry_credentials::provider;
use crate::engine::{Limiter, MemoryLimitReached, Sandboxes, State};
use crate::error::{Error, Limit, Waiting};
use crate::record::TracedStep;
use crate::replay::Replay;
use crate::request::Request;

/// What a guest may push through one host call, in bytes: far more than any header or body that it has.
const HOSTCALL_BYTES: usize = 1024 * 1024;

/// What a guest may hold of the host at once: streams, requests, files.
const MAX_RESOURCES: usize = 256;

/// What a guest may have of handles to them: more, since a call lends handles to the host while it lasts.
const MAX_HANDLES: usize = 2 * MAX_RESOURCES;

/// What the headers of one request or answer may have, in bytes, with what the host needs for each.
const HEADER_BYTES: usize = 64 * 1024;

/// How many random bytes a guest may ask for at once.
const RANDOM_BYTES: u64 = 64 * 1024;

/// What a guest may open of files in one lookup, in bytes: each file that it is granted some times over.
const FILE_BYTES: u64 = 8 * 1024 * 1024;

/// What the lookups of a resolver see and use.
pub(crate) struct Grants {
    pub(crate) admission: Admission,
    pub(crate) environment: Arc<Vec<(String, Secret)>>,
    pub(crate) files: Files,
    pub(crate) replay: Option<Arc<dyn Replay>>,
    pub(crate) profiles: Profiles,
    /// `None` where lookups may not start any.
    pub(crate) programs: Option<Programs>,
    pub(crate) transport: Arc<Transport>,
}

/// Runs one lookup to its end. What it does outside of its sandbox is counted by `meter`, which is its alone.
pub(crate) async fn run(
    sandboxes: &Sandboxes,
    grants: &Grants,
    request: &Request,
    meter: &Arc<Meter>,
    budget: &Budget,
    cancel: &CancelToken,
) -> (Result<provider::Credential, Error>, Usage) {
    // Before the store, so that it is dropped after it, also where this future is dropped.
    let _admitted = match grants.admission.admit(&request.registry) {
        Ok(admitted) => admitted,
        Err(overloaded) => return (Err(overloaded), Usage::default()),
    };
    let deadline = Deadline::after(budget.deadline);
    let mut usage = Usage::default();
    let result = look_up(sandboxes, grants, request, meter, budget, deadline, cancel, &mut usage).await;
    usage.requests = meter.requests();
    usage.bytes_received = meter.bytes_received();
    usage.wall = deadline.elapsed();
    meter.set_usage(usage);
    (result, usage)
}

#[expect(clippy::too_many_arguments, reason = "it is the second half of the one above")]
async fn look_up(
    sandboxes: &Sandboxes,
    grants: &Grants,
    request: &Request,
    meter: &Arc<Meter>,
    budget: &Budget,
    deadline: Deadline,
    cancel: &CancelToken,
    usage: &mut Usage,
) -> Result<provider::Credential, Error> {
    let log = if request.explain { Log::of_steps() } else { Log::default() };
    let mut question = Question::new(request);
    let mut time_left = budget.deadline;
    if let Some(programs) = &grants.programs {
        match before_end(programs.printed(request, meter), meter, deadline, cancel).await {
            Ok(printed) => question.add("process-credentials", printed?.map(|printed| printed.expose().to_owned())),
            Err(ended) => return classify(ended, grants, budget, meter, &log, &question),
        }
        time_left = time_left.saturating_sub(deadline.elapsed());
    }
    question.add("deadline", Some(time_left.as_millis().to_string()));
    let mut store = prepare(sandboxes, grants, request, meter, &log, budget)
        .map_err(|error| Error::Internal(format!("{error:#}")))?;
    let begin = Instant::now();
    let ended = race(sandboxes, &mut store, &question.0, meter, deadline, cancel).await;
    let lasted = begin.elapsed();
    usage.fuel = budget.fuel.saturating_sub(store.get_fuel().unwrap_or_default());
    usage.peak_memory = store.data().limiter.peak();
    drop(store);
    if request.explain {
        meter.set_steps(steps(&log, lasted, grants, &question, &ended));
    }
    classify(ended, grants, budget, meter, &log, &question)
}

/// The request as the component gets it. What it says besides the address may be a secret, and is overwritten when it is dropped.
struct Question(provider::Request);

/// The names of the context whose values are secrets.
const SECRET_CONTEXT: [&str; 2] = ["process-credentials", "service-account-token"];

impl Question {
    fn new(request: &Request) -> Self {
        Self(provider::Request { server: request.registry.clone(), context: request.context() })
    }

    /// What a component must not be quoted with: what it was given, and the keys in what a program has printed.
    fn secrets(&self) -> Vec<Secret> {
        let given = self.0.context.iter().filter(|(name, _)| SECRET_CONTEXT.contains(&name.as_str()));
        let keys = |document: &str| {
            let object = json::object(document.as_bytes()).unwrap_or_default();
            ["SecretAccessKey", "SessionToken"].into_iter().filter_map(move |name| json::secret(&object, name))
        };
        given.flat_map(|(_, value)| keys(value).chain([Secret::new(value.clone())])).collect()
    }

    fn add(&mut self, name: &str, value: Option<String>) {
        self.0.context.extend(value.map(|value| (name.to_owned(), value)));
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.0.context.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

/// The variables whose values are secrets. The others are what steps are about, and can be said.
const SECRET_VARIABLES: [&str; 4] =
    ["AWS_ACCESS_KEY_ID", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// What the component said of its steps. It leaves secrets out by itself; of those that are known here, it is made sure.
fn steps(log: &Log, lasted: Duration, grants: &Grants, question: &Question, ended: &Ended) -> Vec<TracedStep> {
    let environment = grants.environment.iter().filter(|(name, _)| SECRET_VARIABLES.contains(&name.as_str()));
    let password = match ended {
        Ended::Returned(Ok(Ok(credential))) => Some(Secret::new(credential.secret.clone())),
        _ => None,
    };
    let asked = question.secrets();
    let secrets: Vec<&Secret> = environment.map(|(_, value)| value).chain(&asked).chain(&password).collect();
    log.steps(&secrets, lasted)
}

/// A store with every limit set.
fn prepare(
    sandboxes: &Sandboxes,
    grants: &Grants,
    request: &Request,
    meter: &Arc<Meter>,
    log: &Log,
    budget: &Budget,
) -> wasmtime::Result<Store<State>> {
    let mut wasi = WasiCtx::builder();
    wasi.stdout(log.clone()).stderr(log.clone()).max_random_size(RANDOM_BYTES);
    for (name, value) in grants.environment.iter() {
        wasi.env(name, value.expose());
    }
    if let Some(replay) = &grants.replay {
        wasi.wall_clock(PlayedClock(replay.clone())).monotonic_clock(TokioClock(Instant::now()));
    }
    let mut table = ResourceTable::new();
    table.set_max_capacity(MAX_RESOURCES);
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(HEADER_BYTES);
    let profiles = Arc::new(OfLookup::new(&grants.profiles, meter));
    let state = State {
        file_bytes: FILE_BYTES,
        files: grants.files.clone(),
        hooks: Hooks {
            transport: grants.transport.clone(),
            meter: meter.clone(),
            profiles: profiles.clone(),
            // The component says what is wrong with one that is no URL.
            endpoint: request.endpoint.as_deref().and_then(egress::destination),
            requests: budget.requests,
            request_bytes: budget.request_bytes,
            response_bytes: budget.response_bytes,
            under_way: UnderWay::default(),
        },
        http,
        limiter: Limiter::new(budget.memory),
        meter: meter.clone(),
        profiles,
        table,
        wasi: wasi.build(),
    };
    let mut store = Store::new(&sandboxes.engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(HOSTCALL_BYTES);
    store.set_max_component_handles(MAX_HANDLES);
    store.set_fuel(budget.fuel)?;
    Ok(store)
}

/// The clock of a world that is played.
struct PlayedClock(Arc<dyn Replay>);

impl HostWallClock for PlayedClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.0.now()
    }
}

/// The clock that sleeping goes by, since this moment. Where a test has paused it, no time passes outside of sleeps.
struct TokioClock(Instant);

impl HostMonotonicClock for TokioClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// How a lookup ended. What it was waiting for is asked while it waits: dropping the call ends its waiting too.
enum Ended {
    Cancelled(Option<Waiting>),
    /// By the host, whose meter has the reason.
    Metered(Error),
    /// There was no instance to call: for want of memory, mappings or threads, and not through the component's doing.
    NotStarted(wasmtime::Error),
    Returned(wasmtime::Result<Result<provider::Credential, provider::Error>>),
    TimedOut(Option<Waiting>),
}

/// Calls the guest, and drops the call when the deadline passes or the caller cancels.
///
/// A guest that waits in the host is ended by dropping the call. A guest that computes reaches the epoch's callback
/// instead, which looks at deadline and token itself: on a busy executor, the timer beside the call may not have been
/// asked yet.
async fn race(
    sandboxes: &Sandboxes,
    store: &mut Store<State>,
    request: &provider::Request,
    meter: &Meter,
    deadline: Deadline,
    cancel: &CancelToken,
) -> Ended {
    let token = cancel.clone();
    store.epoch_deadline_callback(move |store| {
        if let Some(error) = store.data().meter.ended_with() {
            Err(Interrupted::Metered(error).into())
        } else if token.is_cancelled() {
            Err(Interrupted::Cancelled(store.data().meter.waiting_for()).into())
        } else if deadline.has_passed() {
            Err(Interrupted::TimedOut(store.data().meter.waiting_for()).into())
        } else {
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        }
    });
    store.set_epoch_deadline(1);
    let _ticking = match sandboxes.ticker.start() {
        Ok(ticking) => ticking,
        Err(cause) => return Ended::NotStarted(cause.into()),
    };
    let call = async {
        match sandboxes.component.instantiate_async(&mut *store).await {
            Ok(component) => {
                let provider = component.keyward_registry_credentials_provider();
                Ended::Returned(provider.call_get(&mut *store, request).await)
            }
            Err(error) => Ended::NotStarted(error),
        }
    };
    before_end(call, meter, deadline, cancel).await.unwrap_or_else(|ended| ended)
}

/// Waits for something, and drops it when the deadline passes or the caller cancels.
async fn before_end<T>(
    awaited: impl Future<Output = T>,
    meter: &Meter,
    deadline: Deadline,
    cancel: &CancelToken,
) -> Result<T, Ended> {
    let cancelled = async {
        cancel.cancelled().await;
        Ended::Cancelled(meter.waiting_for())
    };
    let metered = async { Ended::Metered(meter.ended().await) };
    let timed_out = async {
        deadline.passed().await;
        Ended::TimedOut(meter.waiting_for())
    };
    tokio::select! {
        // In this order: who cancelled wants nothing any more, and who waits takes a credential that is just in time.
        biased;
        ended = cancelled => Err(ended),
        result = awaited => Ok(result),
        ended = metered => Err(ended),
        ended = timed_out => Err(ended),
    }
}

/// Why the epoch's callback ended a guest, and what was under way beside its computing.
#[derive(Clone, Debug, thiserror::Error)]
enum Interrupted {
    #[error("cancelled")]
    Cancelled(Option<Waiting>),
    #[error("ended by the host")]
    Metered(Error),
    #[error("timed out")]
    TimedOut(Option<Waiting>),
}

fn classify(
    ended: Ended,
    grants: &Grants,
    budget: &Budget,
    meter: &Meter,
    log: &Log,
    question: &Question,
) -> Result<provider::Credential, Error> {
    let timeout = |waiting_for| Error::Timeout { deadline: budget.deadline, waiting_for };
    let trap = |reason: String| {
        let asked = question.secrets();
        let secrets = grants.environment.iter().map(|(_, value)| value).chain(&asked);
        Error::Trap { reason, said: log.shown(secrets) }
    };
    // What ended the guest, known by its type.
    let known = |error: &wasmtime::Error| {
        if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
            return match interrupted.clone() {
                Interrupted::Cancelled(waiting_for) => Some(Error::Cancelled { waiting_for }),
                Interrupted::Metered(error) => Some(error),
                Interrupted::TimedOut(waiting_for) => Some(timeout(waiting_for)),
            };
        }
        if let Some(reached) = error.downcast_ref::<MemoryLimitReached>() {
            return Some(Error::OutOfMemory { limit: budget.memory, wanted: reached.wanted });
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return Some(Error::Overloaded { live: grants.admission.live(), of_this_registry: false });
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref() {
            return Some(Error::OverLimit { what: Limit::Handles, limit: MAX_RESOURCES as u64 });
        }
        if let Some(FieldMapError::TooManyFields | FieldMapError::TotalSizeTooBig) = error.downcast_ref() {
            return Some(Error::OverLimit { what: Limit::HeaderBytes, limit: HEADER_BYTES as u64 });
        }
        Some(match error.downcast_ref::<Trap>()? {
            Trap::OutOfFuel => Error::OutOfFuel { limit: budget.fuel },
            other => trap(other.to_string()),
        })
    };
    // Whatever the guest has made of it: an answer, a crash, a wait.
    if let Some(error) = meter.ended_with() {
        return Err(error);
    }
    match ended {
        Ended::Cancelled(waiting_for) => Err(Error::Cancelled { waiting_for }),
        Ended::Metered(error) => Err(error),
        Ended::TimedOut(waiting_for) => Err(timeout(waiting_for)),
        Ended::Returned(Ok(Ok(credential))) => Ok(credential),
        Ended::Returned(Ok(Err(error))) => Err(with_cause(error.into(), meter.fault())),
        Ended::NotStarted(error) => Err(known(&error).unwrap_or_else(|| Error::Internal(format!("{error:#}")))),
        Ended::Returned(Err(error)) => Err(known(&error).unwrap_or_else(|| trap(error.root_cause().to_string()))),
    }
}

/// The guest knows that its request failed; the host knows which setting is to blame. Where the guest says anything else,
/// it means something else.
fn with_cause(error: Error, fault: Option<Error>) -> Error {
    match error {
        Error::Invalid(_) | Error::Unavailable(_) => fault.unwrap_or(error),
        other => other,
    }
}

impl From<provider::Error> for Error {
    fn from(error: provider::Error) -> Self {
        match error {
            provider::Error::Denied(text) => Self::Denied(printable(&text)),
            provider::Error::Invalid(text) => Self::Invalid(printable(&text)),
            provider::Error::NoCredentials(text) => Self::NoCredentials(printable(&text)),
            provider::Error::NotOurRegistry => Self::NotOurRegistry,
            provider::Error::Other(text) => Self::Other(printable(&text)),
            provider::Error::Throttled(text) => Self::Throttled(printable(&text)),
            provider::Error::Unavailable(text) => Self::Unavailable(printable(&text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component that crashes may have quoted what it was asked with.
    #[test]
    fn the_secrets_of_a_question_are_known() {
        let request = Request::new("r").with_profile("p").with_service_account_token(Secret::new("token".to_owned()));
        let mut question = Question::new(&request);
        let printed = r#"{"AccessKeyId": "i", "SecretAccessKey": "s\/s", "SessionToken": "t"}"#;
        question.add("process-credentials", Some(printed.to_owned()));
        let secrets = question.secrets();
        assert_eq!(secrets.iter().map(Secret::expose).collect::<Vec<_>>(), ["token", "s/s", "t", printed]);
    }
}
