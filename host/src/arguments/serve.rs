//! The command line of the daemon.

use std::time::Duration;

use clap::Args;

use super::{DAEMON, Options};
use crate::settings::{count, seconds};

#[derive(Args, Debug)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) daemon: DaemonOptions,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What the daemon alone takes. Each is a setting, as those of lookups are.
#[derive(Args, Debug, Default)]
pub(crate) struct DaemonOptions {
    /// How many clients may be connected at once [KEYWARD_MAX_CLIENTS; 64]
    #[arg(long, value_name = "NUMBER", value_parser = count::<u32>, help_heading = DAEMON)]
    pub(crate) max_clients: Option<u32>,
    /// How long a client may take for its next request, or for reading an answer, in seconds [KEYWARD_CLIENT_TIMEOUT; 30]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = DAEMON)]
    pub(crate) client_timeout: Option<Duration>,
    /// End when nobody was connected for so many seconds [KEYWARD_IDLE_EXIT; never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = DAEMON)]
    pub(crate) idle_exit: Option<Duration>,
}
