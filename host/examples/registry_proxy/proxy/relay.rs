//! The body of an answer, from the upstream to the client, piece by piece.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

use super::metrics::SentBytes;

/// What an upstream sends. Nothing is read ahead of the client, so that a slow one takes no memory.
pub(crate) struct Relay {
    body: Incoming,
    counted: SentBytes,
    /// The request counts as under way until its client has all of the answer.
    _place: OwnedSemaphorePermit,
    limit: Duration,
    /// How long the upstream may still send nothing.
    stall: Pin<Box<Sleep>>,
}

/// Why a body ends before its end. The client sees its connection closed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RelayError {
    #[error("the upstream has sent nothing for {0:?}")]
    Stalled(Duration),
    #[error("the upstream's answer has ended early: {0}")]
    Upstream(#[from] hyper::Error),
}

impl Relay {
    pub(super) fn new(body: Incoming, counted: SentBytes, place: OwnedSemaphorePermit, limit: Duration) -> Self {
        Self { body, counted, _place: place, limit, stall: Box::pin(tokio::time::sleep(limit)) }
    }
}

impl Body for Relay {
    type Data = Bytes;
    type Error = RelayError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RelayError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            // The time that the client takes for this piece is not the upstream's.
            let next = Instant::now() + self.limit;
            self.stall.as_mut().reset(next);
            if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
                self.counted.add(data.len());
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(RelayError::from)));
        }
        ready!(self.stall.as_mut().poll(context));
        Poll::Ready(Some(Err(RelayError::Stalled(self.limit))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
