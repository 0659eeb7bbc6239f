//! `keyward get` and `keyward login-password`: from what was typed to what is printed.

use std::io::{self, IsTerminal, Read, Write};

use clap::CommandFactory;
use clap::error::ErrorKind;

use crate::arguments::{Arguments, Get, LoginPassword};
use crate::frontend::print::{self, Format};
use crate::lookup::{self, Answer};
use crate::region;
use crate::settings::{Caller, Question, Settings};

/// What stands for the standard input among the arguments, as it does for other commands.
const STANDARD_INPUT: &str = "-";

/// The most that is read of the standard input: some ten thousand addresses.
const MAX_INPUT_BYTES: u64 = 1024 * 1024;

/// Prints the credentials of the registries, and returns the exit status.
pub(crate) fn get(get: &Get) -> io::Result<u8> {
    let addresses = addresses(get)?;
    if get.format == Format::Env && addresses.len() > 1 {
        wrong_use(ErrorKind::ArgumentConflict, "the format env has variables for one registry: name one alone");
    }
    let settings = match Settings::load(&get.options, Caller::Person) {
        Ok(settings) => settings,
        Err(text) => return Ok(print::wrong_setting(&text)),
    };
    let questions: Vec<Question> = addresses.iter().map(|address| settings.question(address)).collect();
    let answers = lookup::resolve_all(&settings, &questions);
    print_all(get.format, &questions, &answers)
}

/// Prints the password of the registries of a region, and returns the exit status.
pub(crate) fn login_password(arguments: &LoginPassword) -> io::Result<u8> {
    let settings = match Settings::load(&arguments.options, Caller::Person) {
        Ok(settings) => settings,
        Err(text) => return Ok(print::wrong_setting(&text)),
    };
    // KEYWARD_REGION is that of STS, whichever registry is asked for.
    let typed = arguments.options.region.as_deref();
    let address = match region::registry(typed, settings.identity().profile.as_deref(), settings.budget.deadline) {
        Ok(address) => address,
        Err(text) => return Ok(print::wrong_setting(&text)),
    };
    let question = settings.question(&address);
    let answer = lookup::resolve(&settings, &question);
    print_all(Format::Password, &[question], &[answer])
}

/// Those that were typed, else those on the standard input. Where somebody sits at a terminal and has typed none, they are told to: to wait
/// for their input would look like a lookup that is stuck.
fn addresses(get: &Get) -> io::Result<Vec<String>> {
    if !get.registries.is_empty() && get.registries != [STANDARD_INPUT] {
        if get.registries.iter().any(|address| address == STANDARD_INPUT) {
            wrong_use(ErrorKind::ArgumentConflict, "'-' is the standard input: name it alone, or the registries alone");
        }
        return Ok(get.registries.clone());
    }
    let mut input = String::new();
    if !get.registries.is_empty() || !io::stdin().is_terminal() {
        let read = io::stdin().take(MAX_INPUT_BYTES + 1).read_to_string(&mut input);
        match read {
            Ok(bytes) if bytes as u64 <= MAX_INPUT_BYTES => {}
            Ok(_) => {
                wrong_use(ErrorKind::InvalidValue, "the standard input is longer than 1 MiB: name fewer registries")
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                wrong_use(ErrorKind::InvalidValue, "the standard input is not UTF-8: give one address a line");
            }
            Err(error) => return Err(error),
        }
    }
    let addresses: Vec<String> =
        input.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if addresses.is_empty() {
        let text = "no registry is named: name one, or several, as arguments or on the standard input, one a line";
        wrong_use(ErrorKind::MissingRequiredArgument, text);
    }
    Ok(addresses)
}

fn print_all(format: Format, questions: &[Question], answers: &[Answer]) -> io::Result<u8> {
    let is_alone = questions.len() == 1;
    let mut output = io::stdout().lock();
    for (question, answer) in questions.iter().zip(answers) {
        output.write_all(print::answer(format, &question.address, answer, is_alone).as_bytes())?;
        let Err(failure) = answer else { continue };
        // Without a reader of it, the reason is worth nothing: a closed stream is no failure of the command.
        let _ = match is_alone {
            true => writeln!(io::stderr(), "error: {failure}"),
            false => writeln!(io::stderr(), "error: {}: {failure}", question.address),
        };
    }
    output.flush()?;
    Ok(print::exit_status_of_all(answers))
}

/// The command line makes no sense: clap says so as it does of what it finds by itself.
fn wrong_use(kind: ErrorKind, text: &str) -> ! {
    Arguments::command().error(kind, text).exit()
}
