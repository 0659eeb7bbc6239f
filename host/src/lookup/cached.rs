//! The file cache around the lookups of one run of the command.
//!
//! Times: an answer takes no longer than the deadline, the cache included. For a dead disk it waits a quarter of that, and no more than
//! two seconds or what is left, and then does without for the rest of the run. A lookup leaves a little for what it finds to be written.
//! For the lookup of another process it waits half of the deadline, and then looks up itself, without the lock: what is wrong is then in
//! its own error, and not that it has waited for somebody.
//!
//! A credential that was read once is in memory: whatever fails afterwards, the disk included, it is handed out until it is over.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keyward::{Config, Credential, FileCache, FileCacheEntry, FileCacheError, FileCacheLock, Request};
use keyward_ecr::time::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::lookup::clerk::Clerk;
use crate::lookup::{Answer, Answered, Failure, log};
use crate::settings::Settings;

const MAX_PATIENCE: Duration = Duration::from_secs(2);

/// What a lookup leaves of the deadline for the disk, and no more than a twentieth of it: a disk that lives takes a few milliseconds.
const MAX_RESERVE: Duration = Duration::from_millis(100);

/// The pauses in which a lock is tried that another process has.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const MAX_PAUSE: Duration = Duration::from_millis(100);

/// What the cache has for one request.
type Found = Result<Option<FileCacheEntry>, FileCacheError>;

/// The cache of one run, or none.
pub(super) struct Shelf {
    /// When the time of the deadline began.
    pub(super) begin: Instant,
    deadline: Duration,
    open: Option<Open>,
    /// How many lookups wait for those of other processes.
    queued: AtomicUsize,
}

/// A cache that can be used.
struct Open {
    cache: Arc<FileCache>,
    clerk: Clerk,
    /// Whether something was kept in this run.
    has_new: AtomicBool,
}

/// What is known of a question before anybody is asked.
pub(super) enum Known {
    /// The answer.
    Answered(Answered),
    /// What there is instead of one that could be handed out at once, the credential among it that is to be refreshed; and what somebody
    /// should hear of it.
    Open { cached: Cached, old: Option<FileCacheEntry>, notes: Vec<String> },
    /// It is nothing that the cache keeps.
    NotKept,
}

/// What the cache has for a question.
#[derive(Debug)]
pub(crate) enum Cached {
    /// A credential that is fresh.
    Fresh,
    /// It was not asked, since nothing is looked up.
    NotAsked,
    /// Nothing.
    Nothing,
    /// There is no cache.
    Off,
    /// Its disk does not answer.
    Silent,
    /// A credential that is to be refreshed, and is handed out where that fails.
    Stale,
    /// It cannot be used.
    Unusable(FileCacheError),
}

impl Known {
    pub(super) fn answered(self) -> Option<Answered> {
        match self {
            Self::Answered(answered) => Some(answered),
            Self::Open { .. } | Self::NotKept => None,
        }
    }

    pub(super) fn cached(self) -> Cached {
        match self {
            Self::Answered(_) => Cached::Fresh,
            Self::Open { cached, .. } => cached,
            Self::NotKept => Cached::Nothing,
        }
    }

    /// The answer where nobody can be asked.
    pub(super) fn or_failed(self, failure: &Failure) -> Answered {
        match self {
            Self::Answered(answered) => answered,
            Self::Open { old, notes, .. } => instead_of(failure.clone(), old, notes),
            Self::NotKept => Answered::without_notes(Err(failure.clone())),
        }
    }
}

impl Shelf {
    /// No cache.
    pub(super) fn without_cache(deadline: Duration) -> Self {
        Self { begin: Instant::now(), deadline, open: None, queued: AtomicUsize::new(0) }
    }

