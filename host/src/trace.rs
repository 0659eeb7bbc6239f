//! Watching a lookup from beside it.

use std::sync::{Arc, Mutex};

use crate::budget::Usage;
use crate::capability::meter::Meter;
use crate::error::Waiting;
use crate::event::CacheState;
use crate::lock::lock;
use crate::record::{TracedRequest, TracedStep};

/// Says of a lookup, while it is under way and afterwards, what it does outside of its sandbox. Clones watch the same lookup.
///
/// It is handed to [`Resolver::look_up_traced`](crate::Resolver::look_up_traced), for one lookup; of one that joins another which is
/// under way already, it watches that other one.
///
/// ```no_run
/// # async fn example(resolver: keyward::Resolver) {
/// use std::time::Duration;
/// use keyward::{CancelToken, Trace};
///
/// let (cancel, trace) = (CancelToken::new(), Trace::new());
/// let mut lookup = std::pin::pin!(resolver.look_up_traced("public.ecr.aws", resolver.budget(), &cancel, &trace));
/// let lookup = loop {
///     tokio::select! {
///         lookup = &mut lookup => break lookup,
///         () = tokio::time::sleep(Duration::from_secs(1)) => {
///             if let Some(waiting) = trace.waiting_for() {
///                 println!("still waiting for {waiting}");
///             }
///         }
///     }
/// };
/// println!("{} requests, {:?}", trace.requests().len(), lookup.usage);
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Option<Followed>>>);

/// What is counted of a lookup, and where its answer comes from.
type Followed = (Arc<Meter>, CacheState);

impl Trace {
    /// A trace of a lookup that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the lookup is waiting for now; `None` where it computes, or has not begun, or is over.
    pub fn waiting_for(&self) -> Option<Waiting> {
        self.meter()?.waiting_for()
    }

    /// The requests of the lookup so far, in the order in which they began: not more than its budget has. Those that the sandbox did not
    /// let out are among them.
    pub fn requests(&self) -> Vec<TracedRequest> {
        self.meter().map(|meter| meter.traced()).unwrap_or_default()
    }

    /// What the component said of its steps, when the lookup is over: of one whose request
    /// [asks for it](crate::Request::with_explanation), and none of others.
    pub fn steps(&self) -> Vec<TracedStep> {
        self.meter().map(|meter| meter.steps()).unwrap_or_default()
    }

    /// What the lookup has used; `None` before it is over.
    pub fn usage(&self) -> Option<Usage> {
        self.meter()?.usage()
    }

    /// What the lookup has used so far, as far as it is this caller's, and where its answer would have come from: of a lookup that
    /// its caller drops.
    pub(crate) fn so_far(&self) -> (Usage, CacheState) {
        let Some((meter, state)) = lock(&self.0).clone() else { return (Usage::default(), CacheState::Off) };
        let used = if meter.is_of_one() {
            Usage { requests: meter.requests(), bytes_received: meter.bytes_received(), ..Usage::default() }
        } else {
            Usage::default()
        };
        (used, state)
    }

    /// Watches the lookup that this meter belongs to, whose answer comes from there.
    pub(crate) fn follow(&self, meter: &Arc<Meter>, state: CacheState) {
        *lock(&self.0) = Some((meter.clone(), state));
    }

    fn meter(&self) -> Option<Arc<Meter>> {
        lock(&self.0).as_ref().map(|(meter, _)| meter.clone())
    }
}
