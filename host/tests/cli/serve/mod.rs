//! The daemon: what it answers over its socket, to whom, and how it ends.

mod activation;
mod asking;
mod clients;
mod socket;

use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward_testbed::{DEFAULT_ACCOUNT, FakeAws, private_password};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Call, Outcome};
use crate::running::{Running, until};

const IRELAND: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// A daemon that listens at a socket in a folder of its own. Deadlines are much longer than a test.
struct Daemon {
    running: Running,
    socket: PathBuf,
    _folder: TempDir,
}

/// One connection to it.
struct Client(BufReader<UnixStream>);

impl Daemon {
    fn start(fake: &FakeAws, arguments: &[&str]) -> Self {
        Self::start_call(Call::keyward(&["serve", "-v", "--log-format", "json"]).against(fake), arguments)
    }

    fn start_call(call: Call, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("daemon/keyward.sock");
        let call = arguments.iter().fold(call.argument("--socket").argument(&socket), |call, text| call.argument(text));
        let running = call.variable("KEYWARD_DEADLINE", "600").start();
        let daemon = Self { running, socket, _folder: folder };
        until("the daemon answers", || daemon.answers());
        daemon
    }

    /// Whether somebody serves a client there.
    fn answers(&self) -> bool {
        let Ok(stream) = UnixStream::connect(&self.socket) else { return false };
        Client::new(stream).try_ask(json!({ "action": "version" })).is_some_and(|answer| answer["Version"].is_string())
    }

    fn connect(&self) -> Client {
        Client::new(UnixStream::connect(&self.socket).unwrap())
    }

    /// A call that asks it, without credentials of its own.
    fn asked_by(&self, call: Call) -> Call {
        call.variable("KEYWARD_SOCKET", &self.socket).variable("KEYWARD_DEADLINE", "20")
    }

    fn end(self) -> Outcome {
        self.running.signal(Signal::TERM);
        self.running.finish()
    }
}

impl Client {
    fn new(stream: UnixStream) -> Self {
        // It only turns a test that would hang into one that fails.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn ask_for(&mut self, registry: &str) -> Value {
        self.ask(json!({ "action": "get", "ServerURL": registry }))
    }

    fn ask(&mut self, request: Value) -> Value {
        self.send(&format!("{request}\n"));
        self.answer().expect("the daemon answers")
    }

    /// As [`ask`](Self::ask), of a daemon that may be gone.
    fn try_ask(&mut self, request: Value) -> Option<Value> {
        self.0.get_mut().write_all(format!("{request}\n").as_bytes()).ok()?;
        self.answer()
    }

    /// The next answer; `None` where the daemon has closed the connection.
    fn answer(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            // What was sent and not read is no answer either.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            read => (read.unwrap() > 0).then(|| serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))),
        }
    }

    fn say_no_more(&mut self) {
        self.0.get_mut().shutdown(Shutdown::Write).unwrap();
    }
}

fn password(region: &str) -> String {
    private_password(DEFAULT_ACCOUNT, region)
}

/// Whether two paths are the same file.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
