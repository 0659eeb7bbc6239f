//! What one lookup does outside of its sandbox: counted, and told when somebody asks what it waits for.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::capability::destination::Destination;
use crate::error::{Error, Limit, Step, Waiting};

/// The counts of one lookup. Of several requests at once it would tell the last one alone; guests send one after the other.
#[derive(Debug, Default)]
pub(crate) struct Meter(Mutex<Reading>);

#[derive(Debug, Default)]
struct Reading {
    requests: u32,
    bytes_received: u64,
    fault: Option<Error>,
    over_limit: Option<Error>,
    under_way: Option<UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    destination: String,
    address: Option<SocketAddr>,
    step: Step,
    since: Instant,
}

impl Meter {
    /// A request wants to begin: whether it may. What went wrong with the one before it is of no interest any more.
    pub(crate) fn begin(&self, destination: &Destination, limit: u32) -> bool {
        let mut reading = self.reading();
        if reading.requests >= limit {
            return false;
        }
        reading.requests += 1;
        reading.fault = None;
        reading.under_way = Some(UnderWay {
            destination: destination.to_string(),
            address: None,
            step: Step::Request,
            since: Instant::now(),
        });
        true
    }

    /// The request under way has come to a step.
    pub(crate) fn step(&self, step: Step) {
        if let Some(under_way) = &mut self.reading().under_way {
            (under_way.step, under_way.since) = (step, Instant::now());
        }
    }

    /// The request under way goes to this address.
    pub(crate) fn address(&self, address: SocketAddr) {
        if let Some(under_way) = &mut self.reading().under_way {
            under_way.address = Some(address);
        }
    }

    /// The request under way is over.
    pub(crate) fn end(&self) {
        self.reading().under_way = None;
    }

    /// A file is read, or written, until what this returns is dropped; then whatever was under way before goes on.
    pub(crate) fn file(&self, name: &str) -> Aside<'_> {
        self.aside(name, Step::File)
    }

    /// A program runs until what this returns is dropped.
    pub(crate) fn program(&self, name: &str) -> Aside<'_> {
        self.aside(name, Step::Process)
    }

    fn aside(&self, name: &str, step: Step) -> Aside<'_> {
        let aside = UnderWay { destination: name.to_owned(), address: None, step, since: Instant::now() };
        Aside { before: self.reading().under_way.replace(aside), meter: self }
    }

    /// Bytes of an answer have come.
    pub(crate) fn received(&self, bytes: u64) {
        self.reading().bytes_received += bytes;
    }

    /// A request failed, and the host knows the cause and the guest cannot: it is told that it failed, and no more.
    pub(crate) fn set_fault(&self, fault: Error) {
        self.reading().fault = Some(fault);
    }

    /// The guest wanted more than it may have. Whatever it makes of that, its lookup is over.
    pub(crate) fn set_over_limit(&self, what: Limit, limit: u64) {
        self.reading().over_limit.get_or_insert(Error::OverLimit { what, limit });
    }

    pub(crate) fn over_limit(&self) -> Option<Error> {
        self.reading().over_limit.clone()
    }

    pub(crate) fn requests(&self) -> u32 {
        self.reading().requests
    }

    pub(crate) fn bytes_received(&self) -> u64 {
        self.reading().bytes_received
    }

    pub(crate) fn fault(&self) -> Option<Error> {
        self.reading().fault.clone()
    }

    pub(crate) fn waiting_for(&self) -> Option<Waiting> {
        let reading = self.reading();
        let UnderWay { destination, address, step, since } = reading.under_way.as_ref()?;
        Some(Waiting { destination: destination.clone(), address: *address, step: *step, elapsed: since.elapsed() })
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        // Nothing panics while it holds the lock, and a reading is good at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a lookup waits for besides requests.
pub(crate) struct Aside<'a> {
    before: Option<UnderWay>,
    meter: &'a Meter,
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        self.meter.reading().under_way = self.before.take();
    }
}
