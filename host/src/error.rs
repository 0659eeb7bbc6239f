//! Why there is no credential.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
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
    /// The component wanted more of something than it may have in one lookup.
    #[error("the lookup wanted more than {limit} {what}: {}", .what.advice())]
    OverLimit {
        /// Of what.
        what: Limit,
        /// How many it may have.
        limit: u64,
    },
    /// Too many lookups are under way: this one was not begun, and did not wait for another one to end. Retry later.
    #[error(
        "{live} lookups {} are under way already: try again later, or raise the limit of live lookups",
        if *of_this_registry { "for this registry" } else { "in this process" }
    )]
    Overloaded {
        /// How many are under way, which is how many may be.
        live: usize,
        /// Whether the limit is that of one registry, and not that of the whole resolver.
        of_this_registry: bool,
    },
    /// The component wanted to reach a destination that it was not granted.
    #[error(
        "the sandbox does not let the lookup reach {destination}{}: if it should, name it in {setting}",
        address_of(.address.as_ref())
    )]
    Refused {
        /// Scheme, host and port.
        destination: String,
        /// The address that the name leads to, where it is the address that is refused, and not the name.
        address: Option<IpAddr>,
        /// The setting that would allow it.
        setting: &'static str,
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
    #[error("the component crashed ({reason}{}): this is a bug of the component, please report it", quoted(.said))]
    Trap {
        /// What the engine says.
        reason: String,
        /// The beginning of what the component wrote to its standard error stream, without the values of any settings.
        said: String,
    },
    /// The service could not be reached or failed. Retry later.
    #[error("{0}")]
    Unavailable(String),
}

/// Something that a component may have so much of in one lookup, and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Things of the host that it holds at once: requests, streams, files.
    Handles,
    /// Bytes of the headers of one request or answer.
    HeaderBytes,
    /// Bytes of the body of one request.
    RequestBytes,
    /// Requests.
    Requests,
}

impl Limit {
    fn advice(self) -> &'static str {
        match self {
            Self::Handles | Self::HeaderBytes => "this is a bug of the component, please report it",
            Self::RequestBytes => "raise the budget's request bytes if the component is right to need more",
            Self::Requests => "raise the budget's requests if the component is right to need more",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Handles => "handles",
            Self::HeaderBytes => "bytes of headers",
            Self::RequestBytes => "bytes in one request",
            Self::Requests => "requests",
        })
    }
}

/// What a lookup was waiting for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// Scheme, host and port of the request under way; or the file that is read; or the setting that names the program.
    pub destination: String,
    /// The address that the request goes to, as far as it is known: the server's, or that of the proxy before it.
    pub address: Option<SocketAddr>,
    /// How far the request had come.
    pub step: Step,
    /// How long this step had taken.
    pub elapsed: Duration,
}

/// How far a request has come, in the order in which they come but for the alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The request is sent; nothing of the answer has come.
    Answer,
    /// The answer's headers have come; its body has not, or not all of it.
    Body,
    /// The server has not taken the connection.
    Connection,
    /// A file is being read: a shared configuration file, one with a token, or one of trusted certificates; or a token is being
    /// written back.
    File,
    /// The server has taken the connection; the TLS handshake is not over.
    Handshake,
    /// The program of `credential_process` has not ended.
    Process,
    /// The proxy was asked for a tunnel to the server, and has not answered.
    Proxy,
    /// The component has begun a request and not ended it.
    Request,
    /// The name is being resolved.
    Resolution,
}

/// What is waited for, as in `the answer of https://… at …`.
impl fmt::Display for Waiting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { destination, address, step, elapsed: _ } = self;
        write!(formatter, "{step} {destination}")?;
        // Who names an address need not be told it again.
        match address.filter(|address| !destination.contains(&address.ip().to_string())) {
            Some(address) => write!(formatter, " at {address}"),
            None => Ok(()),
        }
    }
}

/// What is waited for in this step, before the name of whom.
impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Answer => "the answer of",
            Self::Body => "the rest of the answer of",
            Self::Connection => "a connection to",
            Self::File => "the file",
            Self::Handshake => "the TLS handshake with",
            Self::Process => "the program of",
            Self::Proxy => "the proxy's tunnel to",
            Self::Request => "the component's request to",
            Self::Resolution => "the name server's answer about",
        })
    }
}

fn while_waiting(waiting: Option<&Waiting>) -> String {
    waiting.map_or_else(String::new, |waiting| {
        format!(", while it waited for {waiting} for {:.1} s", waiting.elapsed.as_secs_f64())
    })
}

fn address_of(address: Option<&IpAddr>) -> String {
    address.map_or_else(String::new, |address| format!(", whose name leads to {address}"))
}

fn quoted(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("; it said: {text}") }
}

/// The resolver could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// What was to be allowed is no destination.
    #[error(
        "'{destination}' is not a destination that can be allowed: give scheme, host and port, as in https://ecr.example:8443"
    )]
    Allowed {
        /// What was given, without what may be a secret in it.
        destination: String,
    },
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
