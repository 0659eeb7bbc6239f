//! The errors that AWS has for requests that it refuses.

use std::fmt;

use crate::answer::Answer;

/// An error of AWS's JSON protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(crate) fn missing_authentication_token() -> Self {
        Self::new(400, "MissingAuthenticationTokenException", "Missing Authentication Token")
    }

    pub(crate) fn incomplete_signature(message: impl Into<String>) -> Self {
        Self::new(400, "IncompleteSignatureException", message)
    }

    /// For keys that AWS does not know, and for a session token that does not go with the keys.
    pub(crate) fn unrecognized_client() -> Self {
        Self::new(400, "UnrecognizedClientException", "The security token included in the request is invalid.")
    }

    pub(crate) fn signature_does_not_match() -> Self {
        Self::invalid_signature(
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method. \
             Consult the service documentation for details.",
        )
    }

    /// ECR answers 400 here. The fake answers 403, which other services of AWS use, as the harder
    /// case: a client has to go by the code, and not by the status.
    pub(crate) fn invalid_signature(message: impl Into<String>) -> Self {
        Self::new(403, "InvalidSignatureException", message)
    }

    pub(crate) fn unknown_operation() -> Self {
        Self::new(400, "UnknownOperationException", "The requested operation is not recognized by the service.")
    }

    /// For a request whose form is not that of AWS's JSON protocol.
    pub(crate) fn serialization(message: impl Into<String>) -> Self {
        Self::new(400, "SerializationException", message)
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameterException", message)
    }

    pub(crate) fn answer(&self, _request_id: &str) -> Answer {
        Answer::aws_error(self.status, self.code, &self.message)
    }

    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}
