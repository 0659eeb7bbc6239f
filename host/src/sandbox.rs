//! One lookup: one store, every limit set, raced against the deadline and the caller, and gone afterwards.

use std::sync::Arc;

use keyward_ecr::secret::Secret;
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi::{ResourceTable, WasiCtx};
use wasmtime_wasi_http::WasiHttpCtx;

use crate::budget::{Budget, CancelToken, Deadline, Usage};
use crate::capability::files::Files;
use crate::capability::http::{Hooks, Transport};
use crate::capability::meter::{Fault, Meter};
use crate::engine::bindings::exports::keyward::registry_credentials::provider;
use crate::engine::{Limiter, MemoryLimitReached, Sandboxes, State};
use crate::error::Error;

/// What a guest may push through one host call, in bytes: far more than any header or body that it has.
const HOSTCALL_BYTES: usize = 1024 * 1024;

/// What a guest may hold of the host at once: streams, requests, files.
const MAX_RESOURCES: usize = 256;

/// What a guest may open of files in one lookup, in bytes: each file that it is granted some times over.
const FILE_BYTES: u64 = 8 * 1024 * 1024;

/// What the lookups of a resolver see and use.
pub(crate) struct Grants {
    pub(crate) environment: Vec<(String, Secret)>,
    pub(crate) files: Files,
    pub(crate) transport: Arc<Transport>,
}

/// Runs one lookup to its end.
pub(crate) async fn run(
    sandboxes: &Sandboxes,
    grants: &Grants,
    request: &provider::Request,
    budget: &Budget,
    cancel: &CancelToken,
) -> (Result<provider::Credential, Error>, Usage) {
    let deadline = Deadline::after(budget.deadline);
    let meter = Arc::new(Meter::default());
    let mut usage = Usage::default();
    let result = match prepare(sandboxes, grants, &meter, budget, deadline) {
        Ok(mut store) => {
            let ended = race(sandboxes, &mut store, request, deadline, cancel).await;
            usage.fuel = budget.fuel.saturating_sub(store.get_fuel().unwrap_or_default());
            usage.peak_memory = store.data().limiter.peak();
            // What the lookup was waiting for has to be known before the store goes, and its requests with it.
            let result = classify(ended, budget, &meter);
            drop(store);
            result
        }
        Err(error) => Err(Error::Internal(format!("{error:#}"))),
    };
    usage.requests = meter.requests();
    usage.bytes_received = meter.bytes_received();
    usage.wall = deadline.elapsed();
    (result, usage)
}

/// A store with every limit set.
fn prepare(
    sandboxes: &Sandboxes,
    grants: &Grants,
    meter: &Arc<Meter>,
    budget: &Budget,
    deadline: Deadline,
) -> wasmtime::Result<Store<State>> {
    let mut wasi = WasiCtx::builder();
    for (name, value) in &grants.environment {
        wasi.env(name, value.expose());
    }
    let mut table = ResourceTable::new();
    table.set_max_capacity(MAX_RESOURCES);
    let state = State {
        file_bytes: FILE_BYTES,
        files: grants.files.clone(),
        hooks: Hooks {
            transport: grants.transport.clone(),
            meter: meter.clone(),
            deadline,
            response_bytes: budget.response_bytes,
        },
        http: WasiHttpCtx::new(),
        limiter: Limiter::new(budget.memory),
        table,
        wasi: wasi.build(),
    };
    let mut store = Store::new(&sandboxes.engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(HOSTCALL_BYTES);
    store.set_max_component_handles(MAX_RESOURCES);
    store.set_fuel(budget.fuel)?;
    Ok(store)
}

/// How a lookup ended.
enum Ended {
    Cancelled,
    /// There was no instance to call: for want of memory, mappings or threads, and not through the component's doing.
    NotStarted(wasmtime::Error),
    Returned(wasmtime::Result<Result<provider::Credential, provider::Error>>),
    TimedOut,
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
    deadline: Deadline,
    cancel: &CancelToken,
) -> Ended {
    let token = cancel.clone();
    store.epoch_deadline_callback(move |_| {
        if token.is_cancelled() {
            Err(Interrupted::Cancelled.into())
        } else if deadline.has_passed() {
            Err(Interrupted::TimedOut.into())
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
    tokio::select! {
        // In this order: who cancelled wants nothing any more, and who waits takes a credential that is just in time.
        biased;
        () = cancel.cancelled() => Ended::Cancelled,
        ended = call => ended,
        () = deadline.passed() => Ended::TimedOut,
    }
}

/// Why the epoch's callback ended a guest.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum Interrupted {
    #[error("cancelled")]
    Cancelled,
    #[error("timed out")]
    TimedOut,
}

fn classify(ended: Ended, budget: &Budget, meter: &Meter) -> Result<provider::Credential, Error> {
    let timeout = || Error::Timeout { deadline: budget.deadline, waiting_for: meter.waiting_for() };
    let cancelled = || Error::Cancelled { waiting_for: meter.waiting_for() };
    // What ended the guest from the outside, known by its type.
    let known = |error: &wasmtime::Error| {
        if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
            return Some(match interrupted {
                Interrupted::Cancelled => cancelled(),
                Interrupted::TimedOut => timeout(),
            });
        }
        if let Some(reached) = error.downcast_ref::<MemoryLimitReached>() {
            return Some(Error::OutOfMemory { limit: budget.memory, wanted: reached.wanted });
        }
        Some(match error.downcast_ref::<Trap>()? {
            Trap::OutOfFuel => Error::OutOfFuel { limit: budget.fuel },
            trap => Error::Trap(trap.to_string()),
        })
    };
    match ended {
        Ended::Cancelled => Err(cancelled()),
        Ended::TimedOut => Err(timeout()),
        Ended::Returned(Ok(Ok(credential))) => Ok(credential),
        Ended::Returned(Ok(Err(error))) => Err(with_cause(error.into(), meter.fault())),
        Ended::NotStarted(error) => Err(known(&error).unwrap_or_else(|| Error::Internal(format!("{error:#}")))),
        Ended::Returned(Err(error)) => {
            Err(known(&error).unwrap_or_else(|| Error::Trap(error.root_cause().to_string())))
        }
    }
}

/// The guest knows that its request failed; the host knows which setting is to blame. Where the guest says anything else,
/// it means something else.
fn with_cause(error: Error, fault: Option<Fault>) -> Error {
    let is_of_request = matches!(error, Error::Invalid(_) | Error::Unavailable(_));
    match fault.filter(|_| is_of_request) {
        None => error,
        Some(Fault::Refused { destination }) => Error::Refused { destination },
        Some(Fault::TooLarge { destination, limit }) => Error::Invalid(format!(
            "the answer of {destination} is larger than {limit} bytes: check that nothing between here and AWS answers \
             in its place"
        )),
        Some(Fault::Trust(error)) => Error::Invalid(error.to_string()),
    }
}

impl From<provider::Error> for Error {
    fn from(error: provider::Error) -> Self {
        match error {
            provider::Error::Denied(text) => Self::Denied(text),
            provider::Error::Invalid(text) => Self::Invalid(text),
            provider::Error::NoCredentials(text) => Self::NoCredentials(text),
            provider::Error::NotOurRegistry => Self::NotOurRegistry,
            provider::Error::Other(text) => Self::Other(text),
            provider::Error::Throttled(text) => Self::Throttled(text),
            provider::Error::Unavailable(text) => Self::Unavailable(text),
        }
    }
}
