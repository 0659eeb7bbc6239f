//! One client of the daemon: its requests, one after the other.

use std::sync::Arc;
use std::time::Duration;

use keyward::{CancelToken, Outcome, Resolver};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::serve::lines::{LineError, Lines};
use crate::serve::protocol::{self, MAX_REQUEST, Request};
use crate::settings::{Identity, Settings};

/// What all clients are served with.
pub(super) struct Desk {
    /// No request is begun any more.
    pub(super) ending: CancellationToken,
    pub(super) resolver: Resolver,
    pub(super) settings: Settings,
    /// How long a client may take for what it has to do.
    pub(super) timeout: Duration,
}

impl Desk {
    /// Serves a client until it says no more, takes too long, hangs up, or the daemon ends.
    pub(super) async fn serve(self: Arc<Self>, stream: UnixStream) {
        let mut lines = Lines::new(stream);
        while let Some((request, is_last)) = self.next(&mut lines).await {
            let answer = tokio::select! {
                biased;
                answer = self.answer(request) => answer,
                // What is looked up for it, and for nobody else, ends with this.
                Ok(()) = lines.hung_up() => return,
            };
            match timeout(self.timeout, lines.send(&answer)).await {
                Ok(Ok(())) if !is_last => {}
                _ => return,
            }
        }
    }

    /// The next request, and whether it is the last one, since nobody can tell where another one would begin; `None` where there is none.
    async fn next(&self, lines: &mut Lines) -> Option<(Asked, bool)> {
        let next = tokio::select! {
            biased;
            () = self.ending.cancelled() => return None,
            next = timeout(self.timeout, lines.next(MAX_REQUEST)) => next,
        };
        match next {
            Ok(Ok(line)) => Some((Asked::Line(line?), false)),
            Ok(Err(LineError::TooLong(limit))) => {
                Some((Asked::Nothing(format!("the request is longer than {limit} bytes: ask for less")), true))
            }
            Ok(Err(LineError::Failed(_))) => None,
            // Whoever has asked for nothing expects no answer, and would take this one for that to its next request.
            Err(_) if !lines.has_begun() => None,
            Err(_) => {
                let text =
                    format!("the request did not come to its end within {:?}: end it with a newline", self.timeout);
                Some((Asked::Nothing(text), true))
            }
        }
    }

    async fn answer(&self, asked: Asked) -> Zeroizing<Vec<u8>> {
        let request = match asked {
            Asked::Line(line) => Request::parse(&line).map_err(|error| error.to_string()),
            Asked::Nothing(text) => Err(text),
        };
        match request {
            Ok(Request::Get { address, deadline, identity }) => self.get(&address, deadline, &identity).await,
            Ok(Request::Erase { address }) => {
                self.resolver.invalidate(self.settings.question(&address).request.registry());
                protocol::done()
            }
            Ok(Request::Version) => protocol::version(),
            Err(text) => protocol::failed(&text, Outcome::Invalid),
        }
    }

    async fn get(&self, address: &str, deadline: Option<Duration>, identity: &Identity) -> Zeroizing<Vec<u8>> {
        let question = self.settings.question_as(address, identity);
        let budget = self.resolver.budget().clone();
        // Nobody gets more than the daemon gives.
        let deadline = deadline.map_or(budget.deadline, |deadline| deadline.min(budget.deadline));
        let budget = budget.with_deadline(deadline);
        let lookup = self.resolver.look_up(question.request, &budget, &CancelToken::new()).await;
        match lookup.result {
            Ok(credential) => protocol::found(address, &credential),
            Err(error) => protocol::failed(&error.to_string(), Outcome::from(&error)),
        }
    }
}

/// What came instead of a line, or the line.
enum Asked {
    Line(Zeroizing<Vec<u8>>),
    /// Why there is none.
    Nothing(String),
}
