//! What one lookup does outside of its sandbox: counted, and told when somebody asks what it waits for and what it did.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::Method;
use tokio::sync::Notify;

use crate::budget::Usage;
use crate::capability::destination::Destination;
use crate::error::{Error, Limit, Step, Waiting};
use crate::record::{RequestFailure, TracedRequest, TracedStep};

/// How many characters of a method and of a destination are kept: more than those that mean something have.
const MAX_METHOD: usize = 16;
const MAX_DESTINATION: usize = 300;

/// The counts of one lookup. Of several requests at once it would tell the last one alone; guests send one after the other.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    reading: Mutex<Reading>,
    /// Whether what the lookup has used so far is its one caller's, should that one leave.
    is_of_one: AtomicBool,
    /// Tells whoever runs the lookup that it is over, whatever its guest waits for.
    over: Notify,
}

#[derive(Debug, Default)]
struct Reading {
    requests: u32,
    bytes_received: u64,
    fault: Option<Error>,
    /// Why the lookup is over, whatever its guest makes of it.
    ended_with: Option<Error>,
    /// Every request, in order.
    records: Vec<Record>,
    steps: Vec<TracedStep>,
    under_way: Option<UnderWay>,
    usage: Option<Usage>,
}

#[derive(Debug)]
struct UnderWay {
    /// The request, where it is one.
    record: Option<Ticket>,
    destination: String,
    address: Option<SocketAddr>,
    step: Step,
    since: Instant,
}

/// Which of a lookup's requests one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(usize);

/// What is known of a request.
#[derive(Debug)]
struct Record {
    method: String,
    destination: String,
    operation: Option<String>,
    address: Option<SocketAddr>,
    status: Option<u16>,
    failure: Option<RequestFailure>,
    begin: Instant,
    /// How long it took; `None` while it is under way.
    took: Option<Duration>,
    bytes_received: u64,
}

impl Meter {
    /// A request wants to begin; `None` where it may not. What went wrong with the one before it is of no interest any more.
    pub(crate) fn begin(&self, method: &Method, destination: &Destination, limit: u32) -> Option<Ticket> {
        let mut reading = self.reading();
        if reading.requests >= limit {
            return None;
        }
        reading.requests += 1;
        reading.fault = None;
        let ticket = reading.record(method, destination);
        reading.under_way = Some(UnderWay {
            record: Some(ticket),
            destination: destination.to_string(),
            address: None,
            step: Step::Request,
            since: Instant::now(),
        });
        Some(ticket)
    }

    /// A request was not let out. It counts as none; and a guest that goes on wanting it is not written about without end.
    pub(crate) fn refused(&self, method: &Method, destination: &Destination, fault: Error, limit: u32) {
        let mut reading = self.reading();
        if reading.records.len() < limit as usize {
            let Ticket(index) = reading.record(method, destination);
            let record = &mut reading.records[index];
            (record.failure, record.took) = (Some(RequestFailure::Fault(fault.clone())), Some(Duration::ZERO));
        }
        reading.fault = Some(fault);
    }

    /// The request under way has come to a step.
    pub(crate) fn step(&self, step: Step) {
        if let Some(under_way) = &mut self.reading().under_way {
            (under_way.step, under_way.since) = (step, Instant::now());
        }
    }

    /// The request under way goes to this address.
    pub(crate) fn address(&self, address: SocketAddr) {
        let mut reading = self.reading();
        let Some(under_way) = &mut reading.under_way else { return };
        under_way.address = Some(address);
        if let Some(Ticket(index)) = under_way.record {
            reading.records[index].address = Some(address);
        }
    }

    /// The request calls this operation.
    pub(crate) fn operation(&self, Ticket(index): Ticket, operation: Option<String>) {
        self.reading().records[index].operation = operation;
    }

    /// The headers of the request's answer have come.
    pub(crate) fn answered(&self, Ticket(index): Ticket, status: u16) {
        self.reading().records[index].status = Some(status);
    }

    /// The request failed: for the reason that the host knows, else for this one. The first one counts.
    pub(crate) fn failed(&self, Ticket(index): Ticket, failure: RequestFailure) {
        let mut reading = self.reading();
        let failure = reading.fault.clone().map_or(failure, RequestFailure::Fault);
        reading.records[index].failure.get_or_insert(failure);
    }

