//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use tracing::level_filters::LevelFilter;

use super::proxy::Upstream;

/// Pulls from container registries for clients that have no credential, with those that Keyward finds.
#[derive(Debug, Parser)]
#[command(name = "registry_proxy")]
pub(crate) struct Arguments {
    /// Where to listen. Whoever reaches it pulls with the credentials of this process.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5000")]
    pub(crate) listen: SocketAddr,

    /// A registry that is served, by its host; and where it is reached, unless at https://HOST. Several times for several.
    #[arg(long = "upstream", value_name = "HOST[=URL]", required = true)]
    pub(crate) upstreams: Vec<Upstream>,

    /// How many seconds a lookup of a credential may take.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) deadline: Duration,

    /// How many clients may be connected at once. Each takes two or three descriptors (ulimit -n).
    #[arg(long, value_name = "NUMBER", default_value = "300")]
    pub(crate) max_connections: usize,

    /// How many requests to one upstream may be under way at once. One more is told to come again later.
    #[arg(long, value_name = "NUMBER", default_value = "200")]
    pub(crate) max_requests_of_one_upstream: usize,

    /// How much is written to the standard error stream: off, error, warn, info (each lookup), debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    pub(crate) log_level: LevelFilter,
}

impl Arguments {
    /// Reads the command line of this process, or ends it with what is wrong.
    pub(crate) fn read() -> Self {
        let arguments = Self::parse();
        if arguments.max_requests_of_one_upstream >= arguments.max_connections {
            let problem = "one upstream that is stuck would have all connections: \
                           --max-requests-of-one-upstream has to be less than --max-connections";
            Self::command().error(ErrorKind::ValueValidation, problem).exit();
        }
        arguments
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
