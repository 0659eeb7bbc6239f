//! What one lookup does with its requests: counted, and told when somebody asks what it waits for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::capability::destination::Destination;
use crate::capability::tls::TrustError;
use crate::error::{Step, Waiting};

/// The counts of one lookup. Of several requests at once it would tell the last one alone; guests send one after the other.
#[derive(Debug, Default)]
pub(crate) struct Meter(Mutex<Reading>);

#[derive(Debug, Default)]
struct Reading {
    requests: u32,
    bytes_received: u64,
    fault: Option<Fault>,
    under_way: Option<UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    destination: Destination,
    step: Step,
    begin: Instant,
}

/// A failure whose cause the host knows and the guest cannot: it is told of a request that failed, and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Refused { destination: String },
    TooLarge { destination: String, limit: u64 },
    Trust(TrustError),
}

impl Meter {
    /// A request begins. What went wrong with the one before it is of no interest any more.
    pub(crate) fn begin(&self, destination: &Destination) {
        let mut reading = self.reading();
        reading.requests += 1;
        reading.fault = None;
        let (destination, begin) = (destination.clone(), Instant::now());
        reading.under_way = Some(UnderWay { destination, step: Step::Connection, begin });
    }

    /// The request under way has come to a step.
    pub(crate) fn step(&self, step: Step) {
        if let Some(under_way) = &mut self.reading().under_way {
            under_way.step = step;
        }
    }

    /// The request under way is over.
    pub(crate) fn end(&self) {
        self.reading().under_way = None;
    }

    /// Bytes of an answer have come.
    pub(crate) fn received(&self, bytes: u64) {
        self.reading().bytes_received += bytes;
    }

    /// Something went wrong that the guest will not be able to name.
    pub(crate) fn set_fault(&self, fault: Fault) {
        self.reading().fault = Some(fault);
    }

    pub(crate) fn requests(&self) -> u32 {
        self.reading().requests
    }

    pub(crate) fn bytes_received(&self) -> u64 {
        self.reading().bytes_received
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        self.reading().fault.clone()
    }

    pub(crate) fn waiting_for(&self) -> Option<Waiting> {
        let reading = self.reading();
        let UnderWay { destination, step, begin } = reading.under_way.as_ref()?;
        Some(Waiting { destination: destination.to_string(), step: *step, elapsed: begin.elapsed() })
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        // Nothing panics while it holds the lock, and a reading is good at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
