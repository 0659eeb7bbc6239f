//! What a meter is told of a request: which operation it calls, and when it is over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::capability::meter::{Meter, Ticket};
use crate::record::RequestFailure;

/// How long the name of an operation may be.
const MAX_OPERATION: usize = 64;

/// Dropped, it ends its request, however that came out.
pub(crate) struct EndOfRequest {
    pub(crate) meter: Arc<Meter>,
    pub(crate) ticket: Ticket,
}

impl EndOfRequest {
    pub(crate) fn new(meter: &Arc<Meter>, ticket: Ticket) -> Self {
        Self { meter: meter.clone(), ticket }
    }
}

impl Drop for EndOfRequest {
    fn drop(&mut self) {
        self.meter.end(self.ticket);
    }
}

/// A body that lives as long as its request is under way.
pub(crate) struct WithEnd<B: Body> {
    body: B,
    is_whole: bool,
    over: EndOfRequest,
}

impl<B: Body> WithEnd<B> {
    pub(crate) fn new(body: B, over: EndOfRequest) -> Self {
        Self { body, is_whole: false, over }
    }
}

impl<B: Body> Drop for WithEnd<B> {
    fn drop(&mut self) {
        if !self.is_whole && !self.body.is_end_stream() {
            self.over.meter.failed(self.over.ticket, RequestFailure::Abandoned);
        }
    }
}

impl<B: Body + Unpin> Body for WithEnd<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.is_whole |= matches!(frame, Poll::Ready(None));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The operation of AWS's that a request calls: some protocols have it in a header, others in the first field of a form. Nothing else of
/// a request is looked at, and nothing that is no name.
pub(crate) fn operation(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let target = target.map(|target| target.rsplit('.').next().unwrap_or(target));
    let action = || std::str::from_utf8(body.strip_prefix(b"Action=")?.split(|byte| *byte == b'&').next()?).ok();
    let is_name =
        |name: &&str| (1..=MAX_OPERATION).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
    target.or_else(action).filter(is_name).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn an_operation_is_a_name_in_its_header_or_in_front_of_a_form_and_nothing_else() {
        let of = |target: Option<&'static str>, body: &str| {
            let headers = target.map(|target| ("x-amz-target".parse().unwrap(), HeaderValue::from_static(target)));
            operation(&headers.into_iter().collect(), body.as_bytes())
        };
        assert_eq!(of(Some("Service_V1.GetToken"), "{}").as_deref(), Some("GetToken"));
        assert_eq!(of(None, "Action=AssumeRole&RoleArn=arn").as_deref(), Some("AssumeRole"));
        for body in ["", "{}", "Action=", "Action=a%20b", "Token=hunter2&Action=AssumeRole"] {
            assert_eq!(of(None, body), None, "{body}");
        }
        assert_eq!(of(None, &format!("Action={}", "a".repeat(MAX_OPERATION + 1))), None);
    }
}
