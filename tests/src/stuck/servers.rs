//! Servers, in another process.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Authority, FakeAws, Fault, FaultServer, NameServer};

/// Names what a process serves: `fake-aws`, `dead-names`, `dead-names@ADDRESS` or a fault, with commas between them.
const SERVE: &str = "KEYWARD_STUCK_SERVE";

/// The pause before a byte of an answer that drips.
const DRIP: Duration = Duration::from_millis(20);

/// How long it may take until so many lookups have come as have been begun.
const PATIENCE: Duration = Duration::from_secs(60);

/// The other process: servers of one certificate authority, until it is dropped.
pub struct Servers {
    process: Child,
    /// Its end is the end of the servers.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// The certificate of the authority.
    pub ca_file: PathBuf,
    /// In the order in which they were asked for.
    pub addresses: Vec<SocketAddr>,
}

impl Servers {
    /// Starts this program once more, for servers with these names. It has to call [`serve_if_told`] first of all.
    ///
    /// # Panics
    ///
    /// If one of them cannot be served.
    pub fn start(names: &[&str]) -> Self {
        let mut process = Command::new(env::current_exe().expect("the system knows what it runs"))
            .env(SERVE, names.join(","))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started once more");
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut servers = Self { process, questions, answers, ca_file: PathBuf::new(), addresses: Vec::new() };
        let line = servers.line();
        let mut words = line.split_whitespace();
        servers.ca_file = words.next().unwrap_or_else(|| panic!("{names:?} are not served")).into();
        servers.addresses = words.map(|address| address.parse().expect("an address")).collect();
        assert_eq!(servers.addresses.len(), names.len());
        servers
    }

    /// How many clients have come to a server so far that is waited for by them; `None` where it cannot know.
    pub fn seen(&mut self, server: usize) -> Option<usize> {
        let questions = self.questions.as_mut().expect("it is there until this is dropped");
        questions.write_all(b"\n").and_then(|()| questions.flush()).expect("the servers run");
        let line = self.line();
        line.split_whitespace().nth(server).and_then(|count| count.parse().ok())
    }

    /// Waits until so many clients have come.
    pub async fn have_seen(&mut self, server: usize, count: usize) {
        let begin = Instant::now();
        while let Some(seen) = self.seen(server).filter(|&seen| seen < count) {
            assert!(begin.elapsed() < PATIENCE, "only {seen} of {count} lookups have come to the server");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the servers write text");
        line
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.process.wait();
    }
}

/// Whether this process has been started by [`Servers::start`]; then it has served, and is over.
pub fn serve_if_told() -> bool {
    let told = env::var(SERVE);
    if let Ok(names) = &told {
        serve(names);
    }
    told.is_ok()
}

/// Serves until the standard input ends. Every line in it is answered with how many clients have come to each server.
fn serve(names: &str) {
    let authority = Arc::new(Authority::new());
    let servers: Vec<Server> = names.split(',').map(|name| Server::start(name, &authority)).collect();
    let addresses: Vec<String> = servers.iter().map(|server| server.address().to_string()).collect();
    say(&format!("{} {}", authority.ca_file().display(), addresses.join(" ")));
    for _ in io::stdin().lock().lines().map_while(Result::ok) {
        let seen: Vec<String> = servers.iter().map(Server::seen).collect();
        say(&seen.join(" "));
    }
}

enum Server {
    Fake(FakeAws),
    Faulty(Fault, FaultServer),
    Names(NameServer),
}

impl Server {
    fn start(name: &str, authority: &Arc<Authority>) -> Self {
        match name.split_once('@').unwrap_or((name, "")) {
            ("fake-aws", _) => Self::Fake(FakeAws::start_with(authority.clone())),
            ("dead-names", "") => Self::Names(NameServer::silent()),
            ("dead-names", address) => Self::Names(NameServer::silent_at(address.parse().expect("an address"))),
            (fault, _) => {
                let fault = fault.parse().unwrap_or_else(|message| panic!("{message}"));
                let server = FaultServer::start_with(authority.clone(), fault);
                server.set_drip_interval(DRIP);
                Self::Faulty(fault, server)
            }
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Fake(fake) => fake.address(),
            Self::Faulty(_, server) => server.address(),
            Self::Names(names) => names.address(),
        }
    }

    fn seen(&self) -> String {
        match self {
            Self::Fake(fake) => fake.connections_accepted().to_string(),
            // Nothing comes through; and lookups share a question.
            Self::Faulty(Fault::FullBacklog, _) | Self::Names(_) => "unknown".to_owned(),
            Self::Faulty(Fault::TlsSilence, server) => server.connections_accepted().to_string(),
            Self::Faulty(_, server) => server.requests().to_string(),
        }
    }
}

/// That nobody listens any more is noticed by the end of the input.
fn say(line: &str) {
    let mut output = io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
