//! This program, called again: each figure is taken in a process of its own.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Names what a process measures, in words with spaces between them.
pub(crate) const PART: &str = "KEYWARD_STUCK_PART";

/// What 10,000 stuck lookups take, and somewhat more.
const FILES: u64 = 40_000;

/// Where the name server is that every process in [`part_with_dead_names`] asks.
pub(crate) const DEAD_NAMES: &str = "dead-names@127.0.0.9:53";

/// Lets this process have as many open files as it may, and says how many these are.
pub(crate) fn raise_limit_of_open_files() -> u64 {
    let now = getrlimit(Resource::Nofile);
    let enough = now.maximum.map(|maximum| maximum.max(FILES));
    // Root may raise the hard limit too, on most machines.
    if setrlimit(Resource::Nofile, Rlimit { current: enough, maximum: enough }).is_err() {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// This program as it was started.
pub(crate) fn this_program() -> Command {
    Command::new(env::current_exe().expect("the system knows what it runs"))
}

/// The rows that a part measured; or why it measured none.
pub(crate) fn part(words: &[&str]) -> Result<Vec<Vec<String>>, String> {
    rows(this_program(), words)
}

/// [`part`] on a machine whose only name server answers no question: in a mount namespace of its own another file is in the
/// place of /etc/resolv.conf. Nothing of this machine is changed.
pub(crate) fn part_with_dead_names(words: &[&str]) -> Result<Vec<Vec<String>>, String> {
    let mut settings = tempfile::NamedTempFile::new().map_err(|cause| format!("no temporary file: {cause}"))?;
    writeln!(settings, "nameserver 127.0.0.9").map_err(|cause| format!("no temporary file: {cause}"))?;
    let in_namespace = |program: &Command| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", "mount --bind \"$1\" /etc/resolv.conf && exec \"$2\"", "sh"]);
        command.arg(settings.path()).arg(program.get_program());
        command
    };
    let tried = in_namespace(&Command::new("true")).output();
    let tried = tried.map_err(|cause| format!("skipped: unshare cannot be started: {cause}"))?;
    if !tried.status.success() {
        let said = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
        return Err(format!("skipped: a mount namespace needs root ({said})"));
    }
    rows(in_namespace(&this_program()), words)
}

fn rows(mut command: Command, words: &[&str]) -> Result<Vec<Vec<String>>, String> {
    let output = command.env(PART, words.join(" ")).stdin(Stdio::null()).output();
    let output = output.map_err(|cause| format!("the process could not be started: {cause}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rows: Vec<Vec<String>> = text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect();
    if output.status.success() && !rows.is_empty() {
        return Ok(rows);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = errors.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // What a nested cargo said before a panic is of no interest.
    let panic = lines.iter().position(|line| line.starts_with("thread '")).unwrap_or_default();
    let said: Vec<&str> = lines.into_iter().skip(panic).take(2).collect();
    Err(format!("ended with {} and {} rows: {}", output.status, rows.len(), said.join(" / ")))
}
