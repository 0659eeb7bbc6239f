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
    /// The lookup was over before it came to anything.
    NotFinished,
    /// Nobody is there to be asked: the next one is.
    NotReached,
    /// It was not asked, since the request means another one.
    PassedOver,
}

impl TracedStep {
    /// The steps that the lines of a component tell, as `wit/world.wit` has them, of a call that lasted for this long.
    pub(crate) fn all<'a>(lines: impl Iterator<Item = &'a str>, lasted: Duration) -> Vec<Self> {
        let (mut steps, mut asked) = (Vec::new(), None);
        for line in lines {
            match Line::parse(line) {
                Some(Line::Asking { source, since }) => asked = Some((source, since)),
                Some(Line::Step(step)) => {
                    let is_end = |(asked, _): &(String, _)| matches!(&step, Self::Source { name, .. } if name == asked);
                    asked = asked.filter(|asked| !is_end(asked));
                    steps.push(step);
                }
                None => {}
            }
        }
        // One is asked after the other: it is the last one that has taken what was left of the time.
        steps.extend(asked.map(|(name, since)| Self::Source {
            name,
            outcome: SourceOutcome::NotFinished,
            detail: "the lookup ended while it was asked".to_owned(),
            elapsed: lasted.saturating_sub(since),
        }));
        steps
    }

    fn parse(line: &str) -> Option<Self> {
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

/// A line of a component that says what it does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A source is about to be asked.
    Asking {
        source: String,
        /// How long the call has lasted by then.
        since: Duration,
    },
    Step(TracedStep),
}

impl Line {
    /// `None` for anything else.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        if let ["asking", source, milliseconds] = line.split('\t').collect::<Vec<_>>()[..] {
            let since = Duration::from_millis(milliseconds.parse().ok()?);
            return Some(Self::Asking { source: source.to_owned(), since });
        }
        TracedStep::parse(line).map(Self::Step)
    }
}

impl SourceOutcome {
    /// Those that a component tells.
    const TOLD: [Self; 5] = [Self::Failed, Self::Found, Self::NotConfigured, Self::NotReached, Self::PassedOver];

    /// Its name, which is that in the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Found => "found",
            Self::NotConfigured => "not configured",
            Self::NotFinished => "not finished",
            Self::NotReached => "not reached",
            Self::PassedOver => "passed over",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::TOLD.into_iter().find(|outcome| outcome.as_str() == text)
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
        for line in ["asking\tp", "asking\tp\tsoon", "asking\tp\t1\t2"] {
            assert_eq!(Line::parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_source_that_was_being_asked_at_the_end_is_not_finished_and_took_the_rest_of_the_time() {
        let steps = |lines: &[&str]| {
            let steps = TracedStep::all(lines.iter().copied(), Duration::from_millis(500)).into_iter();
            let told = |step| match step {
                TracedStep::Source { name, outcome, elapsed, .. } => (name, outcome.as_str(), elapsed.as_millis()),
                TracedStep::Endpoint { service, .. } => (service, "endpoint", 0),
            };
            steps.map(told).collect::<Vec<_>>()
        };
        let finished = ["asking\tprofile\t1", "source\tprofile\tfailed\twhy\t7"];
        assert_eq!(steps(&finished), [("profile".to_owned(), "failed", 7)]);
        let ended = ["asking\tcontainer\t20", "endpoint\tsts\thttps://e\tr\t", "panicked"];
        assert_eq!(
            steps(&[finished, [ended[0], ended[1]]].concat()),
            [
                ("profile".to_owned(), "failed", 7),
                ("sts".to_owned(), "endpoint", 0),
                ("container".to_owned(), "not finished", 480),
            ]
        );
        // Whatever a component says of the time.
        assert_eq!(steps(&["asking\ta\t900"]), [("a".to_owned(), "not finished", 0)]);
    }
}
