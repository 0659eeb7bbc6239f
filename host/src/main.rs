//! The command: `keyward`, and any name that begins with `docker-credential-`.
#![forbid(unsafe_code)]

mod arguments;
mod frontend;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process;

use clap::Parser;
use keyward::{Config, Credential, Error, Resolver};
use tokio::runtime;

use crate::arguments::{Action, Arguments, Get};
use crate::frontend::{docker, print};

fn main() {
    let arguments: Vec<OsString> = env::args_os().collect();
    let name = arguments.first().and_then(|name| Some(Path::new(name).file_name()?.to_string_lossy().into_owned()));
    let status = match name {
        Some(name) if docker::is_helper(&name) => {
            let arguments: Vec<String> =
                arguments.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
            let invocation = docker::Invocation { name: &name, arguments: &arguments };
            let resolve = |server: &str| resolve(&arguments::helper_config().map_err(Error::Invalid)?, server);
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
    match resolve(&get.config(), &get.registry) {
        Ok(credential) => {
            let mut output = io::stdout().lock();
            output.write_all(print::credential(get.format, &get.registry, &credential).as_bytes())?;
            output.flush()?;
            Ok(0)
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            Ok(print::exit_status(&error))
        }
    }
}

/// One lookup, on a runtime of one thread.
fn resolve(config: &Config, registry: &str) -> Result<Credential, Error> {
    let resolver = Resolver::new(config).map_err(|error| Error::Internal(error.to_string()))?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::Internal(format!("no runtime: {cause}")))?;
    let result = runtime.block_on(resolver.resolve(registry));
    runtime.shutdown_background();
    result
}
