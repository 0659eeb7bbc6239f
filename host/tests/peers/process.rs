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

/// Where Debian keeps its programs.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What to type when something is missing.
pub(crate) const ADVICE: &str = "run scripts/setup-debian, and the tests as root";

/// How often a server is looked for before it counts as stuck: for two minutes in all.
const LOOKS: u32 = 1200;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

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
        let name = tempfile::NamedTempFile::new().expect("cannot make a temporary file");
        let messages = name.reopen().expect("cannot open a temporary file");
        let output = name.into_file();
        let mut command = command(installed("setpriv"));
        command
            .args(["--pdeathsig", "KILL"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("cannot share a file"))
            .stderr(output);
        let (child, _parent) = spawn_from_lasting_thread(command);
        let mut server = Self { child, messages, _parent };
        server.wait_until_it_listens(program, address);
        server
    }

    fn wait_until_it_listens(&mut self, program: &Path, address: SocketAddr) {
        let program = program.display();
        for _ in 0..LOOKS {
            if let Some(status) = self.child.try_wait().expect("cannot look at a child") {
                let messages = self.messages();
                panic!("{program} ended before it listened on {address}: {status}\n{messages}");
            }
            if TcpStream::connect(address).is_ok() {
                return;
            }
            thread::sleep(BETWEEN_LOOKS);
        }
        let messages = self.messages();
        panic!("{program} does not listen on {address}\n{messages}");
    }

    fn messages(&mut self) -> String {
        let mut bytes = Vec::new();
        self.messages.read_to_end(&mut bytes).expect("cannot read messages");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing left to do then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
