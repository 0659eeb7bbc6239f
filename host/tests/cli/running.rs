//! A call that is under way: what it does, and how it ends. For Linux, which tells this in /proc.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid};
use tempfile::TempDir;

use crate::harness::{Call, Outcome};

/// How often something is looked for before it counts as stuck: for twenty seconds in all.
const LOOKS: u32 = 4000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Begins a call with files as its streams, tells who it is, and waits for it.
const IN_BACKGROUND: &str =
    r#"streams=$1; shift; "$@" <"$streams/input" >"$streams/output" 2>"$streams/errors" & echo $!; wait"#;

/// A call that is under way. Dropped, it is killed: it may have a deadline that nobody wants to wait for.
pub(crate) struct Running {
    /// What was started: the command, or the shell that has called it.
    started: Child,
    process: Pid,
    /// What the command reads and writes, except for a standard output that is no file.
    streams: TempDir,
    _folder: Option<TempDir>,
}

impl Call {
    /// By a shell, as in `ulimit -d 1000; exec "$@"`, where "$@" is the call.
    pub(crate) fn by_shell(self, script: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]);
        Self { command: wrapped(shell, &self.command), ..self }
    }

    /// Begins it, and reads its standard output through a pipe.
    pub(crate) fn start(self) -> Running {
        self.start_with_output(Stdio::piped())
    }

    /// Begins it with this as its standard output.
    pub(crate) fn start_with_output(self, output: impl Into<Stdio>) -> Running {
        Running::start(self.command, &self.input, output.into(), self.folder)
    }

    /// Begins it in the background of a shell, so that it has a parent that can be killed.
    pub(crate) fn start_in_background(self) -> Running {
        Running::start_in_background(&self.command, &self.input, self.folder)
    }
}

impl Running {
    fn start(mut command: Command, input: &[u8], output: Stdio, folder: Option<TempDir>) -> Self {
        let streams = streams(input);
        command
            .stdin(File::open(streams.path().join("input")).unwrap())
            .stdout(output)
            // Not a pipe: a closed one would end the command too.
            .stderr(File::create(streams.path().join("errors")).unwrap());
        let started = command.spawn().unwrap();
        let process = Pid::from_child(&started);
        Self { started, process, streams, _folder: folder }
    }

    fn start_in_background(command: &Command, input: &[u8], folder: Option<TempDir>) -> Self {
        // Whoever is left without a parent is this process's child then, and its exit status can be asked for.
        set_child_subreaper(Some(getpid())).unwrap();
        let streams = streams(input);
        let mut shell = Command::new("sh");
        shell.args(["-c", IN_BACKGROUND, "sh"]).arg(streams.path());
        let mut started = wrapped(shell, command).stdout(Stdio::piped()).spawn().unwrap();
        let mut process = String::new();
        let mut output = started.stdout.take().unwrap();
        // To the end of the line: the stream itself ends with the shell.
        while !process.ends_with('\n') {
            let mut byte = [0];
            output.read_exact(&mut byte).unwrap();
            process.push(byte[0].into());
        }
        let process = Pid::from_raw(process.trim().parse().unwrap()).unwrap();
        Self { started, process, streams, _folder: folder }
    }

    /// Whether its first thread sleeps: it does nothing until something comes. Who was woken by something does not sleep any more.
    pub(crate) fn is_asleep(&self) -> bool {
        let stat = fs::read_to_string(self.proc("stat")).unwrap_or_default();
        // Behind the name, which may hold anything, in parentheses.
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('S'))
    }

    /// The names of its threads, sorted.
    pub(crate) fn threads(&self) -> Vec<String> {
        let threads = fs::read_dir(self.proc("task")).unwrap().flatten();
        // One that has ended meanwhile has no name any more.
        let names = threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
        let mut names: Vec<String> = names.map(|name| name.trim_end().to_owned()).collect();
        names.sort();
        names
    }

    /// Whether it has a handler for a signal.
    pub(crate) fn catches(&self, signal: Signal) -> bool {
        let status = fs::read_to_string(self.proc("status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigCgt:")?.trim(), 16).ok());
        caught.unwrap_or_default() & 1 << (signal.as_raw() - 1) != 0
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.process, signal).unwrap();
    }

    /// Closes the end of the pipe that the standard output is read from.
    pub(crate) fn close_output(&mut self) {
        drop(self.started.stdout.take().unwrap());
    }

    /// Kills the shell that has called the command.
    pub(crate) fn kill_parent(&mut self) {
        self.started.kill().unwrap();
        self.started.wait().unwrap();
    }

    /// Waits for the end, which has to come by itself.
    pub(crate) fn finish(mut self) -> Outcome {
        let mut status = None;
        until("the command ends", || {
            status = self.ended();
            status.is_some()
        });
        let output = match self.started.stdout.take() {
            Some(mut pipe) => {
                let mut output = Vec::new();
                pipe.read_to_end(&mut output).unwrap();
                output
            }
            None => self.stream("output"),
        };
        Outcome::new(status.unwrap(), output, self.stream("errors"))
    }

    /// Its exit status, if it has ended.
    fn ended(&mut self) -> Option<i32> {
        if Pid::from_child(&self.started) == self.process {
            let status = self.started.try_wait().unwrap()?;
            return Some(status.code().unwrap_or_else(|| panic!("ended by a signal: {status}")));
        }
        let (_, status) = waitpid(Some(self.process), WaitOptions::NOHANG).unwrap()?;
        Some(status.exit_status().unwrap_or_else(|| panic!("ended by a signal: {status:?}")))
    }

    fn stream(&self, name: &str) -> Vec<u8> {
        fs::read(self.streams.path().join(name)).unwrap_or_default()
    }

    fn proc(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.process.as_raw_nonzero())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where a test has failed, one of them may be there. A number that is free may be another process's.
        if Path::new(&self.proc("fd")).exists() && thread::panicking() {
            let _ = kill_process(self.process, Signal::KILL);
        }
        let _ = self.started.kill();
        let _ = self.started.wait();
    }
}

/// A program that is given a call as its last arguments, and the call's environment.
pub(crate) fn wrapped(mut wrapper: Command, call: &Command) -> Command {
    wrapper.env_clear().arg(call.get_program()).args(call.get_args());
    wrapper.envs(call.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapper
}

/// Polls, with a bound that only turns a test that would hang into one that fails.
#[track_caller]
pub(crate) fn until(awaited: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if condition() {
            return;
        }
        thread::sleep(BETWEEN_LOOKS);
    }
    panic!("waited in vain until {awaited}");
}

fn streams(input: &[u8]) -> TempDir {
    let streams = tempfile::tempdir().unwrap();
    fs::write(streams.path().join("input"), input).unwrap();
    streams
}
