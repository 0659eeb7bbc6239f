//! The errors that AWS has for requests that it refuses.

use std::fmt;

use serde_json::json;

use crate::answer::Answer;
use crate::xml;

/// An error of one of AWS's protocols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    form: Form,
    status: u16,
    code: &'static str,
    message: String,
}

/// How an error is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// AWS's JSON protocol: the code is in the body.
    Json,
    /// AWS's query protocol, of which STS is the one service here.
    Query,
    /// AWS's REST protocol: the code is in a header.
    Rest,
    /// An error of OAuth 2.0, with its name for it, such as `invalid_grant`.
    OAuth(&'static str),
    /// The instance metadata service's: a page for people, and nothing but the status for programs.
    Page,
    /// The container credentials endpoint's: code and message in the body.
    Container,
    /// No answer at all.
    Silence,
}

impl Refusal {
    pub(crate) fn new(form: Form, status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { form, status, code, message: message.into() }
    }

    pub(crate) fn missing_authentication_token() -> Self {
        Self::json(400, "MissingAuthenticationTokenException", "Missing Authentication Token")
    }

    pub(crate) fn incomplete_signature(message: impl Into<String>) -> Self {
        Self::json(400, "IncompleteSignatureException", message)
    }

    /// For keys that AWS does not know, and for a session token that does not go with the keys.
    pub(crate) fn unrecognized_client() -> Self {
        Self::json(400, "UnrecognizedClientException", "The security token included in the request is invalid.")
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
        Self::json(403, "InvalidSignatureException", message)
    }

    pub(crate) fn unknown_operation() -> Self {
        Self::json(400, "UnknownOperationException", "The requested operation is not recognized by the service.")
    }

    /// For a request whose form is not that of AWS's JSON protocol.
    pub(crate) fn serialization(message: impl Into<String>) -> Self {
        Self::json(400, "SerializationException", message)
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::json(400, "InvalidParameterException", message)
    }

    /// The same error, in the words of a service that has others.
    pub(crate) fn reworded(self, form: Form, reword: impl FnOnce(&'static str) -> (u16, &'static str)) -> Self {
        let (status, code) = reword(self.code);
        Self { form, status, code, message: self.message }
    }

    pub(crate) fn answer(&self, request_id: &str) -> Answer {
        let Self { form, status, code, message } = self;
        match form {
            Form::Json => Answer::aws_error(*status, code, message),
            Form::Query => self.raw("text/xml", xml::error(code, message, request_id)),
            Form::Rest => self.raw("application/json", json!({ "message": message }).to_string()),
            Form::OAuth(error) => {
                self.raw("application/json", json!({ "error": error, "error_description": message }).to_string())
            }
            Form::Page => self.raw("text/html", xml::page(*status, code)),
            Form::Container => self.raw("application/json", json!({ "code": code, "message": message }).to_string()),
            Form::Silence => Answer::Silence,
        }
    }

    fn json(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Form::Json, status, code, message)
    }

    fn raw(&self, content_type: &str, body: String) -> Answer {
        let mut headers = vec![("content-type".to_owned(), content_type.to_owned())];
        if matches!(self.form, Form::Rest | Form::OAuth(_)) {
            headers.push(("x-amzn-errortype".to_owned(), self.code.to_owned()));
        }
        Answer::Raw { status: self.status, headers, body: body.into_bytes() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}
