//! Watching a lookup from beside it.

use std::sync::{Arc, Mutex};

use crate::capability::meter::Meter;
use crate::error::Waiting;
use crate::lock::lock;

/// Says of a lookup, while it is under way and afterwards, what it does outside of its sandbox. Clones watch the same lookup.
///
/// It is handed to [`Resolver::look_up_traced`](crate::Resolver::look_up_traced), for one lookup; of one that joins another which is
/// under way already, it watches that other one.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Option<Arc<Meter>>>>);

impl Trace {
    /// A trace of a lookup that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the lookup is waiting for now; `None` where it computes, or has not begun, or is over.
    pub fn waiting_for(&self) -> Option<Waiting> {
        lock(&self.0).as_ref()?.waiting_for()
    }

    /// Watches the lookup that this meter belongs to.
    pub(crate) fn follow(&self, meter: &Arc<Meter>) {
        *lock(&self.0) = Some(meter.clone());
    }
}
