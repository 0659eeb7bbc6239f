//! This program, called again: each figure is taken in a process of its own.

use std::env;
use std::process::{Command, Stdio};

use keyward_testbed::stuck::PART;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What 10,000 stuck lookups take, and somewhat more.
const FILES: u64 = 40_000;

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

/// What a process has measured, in rows of cells; or why it has measured nothing.
pub(crate) type Rows = Result<Vec<Vec<String>>, String>;

/// The rows that this program measures in another process.
pub(crate) fn part(words: &[&str]) -> Rows {
    rows(Command::new(env::current_exe().expect("the system knows what it runs")), words)
}

/// The rows that a program measures.
pub(crate) fn rows(mut command: Command, words: &[&str]) -> Rows {
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
