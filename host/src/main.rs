//! The command: `keyward`, and any name that begins with `docker-credential-`.
#![forbid(unsafe_code)]

mod arguments;
mod frontend;
mod helper;
mod install;
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

use crate::arguments::{Action, Arguments, Get, Options};
use crate::frontend::{docker, print};
use crate::settings::{Caller, Settings};

fn main() {
    let arguments: Vec<OsString> = env::args_os().collect();
    let name = arguments.first().and_then(|name| Some(Path::new(name).file_name()?.to_string_lossy().into_owned()));
    let status = match name {
        Some(name) if docker::is_helper(&name) => helper::serve(&name, &arguments[1..], &Options::default(), false),
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
        Action::Docker(docker) => helper::serve(helper::NAME, &docker.actions, &docker.options, docker.compat),
        Action::Get(get) => self::get(&get),
        Action::Install(install) => install::install(&install),
        Action::Uninstall(uninstall) => install::uninstall(&uninstall),
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
