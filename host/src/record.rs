//! What a lookup did, for whoever looks at its trace: its requests, and its steps as the component told them.

use std::net::SocketAddr;
use std::time::Duration;

use crate::error::Error;

/// A request of a lookup. It holds nothing that could be a secret: neither path nor headers nor body.
///
/// It is under way as long as it has neither a failure nor all of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TracedRequest {
    /// The method.
    pub method: String,
    /// Scheme, host and port.
    pub destination: String,
    /// The operation of AWS's that it calls, as in `GetAuthorizationToken`, where the request says it.
    pub operation: Option<String>,
    /// The address that it went to, as far as it is known: the server's, or that of the proxy before it; `None` over a connection that
    /// was open already.
    pub address: Option<SocketAddr>,
    /// The HTTP status of its answer.
    pub status: Option<u16>,
    /// Why it has no answer, or not all of it.
    pub failure: Option<RequestFailure>,
    /// From its begin to the end of its answer, or until it failed; of a request under way, until now.
    pub elapsed: Duration,
    /// Bytes of the answer's body that have come.
    pub bytes_received: u64,
}

/// What became of a request that has not all of an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestFailure {
    /// It was dropped while it was under way: its lookup was over, or the component gave it up.
    #[error("given up before its answer was there")]
    Abandoned,
    /// The server took the connection and did not answer within the time that the component waits.
    #[error("no answer in time")]
    AnswerTimeout,
    /// The connection ended before the answer did.
    #[error("the connection was closed")]
    ConnectionClosed,
    /// Nobody listens at the address.
    #[error("the connection was refused")]
    ConnectionRefused,
    /// No connection was made within the time that the component waits.
    #[error("no connection in time")]
    ConnectionTimeout,
    /// A cause that the host knows and the component does not: a destination that is not allowed, a proxy, a certificate, a limit.
    #[error(transparent)]
    Fault(Error),
    /// No name server answered.
    #[error("no name server answered")]
    NoNameServer,
    /// What came is not HTTP.
    #[error("the answer is not HTTP")]
    NotHttp,
    /// Something else.
    #[error("it failed")]
    Other,
    /// The TLS handshake failed.
    #[error("the TLS handshake failed")]
    Tls,
    /// The answer, or its headers, are larger than they may be.
    #[error("the answer is larger than it may be")]
    TooLarge,
    /// The name of the server does not exist, or has no address.
    #[error("its name could not be resolved")]
    UnknownName,
    /// There is no way to the address.
    #[error("its address cannot be reached")]
    Unreachable,
}

impl RequestFailure {
    /// Whether nobody with an answer is there. After every other failure, whoever was asked may have one, and may give it a moment later:
    /// also where a name has no address, which a name server says too that fails.
    pub(crate) fn is_of_nobody(&self) -> bool {
        match self {
            Self::ConnectionRefused | Self::Unreachable => true,
            Self::Fault(fault) => matches!(fault, Error::Invalid(_) | Error::Refused { .. }),
            _ => false,
        }
    }
}

/// A step of a lookup, as the component told it. Its texts have nothing in them that a terminal would obey, and no secret of the
/// environment, of the request or of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TracedStep {
    /// An endpoint was chosen.
    Endpoint {
        /// The service, by its key in AWS's config file: `ecr`, `ecr_public`, `sso`, `sso_oidc`, `sts`.
        service: String,
        /// Scheme, host and port.
        url: String,
        /// The region that its requests are signed for.
        region: String,
        /// The setting that names the endpoint; `None` for the service's own.
        setting: Option<String>,
    },
    /// A source of AWS credentials was come to.
    Source {
        /// Its name.
        name: String,
        /// What came of it.
        outcome: SourceOutcome,
        /// Which keys were found, or why there are none.
        detail: String,
        /// How long it took.
        elapsed: Duration,
    },
}

/// What came of asking a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceOutcome {
    /// It is configured, and has no credentials to give: the lookup ends here.
    Failed,
    /// It has credentials.
    Found,
    /// It is not configured: the next one is asked.
    NotConfigured,
    /// Nobody is there to be asked: the next one is.
    NotReached,
    /// It was not asked, since the request means another one.
    PassedOver,
}

impl TracedStep {
    /// The step that a line of a component tells, as `wit/world.wit` has it.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let owned = |field: &str| field.to_owned();
        match fields[..] {
            ["endpoint", service, url, region, setting] => Some(Self::Endpoint {
                service: owned(service),
                url: owned(url),
                region: owned(region),
                setting: Some(owned(setting)).filter(|setting| !setting.is_empty()),
            }),
            ["source", name, outcome, detail, milliseconds] => Some(Self::Source {
                name: owned(name),
                outcome: SourceOutcome::parse(outcome)?,
                detail: owned(detail),
                elapsed: Duration::from_millis(milliseconds.parse().ok()?),
            }),
            _ => None,
        }
    }
}

impl SourceOutcome {
    const ALL: [Self; 5] = [Self::Failed, Self::Found, Self::NotConfigured, Self::NotReached, Self::PassedOver];

    /// Its name in the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Found => "found",
            Self::NotConfigured => "not configured",
            Self::NotReached => "not reached",
            Self::PassedOver => "passed over",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_interface_are_steps_and_others_are_not() {
        let endpoint = |setting: Option<&str>| TracedStep::Endpoint {
            service: "ecr".to_owned(),
            url: "https://e".to_owned(),
            region: "r".to_owned(),
            setting: setting.map(str::to_owned),
        };
        assert_eq!(TracedStep::parse("endpoint\tecr\thttps://e\tr\t"), Some(endpoint(None)));
        assert_eq!(TracedStep::parse("endpoint\tecr\thttps://e\tr\tS"), Some(endpoint(Some("S"))));
        assert_eq!(
            TracedStep::parse("source\tprofile\tnot configured\twhy\t12"),
            Some(TracedStep::Source {
                name: "profile".to_owned(),
                outcome: SourceOutcome::NotConfigured,
                detail: "why".to_owned(),
                elapsed: Duration::from_millis(12),
            })
        );
        for line in ["", "panicked", "source\tp\tlost\twhy\t1", "source\tp\tfound\twhy\tsoon", "source\tp\tfound\twhy"]
        {
            assert_eq!(TracedStep::parse(line), None, "{line}");
        }
    }
}
