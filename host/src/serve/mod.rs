//! `keyward serve`: a daemon that keeps the engine warm and credentials in memory, for the processes of one user.
//!
//! Each client has a task of its own, and each lookup what it always has: its budget, its sandbox, its connection. What clients share is
//! the number of them, which is limited: whoever comes when there are too many is told so at once, and nobody waits for anybody's place.

mod client;
pub(crate) mod lines;
pub(crate) mod protocol;
mod socket;

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use keyward::{Outcome, Resolver};
use rustix::process::geteuid;
use tokio::net::UnixStream;
use tokio::runtime;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::arguments::Serve;
use crate::frontend::print;
use crate::interrupt::Signals;
use crate::logs;
use crate::serve::client::Desk;
use crate::serve::socket::Socket;
use crate::settings::{Caller, Daemon, Settings};

/// A lookup that computes keeps a thread busy: with one more, it holds up nobody. More than a few are of no use.
const THREADS: std::ops::RangeInclusive<usize> = 2..=4;

/// How long nobody is taken after that has failed: without descriptors or memory to be had, it would fail again at once.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is told to end, or until nobody has come for long enough, and returns the exit status.
pub(crate) fn serve(arguments: &Serve) -> io::Result<u8> {
    let passed = socket::passed();
    let Serve { daemon, options } = arguments;
    let (settings, daemon) = match Settings::load_with_daemon(options, daemon, Caller::Person) {
        Ok(loaded) => loaded,
        Err(text) => return Ok(print::wrong_setting(&text)),
    };
    let resolver = match Resolver::new(&settings.config()) {
        Ok(resolver) => resolver,
        Err(error) => return Ok(print::wrong_setting(&error.to_string())),
    };
    let threads = thread::available_parallelism().map_or(*THREADS.start(), usize::from);
    let threads = threads.clamp(*THREADS.start(), *THREADS.end());
    let runtime = runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let log = logs::begin_apart(settings.log);
    let ended = runtime.block_on(async {
        let signals = Signals::new().map_err(|cause| format!("no signals: {cause}"))?;
        let socket = Socket::open(passed, || settings.socket().map_err(|error| error.to_string()))?;
        let desk = Desk { ending: CancellationToken::new(), resolver, settings, timeout: daemon.client_timeout };
        Ok(Room { clients: JoinSet::new(), daemon, desk: Arc::new(desk), signals }.run(socket).await)
    });
    log.finish();
    match ended {
        Ok(status) => Ok(status),
        Err(text) => {
            let text: String = text;
            writeln!(io::stderr(), "error: {text}")?;
            Ok(1)
        }
    }
}

/// Where clients are served.
struct Room {
    clients: JoinSet<()>,
    daemon: Daemon,
    desk: Arc<Desk>,
    signals: Signals,
}

impl Room {
    async fn run(mut self, socket: Socket) -> u8 {
        tracing::info!(socket = socket.name(), max_clients = self.daemon.max_clients, "the daemon listens");
        let reason = self.take_all(&socket).await;
        // Whoever comes now finds no socket, and helps himself; or waits for the next daemon, where the socket was handed over.
        drop(socket);
        self.desk.ending.cancel();
        tracing::info!(reason, clients = self.clients.len(), "the daemon ends");
        loop {
            tokio::select! {
                biased;
                ended = self.clients.join_next() => match ended {
                    Some(_) => {}
                    None => return 0,
                },
                signal = self.signals.next() => {
                    tracing::info!(reason = %signal, clients = self.clients.len(), "the daemon ends at once");
                    return print::CANCELLED;
                }
            }
        }
    }

    /// Takes clients until it is time to end, and says why it is.
    async fn take_all(&mut self, socket: &Socket) -> String {
        let mut idle_since = Instant::now();
        loop {
            let idle_until = self.daemon.idle_exit.and_then(|idle_exit| idle_since.checked_add(idle_exit));
            let has_idled = async {
                match idle_until {
                    Some(idle_until) => tokio::time::sleep_until(idle_until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                signal = self.signals.next() => return signal.to_string(),
                _ = self.clients.join_next(), if !self.clients.is_empty() => idle_since = Instant::now(),
                accepted = socket.listener.accept() => match accepted {
                    Ok((stream, _)) => self.take(stream),
                    Err(cause) => {
                        tracing::info!(%cause, "a client could not be taken");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
                () = has_idled, if self.clients.is_empty() => return "nobody has come for long".to_owned(),
            }
        }
    }

    /// Serves a client, or turns it away.
    fn take(&mut self, stream: UnixStream) {
        match stream.peer_cred().map(|peer| peer.uid()) {
            Ok(uid) if is_trusted(uid) => {}
            Ok(uid) => return tracing::info!(uid, "a client of another user is turned away"),
            Err(cause) => return tracing::info!(%cause, "a client that nobody can tell is turned away"),
        }
        let limit = self.daemon.max_clients;
        if self.clients.len() >= limit {
            tracing::info!(limit, "a client too many is turned away");
            let text = format!("{limit} clients are connected already: try again later, or raise --max-clients");
            // A new connection has room for it. Where it has not, nobody waits for that.
            let _ = stream.try_write(&protocol::failed(&text, Outcome::Overloaded));
            return;
        }
        self.clients.spawn(self.desk.clone().serve(stream));
    }
}

/// Whose clients are served, and whose daemon is asked: this user's, and root's, who can read everything there is here.
pub(crate) fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == geteuid().as_raw()
}
