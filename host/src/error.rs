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
    #[error("the sandbox failed: {0}")]
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
        /// What it was waiting for when the deadline passed; `None` where it was computing.
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
    /// Whether the answer's headers had come and its body had not.
    pub answer_begun: bool,
    /// How long it had been waiting since the request began.
    pub elapsed: Duration,
}

fn while_waiting(waiting: Option<&Waiting>) -> String {
    let Some(Waiting { destination, answer_begun, elapsed }) = waiting else { return String::new() };
    let awaited = if *answer_begun { "for the rest of the answer of" } else { "for" };
    format!(", while it waited {awaited} {destination} for {:.1} s", elapsed.as_secs_f64())
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
