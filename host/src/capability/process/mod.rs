//! `credential_process`: the program that a profile names, which prints credentials. Nothing in a sandbox can start one: it runs here,
//! before its lookup's component does, where the operator allows it.
//!
//! What it has started is gone when it ends, and when its lookup does. It has a process group of its own, and the whole group is
//! killed. A thread waits for the end of the program, so that no zombie is left: as long as it has not taken note of the end, the
//! number of the group is nobody else's, and whoever kills the group kills no stranger.

#[cfg(unix)]
mod unix;

#[cfg(unix)]
use unix as system;

use keyward_ecr::chain::{self, Program};
use keyward_ecr::context::Context;
use keyward_ecr::endpoint::Endpoint;
use keyward_ecr::registry::Registry;
use keyward_ecr::secret::Secret;
use keyward_ecr::settings::{Settings, SharedFiles};
use keyward_ecr::world::Local;

use crate::capability::blocking::Blocking;
use crate::capability::meter::Meter;
use crate::capability::profiles::{Preread, Profiles};
use crate::config::Config;
use crate::error::Error;
use crate::request::Request;

/// The most bytes that are taken of what a program prints. Credentials have some thousand.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// The programs that lookups may run.
pub(crate) struct Programs {
    /// What the programs have in their environment besides that of this process.
    environment: Vec<(String, Secret)>,
    finding: Blocking<Option<Program>>,
    profiles: Profiles,
}

/// Why there are no credentials of a program. Nothing of its command line and of what it printed is repeated.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(not(unix), expect(dead_code, reason = "no program is started"))]
enum Failure {
    #[error("could not be awaited ({0})")]
    Awaited(std::io::Error),
    #[error("printed nothing")]
    Nothing,
    #[error("printed something that is not UTF-8")]
    NotUtf8,
    #[error("was ended by signal {0}")]
    Signal(i32),
    #[error("could not be started ({0})")]
    Started(std::io::Error),
    #[error("ended with exit status {0}")]
    Status(i32),
    #[error("wanted the terminal")]
    Terminal,
    #[error("printed more than {MAX_OUTPUT_BYTES} bytes")]
    TooMuch,
    #[cfg(not(unix))]
    #[error("cannot be run on this system")]
    Unsupported,
}

impl Programs {
    /// `None` where the operator does not allow them.
    pub(crate) fn new(config: &Config, profiles: &Profiles) -> Option<Self> {
        config.credential_process.then(|| Self {
            environment: config.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            finding: Blocking::default(),
            profiles: profiles.clone(),
        })
    }

    /// What the program printed that this lookup would come to; `None` where it would come to none. The program is gone when this
    /// is over, or dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the program failed; [`Error::Internal`] where nobody could look for it.
    pub(crate) async fn printed(&self, request: &Request, meter: &Meter) -> Result<Option<Secret>, Error> {
        let Some(Program { profile, command }) = self.find(request, meter).await? else { return Ok(None) };
        let name = format!("credential_process of profile {profile}");
        tracing::debug!(profile, "credential_process");
        let _waiting = meter.program(&name);
        match system::output(&command, &self.environment).await {
            Ok(printed) => Ok(Some(printed)),
            Err(failure) => Err(Error::Invalid(format!("the {name} {failure}: {}", failure.advice()))),
        }
    }

    /// On a thread: a file may be as large as a mebibyte.
    async fn find(&self, request: &Request, meter: &Meter) -> Result<Option<Program>, Error> {
        // For an address of somebody else, credentials of AWS are of no use. A token goes before every profile.
        let registry = Registry::parse(&request.registry).ok().filter(|registry| registry.check_region().is_ok());
        let context = Context::new(request.context());
        let Some(registry) = registry.filter(|_| context.service_account_token.is_none()) else { return Ok(None) };
        let local = self.profiles.read(meter).await;
        let thing = thing(request, &local);
        let found = self.finding.run(&thing, move || program(&local, &context, &registry)).await;
        found.map_err(|cause| Error::Internal(format!("the profiles were not looked through: {cause}")))
    }
}

/// What lookups have to have in common to wait for the same thread.
fn thing(request: &Request, local: &Preread) -> String {
    format!("{:?} for {} in {}", request.profile, request.registry, local.version())
}

impl Failure {
    fn advice(&self) -> &'static str {
        match self {
            Self::Terminal => "use a program that asks nothing",
            _ => "run it by itself to see why",
        }
    }
}

/// The component comes to the same one, by the same code. Where settings contradict each other it is none, and the component says
/// why.
fn program(local: &impl Local, context: &Context, registry: &Registry) -> Option<Program> {
    let files = SharedFiles::read(local);
    let settings = Settings::new(local, context, &files);
    Endpoint::of_registry(registry, &settings).ok()?;
    chain::credential_process(&settings)
}

#[cfg(not(unix))]
mod system {
    use super::{Failure, Secret};

    pub(super) async fn output(_command: &Secret, _environment: &[(String, Secret)]) -> Result<Secret, Failure> {
        Err(Failure::Unsupported)
    }
}

#[cfg(all(test, unix))]
mod tests;
