//! What a lookup may use, and what it used.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The limits of one lookup. All of them hold at once.
///
/// ```
/// use std::time::Duration;
/// let budget = keyward::Budget::default().with_deadline(Duration::from_secs(2));
/// assert_eq!(budget.deadline, Duration::from_secs(2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// How long the lookup may take by the clock, from its begin to its credential. 5 seconds unless set.
    pub deadline: Duration,
    /// How much the component may compute, in wasmtime's units of fuel, about one per WebAssembly instruction. 200
    /// million unless set; a lookup takes less than one million.
    pub fuel: u64,
    /// How much memory the component may have, in bytes. 16 MiB unless set; a lookup takes less than 2.
    pub memory: u64,
    /// How many requests the component may make. 64 unless set; a lookup makes less than 10, and some more where it
    /// retries.
    pub requests: u32,
    /// How many bytes the body of one request may have. 64 KiB unless set; the largest, of a token for STS, has some
    /// thousand.
    pub request_bytes: u64,
    /// How many bytes one answer may have, without its headers. 64 KiB unless set.
    pub response_bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            fuel: 200_000_000,
            memory: 16 * 1024 * 1024,
            requests: 64,
            request_bytes: 64 * 1024,
            response_bytes: 64 * 1024,
        }
    }
}

impl Budget {
    /// The same budget with another deadline.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// The same budget with other fuel, in wasmtime's units.
    #[must_use]
    pub fn with_fuel(self, fuel: u64) -> Self {
        Self { fuel, ..self }
    }

    /// The same budget with other memory, in bytes.
    #[must_use]
    pub fn with_memory(self, memory: u64) -> Self {
        Self { memory, ..self }
    }

    /// The same budget with another number of requests.
    #[must_use]
    pub fn with_requests(self, requests: u32) -> Self {
        Self { requests, ..self }
    }

    /// The same budget with another limit for the body of one request, in bytes.
    #[must_use]
    pub fn with_request_bytes(self, request_bytes: u64) -> Self {
        Self { request_bytes, ..self }
    }

    /// The same budget with another limit for one answer, in bytes.
    #[must_use]
    pub fn with_response_bytes(self, response_bytes: u64) -> Self {
        Self { response_bytes, ..self }
    }

    /// Whether all limits but the deadline are the same.
    pub(crate) fn has_limits_of(&self, other: &Self) -> bool {
        self.clone().with_deadline(other.deadline) == *other
    }
}

/// What a lookup used, also of one that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Time by the clock.
    pub wall: Duration,
    /// Units of fuel. Of a lookup that was ended while its component computed, those up to the component's last call of the host:
    /// the engine counts in between where nobody else can look.
    pub fuel: u64,
    /// The most memory that the component had, in bytes.
    pub peak_memory: u64,
    /// Requests that the component made, also those that found no server.
    pub requests: u32,
    /// Bytes of answers that were received, without their headers.
    pub bytes_received: u64,
}

impl Usage {
    /// What two lookups have used, one after the other.
    pub(crate) fn and(self, next: Self) -> Self {
        Self {
            wall: self.wall + next.wall,
            fuel: self.fuel + next.fuel,
            peak_memory: self.peak_memory.max(next.peak_memory),
            requests: self.requests + next.requests,
            bytes_received: self.bytes_received + next.bytes_received,
        }
    }
}

/// What lookups have of the pool of memories and stacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pool {
    /// Instances of the component.
    pub instances: u64,
    /// Memories.
    pub memories: usize,
    /// Stacks.
    pub stacks: usize,
    /// Tables.
    pub tables: usize,
}

/// Cancels lookups, from any thread. Clones cancel the same lookups.
///
/// ```
/// # tokio_test(async {
/// let resolver = keyward::Config::new().build()?;
/// let cancel = keyward::CancelToken::new();
/// std::thread::spawn({
///     let cancel = cancel.clone();
///     move || cancel.cancel()
/// });
/// # cancel.cancel();
/// let lookup = resolver.look_up("public.ecr.aws", resolver.budget(), &cancel).await;
/// assert!(matches!(lookup.result, Err(keyward::Error::Cancelled { .. })));
/// # Ok(())
/// # });
/// # fn tokio_test(test: impl Future<Output = Result<(), keyward::SetupError>>) {
/// #     tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test).unwrap();
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancelToken(CancellationToken);

impl CancelToken {
    /// A token that cancels nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every lookup that was given this token or a clone of it, and every later one.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    pub(crate) async fn cancelled(&self) {
        self.0.cancelled().await;
    }
}

/// The moment at which a lookup has to be over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    begin: Instant,
    /// `None` where the moment lies beyond what the clock can count.
    end: Option<Instant>,
}

impl Deadline {
    pub(crate) fn after(duration: Duration) -> Self {
        let begin = Instant::now();
        Self { begin, end: begin.checked_add(duration) }
    }

    pub(crate) fn has_passed(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }

    pub(crate) async fn passed(&self) {
        match self.end {
            Some(end) => tokio::time::sleep_until(end).await,
            None => std::future::pending().await,
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }
}
