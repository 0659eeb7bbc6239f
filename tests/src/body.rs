//! The bodies of responses: whole ones, and those that break a client's expectations.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// One piece of an endless or a long body.
static PIECE: [u8; 4096] = [b' '; 4096];

/// The body of a response.
pub(crate) enum AnswerBody {
    /// A body of known length.
    Whole(Option<Bytes>),
    /// A body whose length hyper is not told, since a header that the test chose claims one.
    LengthClaimed(Option<Bytes>),
    /// A body of which nothing ever comes.
    Never,
    /// A body without an end.
    Endless,
    /// A body of which so many bytes are still to come, and whose length hyper is not told.
    Long(u64),
}

impl AnswerBody {
    pub(crate) fn whole(body: impl Into<Bytes>) -> Self {
        Self::Whole(Some(body.into()))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(bytes) | Self::LengthClaimed(bytes) => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            // Nothing has to wake the task: hyper watches the connection for its end by itself.
            Self::Never => Poll::Pending,
            Self::Endless => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE))))),
            Self::Long(0) => Poll::Ready(None),
            Self::Long(left) => {
                let piece = &PIECE[..usize::try_from(*left).map_or(PIECE.len(), |left| left.min(PIECE.len()))];
                *left -= piece.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None) | Self::LengthClaimed(None) | Self::Long(0))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::LengthClaimed(_) | Self::Never | Self::Endless | Self::Long(_) => SizeHint::default(),
        }
    }
}
