//! Why there is no credential.

use std::time::Duration;

/// The outcome of a lookup without a credential, named by what the caller does next.
///
/// The texts begin in lower case and end without a period. They say what happened, to what, and what to do next; none
/// holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller cancelled the lookup, with a [`CancelToken`](crate::CancelToken).
    #[error("the lookup was cancelled{}", while_waiting(.waiting_for.as_ref()))]
    Cancelled {
        /// What it was waiting for at that moment.
        waiting_for: Option<Waiting>,
    },
    /// The service refused. Do not retry: change the permissions or the keys.
    #[error("{0}")]
    Denied(String),
    /// The sandbox itself failed, through no fault of the component.
    #[error("the sandbox failed: {0}; check the limits of this process, and report it if they are not the cause")]
    Internal(String),
    /// A setting, a file or an answer makes no sense. Do not retry: correct it.
    #[error("{0}")]
    Invalid(String),
    /// No source of credentials is configured. The text lists each source and what was missing.
    #[error("{0}")]
    NoCredentials(String),
    /// The address belongs to somebody else: ask another provider, or go on without credentials.
    #[error("the address is not a registry that this component knows: ask another provider for it")]
    NotOurRegistry,
    /// The component reported something that is none of the other cases.
    #[error("{0}")]
    Other(String),
    /// The component did more work than its budget allows.
    #[error(
        "the lookup used up its {limit} units of fuel: raise the budget's fuel if the component is right to need more"
    )]
    OutOfFuel {
        /// The budget.
        limit: u64,
    },
    /// The component wanted more memory than its budget allows.
    #[error(
        "the lookup wanted {wanted} bytes of memory and may have {limit}: raise the budget's memory if the component is \
         right to need more"
    )]
    OutOfMemory {
        /// The budget, in bytes.
        limit: u64,
        /// What it would have had in all, in bytes.
        wanted: u64,
    },
    /// The component wanted to reach a destination that it was not granted.
    #[error(
        "the sandbox does not let the lookup reach {destination}: if it should, name it in AWS_ENDPOINT_URL or in the \
         AWS_ENDPOINT_URL variable of its service"
    )]
    Refused {
        /// Scheme, host and port.
        destination: String,
    },
    /// The service asks for fewer calls. Retry later.
    #[error("{0}")]
    Throttled(String),
    /// The deadline passed.
    #[error(
        "no credential within {deadline:?}{}: try again, or set a longer deadline",
        while_waiting(.waiting_for.as_ref())
    )]
    Timeout {
        /// How long the lookup was allowed to take.
        deadline: Duration,
        /// What it was waiting for when the deadline passed; `None` where it was computing, or reading a file.
        waiting_for: Option<Waiting>,
    },
    /// The component crashed.
    #[error("the component crashed ({0}): this is a bug of the component, please report it")]
    Trap(String),
    /// The service could not be reached or failed. Retry later.
    #[error("{0}")]
    Unavailable(String),
}

/// What a lookup was waiting for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// Scheme, host and port of the request under way.
    pub destination: String,
    /// How far the request had come.
    pub step: Step,
    /// How long the request had been under way.
    pub elapsed: Duration,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The request is sent; nothing of the answer has come.
    Answer,
    /// The answer's headers have come; its body has not, or not all of it.
    Body,
    /// The name is being resolved, or the server has not taken the connection.
    Connection,
    /// The server has taken the connection; the TLS handshake is not over.
    Handshake,
}

fn while_waiting(waiting: Option<&Waiting>) -> String {
    let Some(Waiting { destination, step, elapsed }) = waiting else { return String::new() };
    let awaited = match step {
        Step::Answer => "the answer of",
        Step::Body => "the rest of the answer of",
        Step::Connection => "a connection to",
        Step::Handshake => "the TLS handshake with",
    };
    format!(", while it waited for {awaited} {destination} for {:.1} s", elapsed.as_secs_f64())
}

/// The resolver could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The component cannot be used.
    #[error("the component {component} cannot be used ({reason}): rebuild it for this version of Keyward")]
    Component {
        /// Which component.
        component: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The WebAssembly engine does not work on this machine.
    #[error("the WebAssembly engine does not work here: {0}")]
    Engine(String),
}
