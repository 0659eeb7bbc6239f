//! What the server's thread and the test's threads share: of constant size, whatever is thrown at it.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::connections::Connections;
use crate::fault::Fault;
use crate::fault::answer::Answer;

/// The pause before a byte of what drips, until a test says otherwise.
const DRIP_INTERVAL: Duration = Duration::from_secs(1);

/// What the server's thread and the test's threads share.
pub(super) struct State {
    pub(super) fault: Fault,
    pub(super) answer: Answer,
    pub(super) acceptor: TlsAcceptor,
    pub(super) connections: Arc<Connections>,
    requests: AtomicUsize,
    bytes_sent: AtomicU64,
    drip_interval: Mutex<Duration>,
}

impl State {
    pub(super) fn new(fault: Fault, answer: Answer, acceptor: TlsAcceptor) -> Self {
        Self {
            fault,
            answer,
            acceptor,
            connections: Arc::default(),
            requests: AtomicUsize::new(0),
            bytes_sent: AtomicU64::new(0),
            drip_interval: Mutex::new(DRIP_INTERVAL),
        }
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub(super) fn record_request(&self) {
        self.requests.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn bytes_sent(&self) -> u64 {
        self.bytes_sent.load(Ordering::SeqCst)
    }

    /// Sends bytes and counts them once the system has taken all of them.
    pub(super) async fn send(&self, stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await?;
        // Or they might stay with TLS, which has a buffer of its own.
        stream.flush().await?;
        self.bytes_sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        Ok(())
    }

    pub(super) fn drip_interval(&self) -> Duration {
        *self.drip_interval.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_drip_interval(&self, interval: Duration) {
        *self.drip_interval.lock().unwrap_or_else(PoisonError::into_inner) = interval;
    }
}
