//! A program in a process group of its own.

use std::fs::File;
use std::io::{self, Read, Write};
use std::mem;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use keyward_ecr::secret::Secret;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{Failure, MAX_OUTPUT_BYTES};
use crate::lock::lock;

/// What the thread needs of stack: it begins a process and waits.
const STACK_BYTES: usize = 256 * 1024;

/// What the shell does first: it waits for a line, and where this process has ended before it wrote one, there is none.
const WHEN_TOLD: &str = "read -r keyward_begin && exec sh -c \"$0\" </dev/null";

/// Runs a command line by the shell, and takes what it prints. Dropped, it kills what it has started.
pub(super) async fn output(command: &Secret, environment: &[(String, Secret)]) -> Result<Secret, Failure> {
    let shell = shell(command, environment);
    let (begun, beginning) = oneshot::channel();
    let (ended, ending) = oneshot::channel();
    let group = Group::default();
    let state = group.0.clone();
    thread::Builder::new()
        .name("keyward-process".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || attend(shell, &state, begun, ended))
        .map_err(Failure::Started)?;
    let pipe = beginning.await.map_err(|_| Failure::Started(io::ErrorKind::Other.into()))?.map_err(Failure::Started)?;
    let (printed, status) = read(pipe, ending).await?;
    match (status.code(), status.signal()) {
        (Some(0), _) => text(printed),
        (Some(code), _) => Err(Failure::Status(code)),
        (None, signal) => Err(Failure::Signal(signal.unwrap_or_default())),
    }
}

/// A shell that runs a command line when it is told to.
fn shell(command: &Secret, environment: &[(String, Secret)]) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", WHEN_TOLD, command.expose()])
        .envs(environment.iter().map(|(name, value)| (name, value.expose())))
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    shell
}

/// A process group, which is killed when this is dropped.
#[derive(Default)]
struct Group(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    NotBegun,
    /// The leader has not been waited for: its number is its own.
    Running(Pid),
    /// Ended, or not wanted any more.
    Over,
}

impl Drop for Group {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        if let State::Running(leader) = *state {
            kill(leader);
        }
        *state = State::Over;
    }
}

/// All of the group: none of it can hold this up, and none can begin another one meanwhile. And the leader, which may have left
/// its own group. What runs with the rights of another user cannot be killed, and nobody waits for it.
fn kill(leader: Pid) {
    let _ = kill_process_group(leader, Signal::KILL);
    let _ = kill_process(leader, Signal::KILL);
}

type Begun = oneshot::Sender<io::Result<OwnedFd>>;
type Ended = oneshot::Sender<Result<ExitStatus, Failure>>;

/// Begins a program, and waits for its end. A thread does it, since nothing else takes note of the end of a process without a say in how
/// the whole program deals with signals.
fn attend(mut command: Command, state: &Mutex<State>, begun: Begun, ended: Ended) {
    let spawned = command.spawn();
    // It has the command line and the environment in it.
    drop(command);
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return drop(begun.send(Err(error))),
    };
    let leader = Pid::from_child(&child);
    match &mut *lock(state) {
        // Whoever wanted it has gone.
        State::Over => kill(leader),
        state => *state = State::Running(leader),
    }
    // Not before: whatever ends this process from here on ends the program too, or has to be SIGKILL. Where the shell is gone
    // already, waiting for it says so.
    let _ = child.stdin.take().map(|mut input| input.write_all(b"\n"));
    let pipe = child.stdout.take().ok_or_else(|| io::ErrorKind::BrokenPipe.into());
    let _ = begun.send(pipe.map(OwnedFd::from));
    let mut ended = Some(ended);
    let exited = loop {
        let end_or_stop = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
        let awaited = if ended.is_some() { end_or_stop } else { WaitIdOptions::EXITED | WaitIdOptions::NOWAIT };
        match waitid(WaitId::Pid(leader), awaited) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(Some(status)) if status.stopped() => {
                if status.stopping_signal().is_some_and(is_of_terminal) {
                    // Nobody lets it go on. Whoever hears of it kills the group.
                    let _ = ended.take().map(|ended| ended.send(Err(Failure::Terminal)));
                } else {
                    // Somebody has stopped it, and may let it go on. Noted, so that it is not told again.
                    let _ = waitid(WaitId::Pid(leader), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG);
                }
            }
            result => break result,
        }
    };
    // Nobody kills the group between these two, when its number could be another's.
    let mut state = lock(state);
    if exited.is_ok() {
        kill(leader);
    }
    let status = child.wait();
    *state = State::Over;
    drop(state);
    let _ = ended.map(|ended| ended.send(status.map_err(Failure::Awaited)));
}

