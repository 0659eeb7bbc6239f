//! Lookups by a daemon, `keyward serve`, instead of one's own: neither an engine nor a file is needed for that.
//!
//! A daemon that is not there, or does not answer, holds up nobody: it is greeted first, and one that says nothing to that within a while
//! counts as none. Whoever asks then looks up by itself, in what is left of its deadline. What a daemon answers is the answer, be it an
//! error.

use std::io;
use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use keyward::Error;
use tokio::net::UnixStream;
use tokio::runtime::{self, Runtime};
use tokio::time::timeout;

use crate::interrupt::interrupted;
use crate::lookup::{Answer, Failure};
use crate::serve::is_trusted;
use crate::serve::lines::Lines;
use crate::serve::protocol::{self, MAX_ANSWER, Reply, Request};
use crate::settings::{Question, Settings};

/// How many questions are asked at once, each over a connection of its own. Who has more, as on the standard input, would take the place of
/// others.
pub(super) const MAX_QUESTIONS: usize = 16;

/// How long a greeting is waited for, and no longer than a quarter of the deadline.
const MAX_PATIENCE: Duration = Duration::from_secs(2);

/// The part of the deadline that the way back takes, at most: the daemon's own error is to come first, which says what was waited for.
const MAX_RESERVE: Duration = Duration::from_millis(100);

/// What is asked for where nothing is left: no time at all is no request.
const MIN_DEADLINE: Duration = Duration::from_millis(1);

/// Why a daemon does not count.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoDaemon {
    #[error("it cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    #[error("it did not answer within {0:?}")]
    Silent(Duration),
    #[error("it is that of another user, {0}")]
    Foreign(u32),
    #[error("it serves nobody else at the moment: {0}")]
    Full(String),
    #[error("it has closed the connection")]
    Closed,
    #[error("what it says makes no sense")]
    Strange,
}

/// The answers of the daemon at the socket, in the order of the questions; and the runtime, which has taken the signals over.
pub(super) fn ask_all(
    settings: &Settings,
    socket: &Path,
    questions: &[Question],
    begin: Instant,
) -> (Vec<Result<Answer, NoDaemon>>, Option<Runtime>) {
    let deadline = settings.budget.deadline;
    let runtime = match small_runtime() {
        Ok(runtime) => runtime,
        Err(cause) => {
            let unreachable = |_| Err(io::Error::from(cause.kind()).into());
            return (questions.iter().map(unreachable).collect(), None);
        }
    };
    let answers = runtime.block_on(async {
        let ask = |question: &Question| {
            let left = deadline.saturating_sub(begin.elapsed() + (deadline / 20).min(MAX_RESERVE));
            let request = Request::Get {
                address: question.address.clone(),
                deadline: Some(left.max(MIN_DEADLINE)),
                identity: settings.identity().clone(),
            };
            ask(socket, request, deadline, begin)
        };
        let mut answers = pin!(join_all(questions.iter().map(ask)));
        tokio::select! {
            biased;
            ended_by = interrupted() => {
                let failure = match ended_by {
                    Ok(ended_by) => Failure { interruption: Some(ended_by), ..Error::Cancelled { waiting_for: None }.into() },
                    Err(cause) => Error::Internal(format!("no signals: {cause}")).into(),
                };
                // The daemon hears of it from the end of the connections.
                questions.iter().map(|_| Ok(Err(failure.clone()))).collect()
            }
            answers = &mut answers => answers,
        }
    });
    (answers, Some(runtime))
}

/// Tells the daemon to forget what it remembers of a registry, if there is one.
pub(super) fn erase(socket: &Path, address: &str, deadline: Duration) {
    let Ok(runtime) = small_runtime() else { return };
    let request = Request::Erase { address: address.to_owned() };
    // One that is not there remembers nothing.
    let _ = runtime.block_on(converse(socket, request, deadline, Instant::now()));
}

async fn ask(socket: &Path, request: Request, deadline: Duration, begin: Instant) -> Result<Answer, NoDaemon> {
    match converse(socket, request, deadline, begin).await? {
        Some(Reply::Found(credential)) => Ok(Ok(credential)),
        Some(Reply::Failed { text, outcome }) => {
            let error = protocol::error(&outcome, &text, deadline);
            Ok(Err(Failure::said(error, text)))
        }
        Some(Reply::Done) => Err(NoDaemon::Strange),
        None => {
            let daemon = socket.display();
            let said =
                format!("no credential within {deadline:?}, while the daemon at {daemon} looked for it: try again");
            Ok(Err(Failure::said(Error::Timeout { deadline, waiting_for: None }, said)))
        }
    }
}

/// What is answered to a request; `None` where that is not within the deadline.
async fn converse(
    socket: &Path,
    request: Request,
    deadline: Duration,
    begin: Instant,
) -> Result<Option<Reply>, NoDaemon> {
    let patience = (deadline / 4).min(MAX_PATIENCE);
    let greeted = timeout(patience, greet(socket, &request)).await;
    let (mut lines, greeting) = greeted.map_err(|_| NoDaemon::Silent(patience))??;
    match greeting {
        // It was asked for nothing yet but its version: it has too many clients.
        Reply::Failed { text, .. } => Err(NoDaemon::Full(text)),
        _ => timeout(deadline.saturating_sub(begin.elapsed()), reply(&mut lines)).await.ok().transpose(),
    }
}

/// Connects, and asks for the version before anything else: that takes a daemon no time.
async fn greet(socket: &Path, request: &Request) -> Result<(Lines, Reply), NoDaemon> {
    let stream = UnixStream::connect(socket).await?;
    let uid = stream.peer_cred()?.uid();
    if !is_trusted(uid) {
        return Err(NoDaemon::Foreign(uid));
    }
    let mut lines = Lines::new(stream);
    // One that has too many clients says so without having read anything: what it says counts, also where no more can be sent.
    let _ = lines.send(&[Request::Version.write(), request.write()].concat()).await;
    let greeting = reply(&mut lines).await?;
    Ok((lines, greeting))
}

async fn reply(lines: &mut Lines) -> Result<Reply, NoDaemon> {
    match lines.next(MAX_ANSWER).await {
        Ok(Some(line)) => Reply::parse(&line).ok_or(NoDaemon::Strange),
        _ => Err(NoDaemon::Closed),
    }
}

fn small_runtime() -> io::Result<Runtime> {
    runtime::Builder::new_current_thread().enable_all().build()
}
