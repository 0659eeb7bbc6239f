//! Lookups of one run of the command: all at once, on one thread, until each has an answer or something ends the command. What other
//! runs have found is taken from the file cache.

mod cached;
mod clerk;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::process;
use std::time::Duration;

use futures_util::future::join_all;
use keyward::{CancelToken, Config, Credential, Error, FileCacheError, Resolver, SetupError};
use tokio::runtime::{self, Runtime};
use tokio_util::sync::CancellationToken;

use crate::frontend::print;
use crate::interrupt::{Interruption, interrupted, signalled};
use crate::lookup::cached::{Known, Shelf};
use crate::settings::{Question, Settings};

/// Why the command has no credential.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Who cancelled the lookup.
    interruption: Option<Interruption>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, interruption: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(interruption) = &self.interruption {
            write!(formatter, "{interruption}: ")?;
        }
        write!(formatter, "{}", self.error)
    }
}

/// What came of one lookup.
pub(crate) type Answer = Result<Credential, Failure>;

/// An answer, and what the file cache had to do with it.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    #[expect(dead_code, reason = "what explains an answer comes next")]
    pub(crate) cache: CacheUse,
    /// What somebody should hear besides the answer: lines without an end.
    pub(crate) notes: Vec<String>,
}

/// What the file cache had to do with an answer.
#[derive(Clone, Debug)]
pub(crate) enum CacheUse {
    /// It had the answer, or another process found it at this moment.
    Hit,
    /// Half of its credential's life has passed, and no new one was to be had, for this reason: it has handed it out.
    #[expect(dead_code, reason = "what explains an answer comes next")]
    Kept(Failure),
    /// It had nothing.
    Miss,
    /// There is none, or it does not keep what was asked for.
    Off,
    /// Half of its credential's life had passed, and a new one was found.
    Refreshed,
    /// Its disk does not answer.
    Silent,
    /// It cannot be used.
    #[expect(dead_code, reason = "what explains an answer comes next")]
    Unused(FileCacheError),
}

impl Answered {
    fn without_cache(answer: Answer) -> Self {
        Self { answer, cache: CacheUse::Off, notes: Vec::new() }
    }
}

/// The answer to one question.
pub(crate) fn resolve(settings: &Settings, question: &Question) -> Answer {
    resolve_all(settings, std::slice::from_ref(question)).swap_remove(0)
}

/// The answers to several questions, in their order. They are looked up concurrently, each with a budget of its own. What somebody should
/// hear besides is said on the standard error stream.
pub(crate) fn resolve_all(settings: &Settings, questions: &[Question]) -> Vec<Answer> {
    let answered = answer_all(settings, questions);
    let notes: BTreeSet<&String> = answered.iter().flat_map(|answered| &answered.notes).collect();
    for note in notes {
        // Without a reader of it, it is worth nothing.
        let _ = writeln!(io::stderr(), "note: {note}");
    }
    answered.into_iter().map(|answered| answered.answer).collect()
}

/// As [`resolve_all`], with what the file cache had to do with it; and nothing is said.
pub(crate) fn answer_all(settings: &Settings, questions: &[Question]) -> Vec<Answered> {
    // Where nobody has to be asked, neither engine nor runtime is made, and no file is looked at.
    let is_served: Vec<bool> = questions.iter().map(|question| settings.serves(question)).collect();
    if !is_served.contains(&true) {
        let not_ours = |_| Answered::without_cache(Err(Error::NotOurRegistry.into()));
        return questions.iter().map(not_ours).collect();
    }
    let config = settings.config();
    let served = questions.iter().zip(&is_served).filter(|(_, is_served)| **is_served);
    let requests = served.map(|(question, _)| question.request.clone()).collect();
    let (shelf, known) = Shelf::open(settings.cache.as_deref(), &config, requests, settings.budget.deadline);
    let mut known = known.into_iter();
    let of = |is_served: &bool| if *is_served { known.next() } else { None };
    let known: Vec<Known> = is_served.iter().map(of).map(|known| known.unwrap_or(Known::NotKept)).collect();
    if known.iter().all(|known| matches!(known, Known::Answered(_))) {
        return known.into_iter().filter_map(Known::answered).collect();
    }
    let answered = look_up_all(&config, questions, &shelf, known);
    shelf.close();
    answered
}

/// On a runtime of one thread.
fn look_up_all(config: &Config, questions: &[Question], shelf: &Shelf, known: Vec<Known>) -> Vec<Answered> {
    let (resolver, runtime) = match prepare(config, questions.len()) {
        Ok(prepared) => prepared,
        Err(failure) => return known.into_iter().map(|known| known.or_failed(&failure)).collect(),
    };
    let (cancel, is_interrupted) = (CancelToken::new(), CancellationToken::new());
    let interruption = OnceCell::new();
    let answered = runtime.block_on(async {
        let answers = questions.iter().zip(known).map(|(question, known)| {
            let look_up = async |left| {
                let budget = resolver.budget().clone().with_deadline(left);
                let lookup = resolver.look_up(question.request.clone(), &budget, &cancel).await;
                lookup.result.map_err(|error| Failure {
                    error: of_the_whole(error, resolver.budget().deadline),
                    interruption: interruption.get().copied(),
                })
            };
            shelf.answer(&question.request, known, &is_interrupted, look_up)
        });
        let mut answers = std::pin::pin!(join_all(answers));
        let ended_by = tokio::select! {
            biased;
            ended_by = interrupted() => ended_by.map_err(|cause| internal("no signals", &cause))?,
            answered = &mut answers => return Ok(answered),
        };
        // They end at once, and say what they were waiting for.
        interruption.get_or_init(|| ended_by);
        cancel.cancel();
        is_interrupted.cancel();
        Ok(answers.await)
    });
    // While the answer is written, nobody else would hear of a signal, and a full pipe may take none. Without a thread to be had,
    // the answer counts.
    let _ = std::thread::Builder::new().spawn(move || {
        if runtime.block_on(signalled()).is_ok() {
            process::exit(print::CANCELLED.into());
        }
    });
    answered.unwrap_or_else(|failure: Failure| {
        questions.iter().map(|_| Answered::without_cache(Err(failure.clone()))).collect()
    })
}

fn prepare(config: &Config, lookups: usize) -> Result<(Resolver, Runtime), Failure> {
    // Without a pool, where they are few.
    let config = config.clone().with_max_live_lookups(lookups);
    let resolver = Resolver::new(&config).map_err(|error| match error {
        SetupError::Allowed { .. } => Error::Invalid(error.to_string()),
        other => Error::Internal(other.to_string()),
    })?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    Ok((resolver, runtime.map_err(|cause| internal("no runtime", &cause))?))
}

/// What a lookup says that was given what the cache had left of the deadline: it is over when the whole of it is.
fn of_the_whole(error: Error, deadline: Duration) -> Error {
    match error {
        Error::Timeout { waiting_for, .. } => Error::Timeout { deadline, waiting_for },
        other => other,
    }
}

fn internal(what: &str, cause: &dyn fmt::Display) -> Error {
    Error::Internal(format!("{what}: {cause}"))
}