    /// The request is over. Without an answer and without a failure, it was given up.
    pub(crate) fn end(&self, Ticket(index): Ticket) {
        let mut reading = self.reading();
        reading.under_way = None;
        let record = &mut reading.records[index];
        record.took = Some(record.begin.elapsed());
        if record.status.is_none() {
            record.failure.get_or_insert(RequestFailure::Abandoned);
        }
        record.tell();
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
        let destination = name.to_owned();
        let aside = UnderWay { record: None, destination, address: None, step, since: Instant::now() };
        Aside { before: self.reading().under_way.replace(aside), meter: self }
    }

    /// Bytes of the request's answer have come.
    pub(crate) fn received(&self, Ticket(index): Ticket, bytes: u64) {
        let mut reading = self.reading();
        reading.bytes_received += bytes;
        reading.records[index].bytes_received += bytes;
    }

    /// A request failed, and the host knows the cause and the guest cannot: it is told that it failed, and no more.
    pub(crate) fn set_fault(&self, fault: Error) {
        self.reading().fault = Some(fault);
    }

    /// The guest wanted more than it may have. Whatever it makes of that, its lookup is over.
    pub(crate) fn set_over_limit(&self, what: Limit, limit: u64) {
        self.end_with(Error::OverLimit { what, limit });
    }

    /// The lookup is over, with this error, whatever its guest makes of what it sees of that. The first one counts.
    pub(crate) fn end_with(&self, error: Error) {
        self.reading().ended_with.get_or_insert(error);
        self.over.notify_one();
    }

    /// Waits until the lookup is over before its guest says so: why it is. One task can wait for that.
    pub(crate) async fn ended(&self) -> Error {
        loop {
            if let Some(error) = self.ended_with() {
                return error;
            }
            self.over.notified().await;
        }
    }

    /// What the component said of its steps.
    pub(crate) fn set_steps(&self, steps: Vec<TracedStep>) {
        self.reading().steps = steps;
    }

    /// The lookup is over, and has used this.
    pub(crate) fn set_usage(&self, usage: Usage) {
        self.reading().usage = Some(usage);
    }

    /// Nobody else has called the lookup, or waits for it any more.
    pub(crate) fn belongs_to_one(&self) {
        self.is_of_one.store(true, Ordering::Release);
    }

    pub(crate) fn is_of_one(&self) -> bool {
        self.is_of_one.load(Ordering::Acquire)
    }

    pub(crate) fn ended_with(&self) -> Option<Error> {
        self.reading().ended_with.clone()
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
        let UnderWay { record: _, destination, address, step, since } = reading.under_way.as_ref()?;
        Some(Waiting { destination: destination.clone(), address: *address, step: *step, elapsed: since.elapsed() })
    }

    pub(crate) fn traced(&self) -> Vec<TracedRequest> {
        self.reading().records.iter().map(Record::traced).collect()
    }

    /// Whether somebody was asked who may have an answer, and it did not come, or not all of it.
    pub(crate) fn has_lost_an_answer(&self) -> bool {
        self.reading().records.iter().any(Record::has_lost_its_answer)
    }

    pub(crate) fn steps(&self) -> Vec<TracedStep> {
        self.reading().steps.clone()
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.reading().usage
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        // Nothing panics while it holds the lock, and a reading is good at any time.
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    fn record(&mut self, method: &Method, destination: &Destination) -> Ticket {
        self.records.push(Record {
            method: shortened(method.as_str(), MAX_METHOD),
            destination: shortened(&destination.to_string(), MAX_DESTINATION),
            operation: None,
            address: None,
            status: None,
            failure: None,
            begin: Instant::now(),
            took: None,
            bytes_received: 0,
        });
        Ticket(self.records.len() - 1)
    }
}

impl Record {
    fn has_lost_its_answer(&self) -> bool {
        self.failure.as_ref().map_or(self.took.is_none(), |failure| !failure.is_of_nobody())
    }

    /// Neither path nor headers nor body, as ever.
    fn tell(&self) {
        tracing::debug!(
            method = self.method,
            destination = self.destination,
            operation = self.operation,
            address = self.address.map(tracing::field::display),
            status = self.status,
            failure = self.failure.as_ref().map(tracing::field::display),
            elapsed_ms = self.took.map(|took| took.as_secs_f64() * 1e3),
            bytes_received = self.bytes_received,
            "the request is over"
        );
    }

    fn traced(&self) -> TracedRequest {
        TracedRequest {
            method: self.method.clone(),
            destination: self.destination.clone(),
            operation: self.operation.clone(),
            address: self.address,
            status: self.status,
            failure: self.failure.clone(),
            elapsed: self.took.unwrap_or_else(|| self.begin.elapsed()),
            bytes_received: self.bytes_received,
        }
    }
}

/// A component may send anywhere, in any way: what is kept of that is bounded.
fn shortened(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
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
