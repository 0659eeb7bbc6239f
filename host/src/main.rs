//! The command: `keyward`, and any name that begins with `docker-credential-`.
#![forbid(unsafe_code)]

mod arguments;
mod frontend;
mod interrupt;

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process;

use clap::Parser;
use keyward::{CancelToken, Config, Credential, Error, Request, Resolver, SetupError};
use tokio::runtime;

use crate::arguments::{Action, Arguments, Get};
use crate::frontend::{docker, print};
use crate::interrupt::{Interruption, interrupted, signalled};

fn main() {
    let arguments: Vec<OsString> = env::args_os().collect();
    let name = arguments.first().and_then(|name| Some(Path::new(name).file_name()?.to_string_lossy().into_owned()));
    let status = match name {
        Some(name) if docker::is_helper(&name) => {
            let arguments: Vec<String> =
                arguments.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
            let invocation = docker::Invocation { name: &name, arguments: &arguments };
            let resolve = |server: &str| {
                let config = arguments::helper_config().map_err(|text| Failure::from(Error::Invalid(text)))?;
                resolve(&config, server.into())
            };
            docker::serve(&invocation, &mut io::stdin(), &mut io::stdout(), &mut io::stderr(), resolve)
        }
        _ => run(Arguments::parse_from(arguments)),
    };
    // Not a return: nothing that may still be under way (a blocked thread of the runtime) can hold up the end.
    process::exit(status.map_or_else(
        |cause| {
            let _ = writeln!(io::stderr(), "error: the standard streams failed: {cause}");
            1
        },
        i32::from,
    ))
}

fn run(arguments: Arguments) -> io::Result<u8> {
    match arguments.action {
        Action::Get(get) => self::get(&get),
        Action::Version => {
            writeln!(io::stdout(), "keyward {}", env!("CARGO_PKG_VERSION"))?;
            Ok(0)
        }
    }
}

fn get(get: &Get) -> io::Result<u8> {
    let result = match get.config() {
        Ok(config) => resolve(&config, get.request()),
        Err(text) => Err(Error::Invalid(text).into()),
    };
    match result {
        Ok(credential) => {
            let mut output = io::stdout().lock();
            output.write_all(print::credential(get.format, &get.registry, &credential).as_bytes())?;
            output.flush()?;
            Ok(0)
        }
        Err(failure) => {
            let _ = writeln!(io::stderr(), "error: {failure}");
            Ok(print::exit_status(&failure.error))
        }
    }
}

/// Why the command has no credential.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Who cancelled the lookup.
    interruption: Option<Interruption>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, interruption: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(interruption) = &self.interruption {
            write!(formatter, "{interruption}: ")?;
        }
        write!(formatter, "{}", self.error)
    }
}

/// One lookup, on a runtime of one thread.
fn resolve(config: &Config, request: Request) -> Result<Credential, Failure> {
    let internal = |what: &str, cause: &dyn fmt::Display| Error::Internal(format!("{what}: {cause}"));
    // For one lookup at a time: without a pool.
    let config = config.clone().with_max_live_lookups(1);
    let resolver = Resolver::new(&config).map_err(|error| match error {
        SetupError::Allowed { .. } => Error::Invalid(error.to_string()),
        other => Error::Internal(other.to_string()),
    })?;
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().map_err(|cause| internal("no runtime", &cause))?;
    let result = runtime.block_on(async {
        let cancel = CancelToken::new();
        let mut lookup = std::pin::pin!(resolver.look_up(request, resolver.budget(), &cancel));
        let interruption = tokio::select! {
            biased;
            interruption = interrupted() => interruption.map_err(|cause| internal("no signals", &cause))?,
            lookup = &mut lookup => return lookup.result.map_err(Failure::from),
        };
        // It ends at once, and says what it was waiting for.
        cancel.cancel();
        let interruption = Some(interruption);
        lookup.await.result.map_err(|error| Failure { error, interruption })
    });
    // While the answer is written, nobody else would hear of a signal, and a full pipe may take none. Without a thread to be had,
    // the answer counts.
    let _ = std::thread::Builder::new().spawn(move || {
        if runtime.block_on(signalled()).is_ok() {
            process::exit(print::CANCELLED.into());
        }
    });
    result
}
