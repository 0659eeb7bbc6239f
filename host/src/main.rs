//! The command: `keyward`, any name that begins with `docker-credential-`, and `ecr-credential-provider`.
#![forbid(unsafe_code)]

mod arguments;
mod explain;
mod frontend;
mod get;
mod helper;
mod install;
mod interrupt;
mod logs;
mod lookup;
mod region;
mod serve;
mod settings;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{CommandFactory, Parser};
use clap_complete::Shell;
use keyward::Error;

use crate::arguments::{Action, Arguments, Check, ConfigAction, Explain, Options};
use crate::frontend::{docker, kubelet, print};
use crate::lookup::Failure;
use crate::settings::{Caller, Settings};

/// The name of the command.
const NAME: &str = "keyward";

fn main() {
    let arguments: Vec<OsString> = env::args_os().collect();
    let name = arguments.first().and_then(|name| Some(Path::new(name).file_name()?.to_string_lossy().into_owned()));
    let status = match name {
        Some(name) if docker::is_helper(&name) => helper::serve(&name, &arguments[1..], &Options::default()),
        Some(name) if kubelet::is_provider(&name) => {
            let typed = ["keyward", "kubelet"].map(OsString::from).into_iter().chain(arguments.into_iter().skip(1));
            run(Arguments::parse_from(typed))
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
        Action::Get(get) => get::get(&get),
        Action::LoginPassword(login_password) => get::login_password(&login_password),
        Action::Completions { shell } => completions(shell),
        Action::Man { folder } => manual(folder.as_deref()),
        Action::Kubelet(kubelet) => self::kubelet(&kubelet.options),
        Action::Docker(docker) => helper::serve(helper::NAME, &docker.actions, &docker.options),
        Action::Install(install) => install::install(&install),
        Action::Uninstall(uninstall) => install::uninstall(&uninstall),
        Action::Explain(explain) => self::explain(&explain),
        Action::Serve(serve) => self::serve::serve(&serve),
        Action::Config(ConfigAction::Check(check)) => config_check(check),
        Action::Version => {
            writeln!(io::stdout(), "{NAME} {}", env!("CARGO_PKG_VERSION"))?;
            Ok(0)
        }
    }
}

fn explain(explain: &Explain) -> io::Result<u8> {
    match Settings::load(&explain.options, Caller::Person) {
        Ok(settings) => explain::explain(explain, &settings, &mut io::stdout()),
        Err(text) => Ok(print::wrong_setting(&text)),
    }
}

/// A script that completes the command line, from the same definitions as `--help`.
fn completions(shell: Shell) -> io::Result<u8> {
    // Into a buffer, since the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
    let mut output = io::stdout().lock();
    output.write_all(&script)?;
    output.flush()?;
    Ok(0)
}

/// The manual, from the same definitions as `--help`.
fn manual(folder: Option<&Path>) -> io::Result<u8> {
    let command = Arguments::command().version(env!("CARGO_PKG_VERSION"));
    let Some(folder) = folder else {
        clap_mangen::Man::new(command).render(&mut io::stdout())?;
        return Ok(0);
    };
    match fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder)) {
        Ok(()) => Ok(0),
        Err(cause) => {
            writeln!(io::stderr(), "error: the pages cannot be written into {}: {cause}", folder.display())?;
            Ok(1)
        }
    }
}

fn kubelet(options: &Options) -> io::Result<u8> {
    let resolve = |pull: &kubelet::Pull| {
        let invalid = |text| Failure::from(Error::Invalid(text));
        let mut settings = Settings::load(options, Caller::Kubelet).map_err(invalid)?;
        let question = settings.question_of_pod(&pull.image, &pull.registry, pull.service_account.as_ref());
        let question = question.map_err(invalid)?;
        let is_for_image = settings.tells_images_apart(&question, &pull.registry);
        let credential = lookup::resolve(&settings, &question)?;
        Ok(kubelet::Found { credential, is_for_image })
    };
    kubelet::serve(&mut io::stdin(), &mut io::stdout(), &mut io::stderr(), now, kubelet::draw_lot(), resolve)
}

/// The clock on the wall, in seconds since 1970 (UTC).
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn config_check(check: Check) -> io::Result<u8> {
    match settings::check(check) {
        Ok(report) => {
            io::stdout().write_all(report.as_bytes())?;
            Ok(0)
        }
        Err(text) => Ok(print::wrong_setting(&text)),
    }
}
