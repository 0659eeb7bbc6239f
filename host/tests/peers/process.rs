//! Starting programs: nothing of the caller's environment reaches them, nothing of them stays.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Where Debian keeps its programs. What somebody else has put in `/usr/local` may be of any age.
pub(crate) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// What to type when something is missing.
pub(crate) const ADVICE: &str = "run scripts/setup-debian, and the tests as root";

/// How often a server is looked for before it counts as stuck: for two minutes in all.
const LOOKS: u32 = 1200;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// How often a server is looked for that was asked to end: for ten seconds in all.
const LOOKS_AT_THE_END: u32 = 1000;
const BETWEEN_LOOKS_AT_THE_END: Duration = Duration::from_millis(10);

/// A program of Debian's.
///
/// # Panics
///
/// When it is not installed, saying what to type.
pub(crate) fn installed(program: &str) -> PathBuf {
    PATH.split(':')
        .map(|directory| Path::new(directory).join(program))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{program} is not installed: {ADVICE}"))
}

/// A command that inherits nothing: no AWS setting, no proxy, no trust store.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", PATH);
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command, input: &str) -> Outcome {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}: {ADVICE}"));
    let mut stdin = child.stdin.take().expect("stdin was asked for");
    match stdin.write_all(input.as_bytes()) {
        // A program may end without having read its input; its outcome says more than this.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("cannot write: {error}"),
        _ => drop(stdin),
    }
    let output = child.wait_with_output().expect("cannot wait for a child");
    Outcome {
        status: output.status,
        stdout: String::from_utf8(output.stdout).expect("stdout is no text"),
        stderr: String::from_utf8(output.stderr).expect("stderr is no text"),
    }
}

/// How a command ended and what it said.
pub(crate) struct Outcome {
    /// The exit status.
    pub(crate) status: ExitStatus,
    /// All of the standard output.
    pub(crate) stdout: String,
    /// All of the standard error.
    pub(crate) stderr: String,
}

impl Outcome {
    /// Panics with everything that the command said, unless it succeeded.
    pub(crate) fn assert_success(&self) {
        assert!(self.status.success(), "{self}");
    }

    /// Panics when one of the secrets was printed, without printing it again.
    pub(crate) fn assert_without(&self, secrets: &[&str]) {
        for secret in secrets {
            assert!(!self.stdout.contains(secret), "a secret is on stdout");
            assert!(!self.stderr.contains(secret), "a secret is on stderr");
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, stdout, stderr } = self;
        write!(formatter, "{status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// An address that a server can listen on; port 0 becomes a free port.
///
/// # Panics
///
/// When another program listens there, or when the port needs root.
pub(crate) fn available(address: SocketAddr) -> SocketAddr {
    TcpListener::bind(address)
        .and_then(|listener| listener.local_addr())
        .unwrap_or_else(|error| panic!("cannot listen on {address}: {error}: {ADVICE}"))
}

/// A server that runs until this is dropped or this process ends, however it ends.
pub(crate) struct Server {
    child: Child,
    messages: File,
    _parent: Sender<()>,
}

impl Server {
    /// Starts a server and waits until it listens.
    ///
    /// # Panics
    ///
    /// When it ends or does not listen, with what it printed.
    pub(crate) fn start<I>(program: &Path, arguments: I, address: SocketAddr) -> Self
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        let mut command = command(program);
        command.args(arguments);
        Self::start_until(&command, || TcpStream::connect(address).is_ok())
    }

    /// Starts a server and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it ends or does not become ready, with what it printed.
    pub(crate) fn start_until(server: &Command, is_ready: impl Fn() -> bool) -> Self {
        let name = tempfile::NamedTempFile::new().expect("cannot make a temporary file");
        let messages = name.reopen().expect("cannot open a temporary file");
        let output = name.into_file();
        let mut command = ending_with_its_parent(server);
        command.stdin(Stdio::null()).stdout(output.try_clone().expect("cannot share a file")).stderr(output);
        let (child, _parent) = spawn_from_lasting_thread(command);
        let mut running = Self { child, messages, _parent };
        running.wait_until(is_ready, server);
        running
    }

    /// Asks the server to end, and returns how it has ended, and all that it printed.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        self.ask_to_end();
        let status = self.child.try_wait().expect("cannot look at a child");
        (status.unwrap_or_else(|| panic!("it does not end\n{}", self.messages())), self.messages())
    }

    fn wait_until(&mut self, is_ready: impl Fn() -> bool, server: &Command) {
        for _ in 0..LOOKS {
            if let Some(status) = self.child.try_wait().expect("cannot look at a child") {
                panic!("{server:?} ended before it was ready: {status}\n{}", self.messages());
            }
            if is_ready() {
                return;
            }
            thread::sleep(BETWEEN_LOOKS);
        }
        panic!("{server:?} does not become ready\n{}", self.messages());
    }

    /// Waits some seconds for the end.
    fn ask_to_end(&mut self) {
        // It may have ended by itself, and its number be another process's.
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // A server that has children of its own ends them only when it is asked to end.
        if let Some(process) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(process, Signal::TERM);
        }
        for _ in 0..LOOKS_AT_THE_END {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(BETWEEN_LOOKS_AT_THE_END);
        }
    }

    fn messages(&mut self) -> String {
        let mut bytes = Vec::new();
        self.messages.read_to_end(&mut bytes).expect("cannot read messages");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ask_to_end();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same command, as one that the kernel ends together with the thread that spawns it.
fn ending_with_its_parent(server: &Command) -> Command {
    let mut command = command(installed("setpriv"));
    command.args(["--pdeathsig", "KILL"]).arg(server.get_program()).args(server.get_args());
    for (name, value) in server.get_envs() {
        // Nothing is inherited, so that there is nothing to remove.
        command.env(name, value.unwrap_or_default());
    }
    command
}

/// Spawns from a thread that lives as long as the sender does: the kernel ends the child together
/// with the thread that spawned it, and the thread of a test ends before its shared server should.
fn spawn_from_lasting_thread(mut command: Command) -> (Child, Sender<()>) {
    let (child_sender, child_receiver) = channel();
    let (parent_sender, parent_receiver) = channel();
    thread::spawn(move || {
        let child = command.spawn().map_err(|error| format!("cannot start {command:?}: {error}: {ADVICE}"));
        if child_sender.send(child).is_ok() {
            // Nothing is ever sent: this returns when the sender is dropped.
            let _ = parent_receiver.recv();
        }
    });
    let child = child_receiver.recv().expect("the thread always answers");
    (child.unwrap_or_else(|message| panic!("{message}")), parent_sender)
}
