//! The command: `keyward`, and any name that begins with `docker-credential-`.
#![forbid(unsafe_code)]

mod arguments;
mod frontend;
mod interrupt;
mod lookup;
mod settings;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process;

use clap::Parser;
use keyward::Error;

use crate::arguments::{Action, Arguments, Check, ConfigAction, Get, Options};
use crate::frontend::{docker, print};
use crate::lookup::Failure;
use crate::settings::{Caller, Settings};

fn main() {
    let arguments: Vec<OsString> = env::args_os().collect();
    let name = arguments.first().and_then(|name| Some(Path::new(name).file_name()?.to_string_lossy().into_owned()));
    let status = match name {
        Some(name) if docker::is_helper(&name) => {
            let arguments: Vec<String> =
                arguments.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
            let invocation = docker::Invocation { name: &name, arguments: &arguments };
            let resolve = |server: &str| {
                let settings = Settings::load(&Options::default(), Caller::Docker)
                    .map_err(|text| Failure::from(Error::Invalid(text)))?;
                lookup::resolve(&settings, &settings.question(server))
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
        Action::Config(ConfigAction::Check(check)) => config_check(check),
        Action::Version => {
            writeln!(io::stdout(), "keyward {}", env!("CARGO_PKG_VERSION"))?;
            Ok(0)
        }
    }
}

fn get(get: &Get) -> io::Result<u8> {
    let result = match Settings::load(&get.options, Caller::Person) {
        Ok(settings) => lookup::resolve(&settings, &settings.question(&get.registry)),
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

fn config_check(check: Check) -> io::Result<u8> {
    match settings::check(check) {
        Ok(report) => {
            io::stdout().write_all(report.as_bytes())?;
            Ok(0)
        }
        Err(text) => {
            let _ = writeln!(io::stderr(), "error: {text}");
            Ok(print::exit_status(&Error::Invalid(text)))
        }
    }
}