    /// Opens the cache and looks for what it has for each request.
    pub(super) fn open(
        folder: Option<&Path>,
        config: &Config,
        requests: Vec<Request>,
        deadline: Duration,
    ) -> (Self, Vec<Known>) {
        let mut shelf = Self::without_cache(deadline);
        let without = |cached: &dyn Fn() -> Cached, notes: Vec<String>, count: usize| {
            (0..count).map(|_| Known::Open { cached: cached(), old: None, notes: notes.clone() }).collect()
        };
        let count = requests.len();
        let Some((folder, clerk)) = folder.and_then(|folder| Some((folder.to_owned(), Clerk::start()?))) else {
            return (shelf, without(&|| Cached::Off, Vec::new(), count));
        };
        let config = config.clone();
        let look = move || -> Result<(FileCache, Vec<Found>), FileCacheError> {
            let cache = FileCache::open(&folder, &config)?;
            let found = requests.iter().map(|request| cache.find(request)).collect();
            Ok((cache, found))
        };
        match clerk.ask(shelf.patience(), look) {
            Some(Ok((cache, found))) => {
                shelf.open = Some(Open { cache: Arc::new(cache), clerk, has_new: AtomicBool::new(false) });
                (shelf, found.into_iter().map(known).collect())
            }
            Some(Err(error)) => {
                let notes = note(&error).into_iter().collect();
                (shelf, without(&|| Cached::Unusable(error.clone()), notes, count))
            }
            None => (shelf, without(&|| Cached::Silent, Vec::new(), count)),
        }
    }

    /// The answer to a question that the cache alone could not answer. `look_up` is given the time that is left for it.
    pub(super) async fn answer(
        &self,
        request: &Request,
        known: Known,
        interrupted: &CancellationToken,
        look_up: impl AsyncFnOnce(Duration) -> Answer,
    ) -> Answered {
        let (old, mut notes) = match known {
            Known::Answered(answered) => return answered,
            Known::Open { old, notes, .. } => (old, notes),
            Known::NotKept => return Answered::without_notes(look_up(self.left()).await),
        };
        let Some(open) = &self.open else {
            return answered(look_up(self.left()).await, old, notes);
        };
        let turn = interrupted.run_until_cancelled(self.turn(open, request, old.as_ref())).await;
        let (held, old) = match turn.unwrap_or(Turn::Alone) {
            Turn::Answered(credential) => {
                let answer = Ok(credential);
                log(request, &answer, "the lookup of another process has answered");
                return Answered { answer, notes };
            }
            Turn::Alone => return answered(look_up(self.left()).await, old, notes),
            Turn::Own { held, old } => (held, old),
        };
        let answer = look_up(self.left().saturating_sub(self.reserve())).await;
        let (cache, request) = (open.cache.clone(), request.clone());
        match &answer {
            Ok(credential) => {
                let new = credential.clone();
                let store = held.last_job(move || cache.store(&request, &new));
                open.has_new.store(true, Ordering::Relaxed);
                let stored = open.clerk.ask_from_task(self.patience(), store).await;
                notes.extend(stored.and_then(|stored| note(&stored.err()?)));
            }
            Err(failure) if old.is_some() && failure.interruption.is_none() => {
                // Nobody waits for that. Where nothing can be written, the next one tries again.
                open.clerk.tell(held.last_job(move || drop(cache.refresh_failed(&request))));
            }
            Err(_) => {}
        }
        answered(answer, old, notes)
    }

    /// Tidies up, when every answer is there; within the deadline, since they are written after that. What is not done by then is left
    /// to the next run.
    pub(super) fn close(&self) {
        let patience = self.patience();
        if let Some(open) = &self.open
            && !patience.is_zero()
        {
            let (cache, has_new) = (open.cache.clone(), open.has_new.load(Ordering::Relaxed));
            // Also where there is nothing to be pruned: locks may still have to be given back.
            open.clerk.ask(patience, move || {
                if has_new {
                    cache.prune()
                }
            });
        }
    }