/// Whether it is the signal that stops a program in the background that reads from the terminal, or sets it up for that.
fn is_of_terminal(signal: i32) -> bool {
    [Signal::TTIN, Signal::TTOU].iter().any(|of_terminal| of_terminal.as_raw() == signal)
}

/// What comes out of a pipe until the program ends. What is still in the pipe then belongs to it; what somebody else writes to it
/// later, who has left the group, does not.
async fn read(
    pipe: OwnedFd,
    mut ending: oneshot::Receiver<Result<ExitStatus, Failure>>,
) -> Result<(Zeroizing<Vec<u8>>, ExitStatus), Failure> {
    let pipe = Receiver::from_owned_fd(pipe).map_err(Failure::Awaited)?;
    let mut printed = Printed::new();
    let status = loop {
        tokio::select! {
            biased;
            status = &mut ending => break status,
            ready = pipe.readable(), if !printed.is_whole => {
                ready.map_err(Failure::Awaited)?;
                printed.take(|buffer| pipe.try_read(buffer))?;
            }
        }
    };
    let status = status.map_err(|_| Failure::Awaited(io::ErrorKind::Other.into()))??;
    let mut rest = File::from(pipe.into_nonblocking_fd().map_err(Failure::Awaited)?);
    while !printed.is_whole && printed.take(|buffer| rest.read(buffer))? {}
    Ok((printed.into_bytes(), status))
}

/// What was printed so far.
struct Printed {
    buffer: Zeroizing<Vec<u8>>,
    length: usize,
    is_whole: bool,
}

impl Printed {
    fn new() -> Self {
        // At once, since a vector that grows leaves copies of what it held behind. One byte more shows what is too much.
        Self { buffer: Zeroizing::new(vec![0; MAX_OUTPUT_BYTES + 1]), length: 0, is_whole: false }
    }

    /// Reads once; whether there may be more at this moment.
    fn take(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> Result<bool, Failure> {
        match read(&mut self.buffer[self.length..]) {
            Ok(0) => self.is_whole = true,
            Ok(read) => self.length += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::Awaited(error)),
        }
        if self.length > MAX_OUTPUT_BYTES { Err(Failure::TooMuch) } else { Ok(true) }
    }

    fn into_bytes(mut self) -> Zeroizing<Vec<u8>> {
        self.buffer.truncate(self.length);
        self.buffer
    }
}

fn text(mut printed: Zeroizing<Vec<u8>>) -> Result<Secret, Failure> {
    match String::from_utf8(mem::take(&mut *printed)).map(Secret::new) {
        Ok(text) if text.expose().is_empty() => Err(Failure::Nothing),
        Ok(text) => Ok(text),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(Failure::NotUtf8)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Where the command ended while the program was being started, nobody knew the program's number, and it lived on.
    #[test]
    fn a_program_does_not_run_before_its_number_is_known_to_whoever_may_have_to_kill_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ran");
        let command = shell(&Secret::new(format!("touch {}", file.display())), &[]);
        let state = Arc::new(Mutex::new(State::default()));
        let (begun, ended) = (oneshot::channel().0, oneshot::channel().0);
        let held = lock(&state);
        let thread = {
            let state = state.clone();
            thread::spawn(move || attend(command, &state, begun, ended))
        };
        thread::sleep(Duration::from_millis(300));
        assert!(!file.exists());
        drop(held);
        thread.join().unwrap();
        assert!(file.exists());
    }
}
