//! Lookups of one run of the command: all at once, on one thread, until each has an answer or something ends the command. What other
//! runs have found is taken from the file cache.

mod cached;
mod clerk;
mod daemon;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::process;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use keyward::{CancelToken, Config, Credential, Error, Outcome, Request, Resolver, SetupError, Trace};
use keyward_ecr::registry::Registry;
use tokio::runtime::{self, Runtime};
use tokio_util::sync::CancellationToken;

use crate::frontend::{print, progress};
use crate::interrupt::{Interruption, interrupted, signalled};
use crate::logs;
pub(crate) use crate::lookup::cached::{Cached, with_cache};
use crate::lookup::cached::{Known, Shelf};
use crate::settings::{Question, Settings};

/// Why the command has no credential.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Who cancelled the lookup.
    interruption: Option<Interruption>,
    /// What somebody else has said of it, in the place of the error's own words.
    said: Option<Box<Said>>,
}

/// A text in a place of its own: failures are passed around, and few have one.
#[derive(Clone, Debug)]
struct Said(String);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, interruption: None, said: None }
    }
}

impl Failure {
    /// One that somebody else tells of.
    fn said(error: Error, text: String) -> Self {
        Self { said: Some(Box::new(Said(text))), ..error.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(interruption) = &self.interruption {
            write!(formatter, "{interruption}: ")?;
        }
        match &self.said {
            Some(said) => formatter.write_str(&said.0),
            None => write!(formatter, "{}", self.error),
        }
    }
}

/// What came of one lookup.
pub(crate) type Answer = Result<Credential, Failure>;

/// An answer, and what somebody should hear besides it: lines without an end.
#[derive(Debug)]
struct Answered {
    answer: Answer,
    notes: Vec<String>,
}

impl Answered {
    fn without_notes(answer: Answer) -> Self {
        Self { answer, notes: Vec::new() }
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

/// The answer of a lookup that is made whatever the cache has, and that it does not keep; and what the cache has. The trace tells what the lookup
/// did, and its component what it found on the way.
pub(crate) fn watch(settings: &Settings, question: &Question, trace: &Trace) -> (Answer, Cached) {
    logs::begin(settings.log);
    if !settings.serves(question) {
        return (Err(Error::NotOurRegistry.into()), Cached::NotAsked);
    }
    let config = settings.config();
    let deadline = settings.budget.deadline;
    let (_, known) = Shelf::open(settings.cache.as_deref(), &config, vec![question.request.clone()], deadline);
    let cached = known.into_iter().next().map_or(Cached::Off, Known::cached);
    // The cache knows nothing of explanations.
    let explained = Question { request: question.request.clone().with_explanation(), ..question.clone() };
    let (questions, traces) = (std::slice::from_ref(&explained), std::slice::from_ref(trace));
    let mut answered = look_up_all(&config, questions, traces, &Shelf::without_cache(deadline), vec![Known::NotKept]);
    (answered.swap_remove(0).answer, cached)
}

/// Has a daemon forget what it remembers of a registry, where one is asked.
pub(crate) fn forget_at_daemon(settings: &Settings, question: &Question) {
    if let Some(socket) = settings.daemon_to_ask() {
        daemon::erase(socket, &question.address, settings.budget.deadline);
    }
}

/// As [`resolve_all`], and nothing is said.
fn answer_all(settings: &Settings, questions: &[Question]) -> Vec<Answered> {
    let begin = Instant::now();
    logs::begin(settings.log);
    let socket = settings.daemon_to_ask().filter(|_| questions.len() <= daemon::MAX_QUESTIONS);
    let Some(socket) = socket else { return look_up_here(settings, questions, begin) };
    let (asked, runtime) = daemon::ask_all(settings, socket, questions, begin);
    // Those that it has not answered: whoever needs a credential gets one without it too.
    let left = questions.iter().zip(&asked).filter(|(_, answer)| answer.is_err());
    let left: Vec<Question> = left.map(|(question, _)| question.clone()).collect();
    let mut here = look_up_here(settings, &left, begin).into_iter();
    let answers = questions.iter().zip(asked).filter_map(|(question, answer)| match answer {
        Ok(answer) => {
            log(&question.request, &answer, "the daemon has answered");
            Some(Answered::without_notes(answer))
        }
        Err(cause) => {
            let mut answered = here.next()?;
            // What nobody is looked up for is not worth a word.
            if settings.serves(question) {
                answered.notes.push(format!("the daemon at {} was not used, since {cause}", socket.display()));
            }
            Some(answered)
        }
    });
    let answers = answers.collect();
    if let Some(runtime) = runtime {
        exit_at_signal(runtime);
    }
    answers
}

/// As [`answer_all`], without a daemon.
fn look_up_here(settings: &Settings, questions: &[Question], begin: Instant) -> Vec<Answered> {
    // Where nobody has to be asked, neither engine nor runtime is made, and no file is looked at.
    let is_served: Vec<bool> = questions.iter().map(|question| settings.serves(question)).collect();
    if !is_served.contains(&true) {
        let not_ours = |question: &Question| {
            let answer = Err(Error::NotOurRegistry.into());
            log(&question.request, &answer, "nothing is looked up");
            Answered::without_notes(answer)
        };
        return questions.iter().map(not_ours).collect();
    }
    let config = settings.config();
    let served = questions.iter().zip(&is_served).filter(|(_, is_served)| **is_served);
    let requests = served.map(|(question, _)| question.request.clone()).collect();
    let (mut shelf, known) = Shelf::open(settings.cache.as_deref(), &config, requests, settings.budget.deadline);
    shelf.begin = begin;
    let mut known = known.into_iter();
    let of = |is_served: &bool| if *is_served { known.next() } else { None };
    let known: Vec<Known> = is_served.iter().map(of).map(|known| known.unwrap_or(Known::NotKept)).collect();
    for (question, known) in questions.iter().zip(&known) {
        if let Known::Answered(answered) = known {
            log(&question.request, &answered.answer, "the cache has answered");
        }
    }
    if known.iter().all(|known| matches!(known, Known::Answered(_))) {
        return known.into_iter().filter_map(Known::answered).collect();
    }
    let traces: Vec<Trace> = questions.iter().map(|_| Trace::new()).collect();
    let answered = look_up_all(&config, questions, &traces, &shelf, known);
    shelf.close();
    answered
}

/// On a runtime of one thread. Of each question, the trace tells what its lookup does.
fn look_up_all(
    config: &Config,
    questions: &[Question],
    traces: &[Trace],
    shelf: &Shelf,
    known: Vec<Known>,
) -> Vec<Answered> {
    let (resolver, runtime) = match prepare(config, questions.len()) {
        Ok(prepared) => prepared,
        Err(failure) => return known.into_iter().map(|known| known.or_failed(&failure)).collect(),
    };
    let (cancel, is_interrupted) = (CancelToken::new(), CancellationToken::new());
    let interruption = OnceCell::new();
    let answered = runtime.block_on(async {
        let answers = questions.iter().zip(traces).zip(known).map(|((question, trace), known)| {
            let look_up = async |left| {
                let budget = resolver.budget().clone().with_deadline(left);
                let lookup = resolver.look_up_traced(question.request.clone(), &budget, &cancel, trace).await;
                lookup.result.map_err(|error| Failure {
                    error: of_the_whole(error, resolver.budget().deadline),
                    interruption: interruption.get().copied(),
                    said: None,
                })
            };
            shelf.answer(&question.request, known, &is_interrupted, look_up)
        });
        let mut answers = std::pin::pin!(join_all(answers));
        let ended_by = tokio::select! {
            biased;
            ended_by = interrupted() => ended_by.map_err(|cause| internal("no signals", &cause))?,
            never = progress::show(traces, || shelf.queued(), shelf.begin, resolver.budget().deadline) => match never {},
            answered = &mut answers => return Ok(answered),
        };
        // They end at once, and say what they were waiting for.
        interruption.get_or_init(|| ended_by);
        cancel.cancel();
        is_interrupted.cancel();
        Ok(answers.await)
    });
    exit_at_signal(runtime);
    answered.unwrap_or_else(|failure: Failure| {
        questions.iter().map(|_| Answered::without_notes(Err(failure.clone()))).collect()
    })
}

/// While the answer is written, nobody else would hear of a signal, and a full pipe may take none. Without a thread to be had, the answer
/// counts.
fn exit_at_signal(runtime: Runtime) {
    let _ = std::thread::Builder::new().spawn(move || {
        if runtime.block_on(signalled()).is_ok() {
            process::exit(print::CANCELLED.into());
        }
    });
}

/// Logs an answer that no lookup of this process's resolver has given: that logs its own. As there, neither the address as it was typed is
/// in it, nor anything else of the question.
fn log(request: &Request, answer: &Answer, by: &'static str) {
    let registry = || Registry::parse(request.registry()).ok().map(|registry| registry.host);
    let outcome = || answer.as_ref().map_or_else(|failure| Outcome::from(&failure.error), |_| Outcome::Found);
    tracing::info!(registry = registry(), outcome = outcome().as_str(), "{by}");
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