    /// Waits until this process may look up, or another one has found something. What was found before counts where the disk does not
    /// say any more what there is.
    async fn turn(&self, open: &Open, request: &Request, old: Option<&FileCacheEntry>) -> Turn {
        let mut pause = FIRST_PAUSE;
        loop {
            let (cache, request, clerk) = (open.cache.clone(), request.clone(), open.clerk.clone());
            let attempt = move || {
                let lock = cache.try_lock(&request).map(|lock| lock.map(|lock| Held { lock: Some(lock), clerk }));
                // In this order, so that what another process has found before it gave the lock back is seen.
                (lock, cache.find(&request))
            };
            let Some((lock, found)) = open.clerk.ask_from_task(self.patience(), attempt).await else {
                return Turn::Alone;
            };
            let old = found.unwrap_or_else(|_| old.filter(|old| !old.is_over()).cloned());
            let held = match (lock, &old) {
                (_, Some(FileCacheEntry { credential, is_due: false, .. })) => {
                    return Turn::Answered(credential.clone());
                }
                // Somebody else is looking for a new one, and this one is good for as long.
                (Ok(None), Some(FileCacheEntry { credential, .. })) => return Turn::Answered(credential.clone()),
                (Ok(None), None) if self.begin.elapsed() < self.deadline / 2 => {
                    let _queued = Queued::new(&self.queued);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 3 / 2).min(MAX_PAUSE);
                    continue;
                }
                (Ok(Some(held)), _) => held,
                // It was waited for long enough, or this disk has no locks.
                (Ok(None) | Err(_), _) => Held { lock: None, clerk: open.clerk.clone() },
            };
            return Turn::Own { held, old };
        }
    }

    /// How many lookups wait for those of other processes.
    pub(super) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    fn patience(&self) -> Duration {
        patience(self.deadline).min(self.left())
    }

    fn reserve(&self) -> Duration {
        (self.deadline / 20).min(MAX_RESERVE)
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.begin.elapsed())
    }
}

/// What a job makes of the cache that is there; `None` where there is none, or where its disk does not answer.
pub(crate) fn with_cache<T: Send + 'static>(
    settings: &Settings,
    job: impl FnOnce(FileCache) -> T + Send + 'static,
) -> Option<T> {
    let (folder, config) = (settings.cache.clone()?, settings.config());
    let open = move || FileCache::open_existing(&folder, &config).ok().map(job);
    Clerk::start()?.ask(patience(settings.budget.deadline), open)?
}

/// How long a disk is waited for.
fn patience(deadline: Duration) -> Duration {
    (deadline / 4).min(MAX_PATIENCE)
}

enum Turn {
    /// Another process has found it.
    Answered(Credential),
    /// This one looks up, without the cache.
    Alone,
    /// This one looks up, and keeps what it finds.
    Own { held: Held, old: Option<FileCacheEntry> },
}

/// A lookup that waits for another process, as long as this is there: a wait may be dropped.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn new(queued: &'a AtomicUsize) -> Self {
        queued.fetch_add(1, Ordering::Relaxed);
        Self(queued)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The right to look up, or what there is instead of it. The clerk gives it back.
struct Held {
    lock: Option<FileCacheLock>,
    clerk: Clerk,
}

impl Held {
    /// What is done before it is given back.
    fn last_job<T>(mut self, job: impl FnOnce() -> T + Send + 'static) -> impl FnOnce() -> T + Send + 'static
    where
        T: 'static,
    {
        let lock = self.lock.take();
        move || {
            let result = job();
            drop(lock);
            result
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            self.clerk.tell(move || drop(lock));
        }
    }
}

/// What comes of a lookup, where there is an old credential or none.
fn answered(answer: Answer, old: Option<FileCacheEntry>, notes: Vec<String>) -> Answered {
    match answer {
        Ok(credential) => Answered { answer: Ok(credential), notes },
        Err(failure) => instead_of(failure, old, notes),
    }
}

/// The old credential instead of a failure. By now, it may be over; and who is told to end ends.
fn instead_of(failure: Failure, old: Option<FileCacheEntry>, mut notes: Vec<String>) -> Answered {
    match old.filter(|old| failure.interruption.is_none() && !old.is_over()) {
        Some(FileCacheEntry { credential, .. }) => {
            let until = Timestamp { seconds: credential.expires_at.unwrap_or_default() }.rfc3339();
            notes.push(format!("{failure}; the credential that was found before is handed out, until {until}"));
            Answered { answer: Ok(credential), notes }
        }
        None => Answered { answer: Err(failure), notes },
    }
}

fn known(found: Found) -> Known {
    let (cached, old, notes) = match found {
        Ok(Some(FileCacheEntry { credential, is_due: false, .. })) => {
            return Known::Answered(Answered::without_notes(Ok(credential)));
        }
        Ok(Some(old)) => (Cached::Stale, Some(old), Vec::new()),
        Ok(None) => (Cached::Nothing, None, Vec::new()),
        Err(error) => {
            let notes = note(&error).into_iter().collect();
            (Cached::Unusable(error), None, notes)
        }
    };
    Known::Open { cached, old, notes }
}

/// What a person reads of it.
fn note(error: &FileCacheError) -> Option<String> {
    error.is_worth_saying().then(|| error.to_string())
}

#[cfg(test)]
mod tests;
