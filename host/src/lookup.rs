//! Lookups of one run of the command: all at once, on one thread, until each has an answer or something ends the command.

use std::fmt;
use std::process;

use futures_util::future::join_all;
use keyward::{CancelToken, Config, Credential, Error, Resolver, SetupError, Trace};
use tokio::runtime;

use crate::frontend::{print, progress};
use crate::interrupt::{Interruption, interrupted, signalled};
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

/// The answer to one question.
pub(crate) fn resolve(settings: &Settings, question: &Question) -> Answer {
    resolve_all(settings, std::slice::from_ref(question)).swap_remove(0)
}

/// The answers to several questions, in their order. They are looked up concurrently, each with a budget of its own.
pub(crate) fn resolve_all(settings: &Settings, questions: &[Question]) -> Vec<Answer> {
    let traces: Vec<Trace> = questions.iter().map(|_| Trace::new()).collect();
    resolve_traced(settings, questions, &traces)
}

/// As [`resolve_all`]. Of each question, the trace tells what its lookup did.
pub(crate) fn resolve_traced(settings: &Settings, questions: &[Question], traces: &[Trace]) -> Vec<Answer> {
    // Where nobody has to be asked, neither engine nor runtime is made.
    if questions.iter().all(|question| !settings.serves(question)) {
        return questions.iter().map(|_| Err(Error::NotOurRegistry.into())).collect();
    }
    look_up_all(&settings.config(), questions, traces)
        .unwrap_or_else(|failure| questions.iter().map(|_| Err(failure.clone())).collect())
}

/// On a runtime of one thread.
fn look_up_all(config: &Config, questions: &[Question], traces: &[Trace]) -> Result<Vec<Answer>, Failure> {
    let internal = |what: &str, cause: &dyn fmt::Display| Error::Internal(format!("{what}: {cause}"));
    // Without a pool, where they are few.
    let config = config.clone().with_max_live_lookups(questions.len());
    let resolver = Resolver::new(&config).map_err(|error| match error {
        SetupError::Allowed { .. } => Error::Invalid(error.to_string()),
        other => Error::Internal(other.to_string()),
    })?;
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().map_err(|cause| internal("no runtime", &cause))?;
    let answers = runtime.block_on(async {
        let cancel = CancelToken::new();
        let lookups = questions.iter().zip(traces).map(|(question, trace)| {
            let lookup = resolver.look_up_traced(question.request.clone(), resolver.budget(), &cancel, trace);
            async { lookup.await.result }
        });
        let mut lookups = std::pin::pin!(join_all(lookups));
        let interruption = tokio::select! {
            biased;
            interruption = interrupted() => interruption.map_err(|cause| internal("no signals", &cause))?,
            never = progress::show(traces, resolver.budget().deadline) => match never {},
            results = &mut lookups => return Ok(results.into_iter().map(|result| result.map_err(Failure::from)).collect()),
        };
        // They end at once, and say what they were waiting for.
        cancel.cancel();
        let interruption = Some(interruption);
        let results = lookups.await.into_iter();
        Ok(results.map(|result| result.map_err(|error| Failure { error, interruption })).collect())
    });
    // While the answer is written, nobody else would hear of a signal, and a full pipe may take none. Without a thread to be had,
    // the answer counts.
    let _ = std::thread::Builder::new().spawn(move || {
        if runtime.block_on(signalled()).is_ok() {
            process::exit(print::CANCELLED.into());
        }
    });
    answers
}
