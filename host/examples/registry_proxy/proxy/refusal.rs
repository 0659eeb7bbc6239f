//! What a client is told where it gets no answer of the upstream's, in the form of the distribution API.

use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::{Either, Full};
use keyward::Outcome;
use serde_json::json;

use super::Body;

/// When to come again, in seconds: lookups that have failed so are not remembered, so soon.
const LATER: HeaderValue = HeaderValue::from_static("2");

/// Why there is no answer. The texts go to clients, which are not told how the proxy logs in: its log says that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// More requests to this upstream than may be.
    #[error("too many requests to {0} are under way: try again later")]
    Busy(String),
    #[error("a pull has no body")]
    HasBody,
    #[error("this registry is for pulls: only GET and HEAD are served")]
    Method,
    /// The lookup has found no credential, which is another thing than that there are none.
    #[error("the proxy cannot log in to {host} ({outcome}): {}", if is_temporary(*outcome) {
        "try again later"
    } else {
        "ask who runs it; its log has the reason"
    })]
    NoCredential { host: String, outcome: Outcome },
    #[error(
        "nothing is served at this path: images are named HOST/NAME, with the host of their registry before their name"
    )]
    Path,
    #[error("'{0}' is no upstream of this registry: who runs it has to name it with --upstream")]
    Unknown(String),
    #[error("{0} cannot be reached: try again later")]
    Unreachable(String),
    /// The upstream takes too long.
    #[error("{host} has not answered within {limit:?}: try again later")]
    UpstreamTimeout { host: String, limit: Duration },
    /// An answer that cannot be handed on.
    #[error("{0} redirects to where the proxy does not go")]
    WrongRedirect(String),
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::HasBody => StatusCode::BAD_REQUEST,
            Self::Path | Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unreachable(_) | Self::WrongRedirect(_) => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::NoCredential { outcome, .. } => match outcome {
                Outcome::Timeout => StatusCode::GATEWAY_TIMEOUT,
                // Not 429: it is not this client that asks too much.
                outcome if is_temporary(*outcome) => StatusCode::SERVICE_UNAVAILABLE,
                // It is not the client that AWS has refused, so it hears no 403.
                Outcome::Denied => StatusCode::BAD_GATEWAY,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    /// The code of the distribution API's.
    fn code(&self) -> &'static str {
        match self {
            Self::HasBody | Self::Method | Self::Path => "UNSUPPORTED",
            Self::Unknown(_) => "NAME_UNKNOWN",
            Self::NoCredential { outcome: Outcome::Denied, .. } => "DENIED",
            Self::NoCredential { outcome, .. } if !is_temporary(*outcome) => "UNKNOWN",
            Self::WrongRedirect(_) => "UNKNOWN",
            Self::Busy(_) | Self::NoCredential { .. } | Self::Unreachable(_) | Self::UpstreamTimeout { .. } => {
                "UNAVAILABLE"
            }
        }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let errors = json!({"errors": [{"code": self.code(), "message": self.to_string()}]});
        let mut response = Response::new(Either::Left(Full::from(errors.to_string())));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.code() == "UNAVAILABLE" {
            headers.insert(RETRY_AFTER, LATER);
        }
        if self == Self::Method {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }
}

/// Whether the next lookup may find what this one has not.
fn is_temporary(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Cancelled | Outcome::Overloaded | Outcome::Throttled | Outcome::Timeout | Outcome::Unavailable
    )
}
