//! Servers that misbehave, each in exactly one way.

mod answer;
mod connection;
mod server;
mod state;

use std::fmt;
use std::str::FromStr;

pub use server::FaultServer;

/// The one way in which a [`FaultServer`] misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing is accepted, and the queue of connections to accept is full: connecting goes on until
    /// the client's system gives up, which on Linux takes two minutes.
    FullBacklog,
    /// The connection is accepted and read from, and nothing is ever written. As a proxy, the same
    /// server is one that never answers.
    TlsSilence,
    /// What the client says first is answered with bytes that are not TLS.
    TlsGarbage,
    /// The connection is closed as soon as it is accepted. A client that has sent something already
    /// may see it reset.
    CloseAtOnce,
    /// The certificate is for another name.
    WrongCertificate,
    /// The certificate is of the right authority and for the right name, and no longer valid.
    ExpiredCertificate,
    /// The certificate is of an authority that nobody trusts.
    UntrustedCertificate,
    /// The request is never answered.
    Silence,
    /// The head of the answer comes and promises a body, of which no byte ever comes.
    HeadersThenSilence,
    /// The head of the answer comes one byte at a time, and has no end.
    HeaderDrip,
    /// The body of the answer comes one byte at a time, and has no end.
    BodyDrip,
    /// The connection is reset where the answer would begin.
    Reset,
    /// The connection is closed, as TLS has it, where the answer would begin.
    Close,
    /// The body of the answer has no end. It comes as fast as the client reads.
    EndlessBody,
    /// The head of the answer has no end. It comes as fast as the client reads.
    EndlessHeaders,
    /// The body is shorter than the answer's `content-length`, and the connection closed after it.
    TooShortBody,
    /// The body is longer than the answer's `content-length`.
    TooLongBody,
    /// The answer redirects to the server itself.
    RedirectLoop,
    /// Interim answers, `100 Continue`, without an end. They come as fast as the client reads.
    InterimFlood,
    /// The answer is not HTTP. The connection stays open.
    Garbage,
    /// The answer is an error of the server, 503, and otherwise as it should be.
    ServerError,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 21] = [
        Self::FullBacklog,
        Self::TlsSilence,
        Self::TlsGarbage,
        Self::CloseAtOnce,
        Self::WrongCertificate,
        Self::ExpiredCertificate,
        Self::UntrustedCertificate,
        Self::Silence,
        Self::HeadersThenSilence,
        Self::HeaderDrip,
        Self::BodyDrip,
        Self::Reset,
        Self::Close,
        Self::EndlessBody,
        Self::EndlessHeaders,
        Self::TooShortBody,
        Self::TooLongBody,
        Self::RedirectLoop,
        Self::InterimFlood,
        Self::Garbage,
        Self::ServerError,
    ];

    /// The name, as it is given on a command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FullBacklog => "full-backlog",
            Self::TlsSilence => "tls-silence",
            Self::TlsGarbage => "tls-garbage",
            Self::CloseAtOnce => "close-at-once",
            Self::WrongCertificate => "wrong-certificate",
            Self::ExpiredCertificate => "expired-certificate",
            Self::UntrustedCertificate => "untrusted-certificate",
            Self::Silence => "silence",
            Self::HeadersThenSilence => "headers-then-silence",
            Self::HeaderDrip => "header-drip",
            Self::BodyDrip => "body-drip",
            Self::Reset => "reset",
            Self::Close => "close",
            Self::EndlessBody => "endless-body",
            Self::EndlessHeaders => "endless-headers",
            Self::TooShortBody => "too-short-body",
            Self::TooLongBody => "too-long-body",
            Self::RedirectLoop => "redirect-loop",
            Self::InterimFlood => "interim-flood",
            Self::Garbage => "garbage",
            Self::ServerError => "server-error",
        }
    }

    /// Whether a client that has no deadline would wait for ever, or as long as makes no difference.
    ///
    /// Answers without an end that come fast are not among them, since a client limits how long an
    /// answer may be. Interim answers are: clients read over them.
    #[must_use]
    pub const fn hangs(self) -> bool {
        match self {
            Self::FullBacklog
            | Self::TlsSilence
            | Self::Silence
            | Self::HeadersThenSilence
            | Self::HeaderDrip
            | Self::BodyDrip
            | Self::InterimFlood => true,
            Self::TlsGarbage
            | Self::CloseAtOnce
            | Self::WrongCertificate
            | Self::ExpiredCertificate
            | Self::UntrustedCertificate
            | Self::Reset
            | Self::Close
            | Self::EndlessBody
            | Self::EndlessHeaders
            | Self::TooShortBody
            | Self::TooLongBody
            | Self::RedirectLoop
            | Self::Garbage
            | Self::ServerError => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Fault {
    type Err = String;

    /// Reads what [`Fault::as_str`] writes. The error is a message that names every fault.
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|fault| fault.as_str() == name).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            format!("no fault is called {name:?}; there are {}", known.join(", "))
        })
    }
}
