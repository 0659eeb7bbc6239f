//! What is remembered: credentials as long as they live, and for some seconds that there is none.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::cache::{Key, Moment};
use crate::credential::Credential;
use crate::error::Error;
use crate::life::{Life, Lot, Phase, REFRESH_PAUSE};

/// The longest that an attempt to replace a stale credential may take, whatever other lookups may.
pub(crate) const LONGEST_REFRESH: Duration = REFRESH_PAUSE;

/// Answers by key, of which there are not more than so many.
pub(super) struct Memory {
    capacity: usize,
    entries: HashMap<Key, Entry>,
    negative_ttl: Duration,
    /// How often anything was recalled or remembered.
    uses: u64,
}

/// What is known for a key.
pub(super) enum Recalled {
    Fresh(Credential),
    Nothing(Error),
    Stale(Credential),
}

/// Somebody looks for a better credential than a stale one, until this is dropped.
pub(crate) struct Refreshing(#[expect(dead_code, reason = "it is there, and that is all")] Arc<()>);

struct Entry {
    known: Known,
    last_use: u64,
}

enum Known {
    Credential(Held),
    /// For ever, where the moment lies beyond what the clock can count.
    Nothing {
        error: Error,
        until: Option<Instant>,
    },
}

struct Held {
    credential: Credential,
    /// When it was asked for, by the clock that nobody sets.
    begin: Instant,
    life: Life,
    /// The latest attempt to replace it, and when the next one may be made.
    refresh: Option<(Weak<()>, Instant)>,
}

impl Memory {
    pub(super) fn new(capacity: usize, negative_ttl: Duration) -> Self {
        Self { capacity, entries: HashMap::new(), negative_ttl, uses: 0 }
    }

    /// What is known at a moment. What is over by then is forgotten.
    pub(super) fn recall(&mut self, key: &Key, now: Moment) -> Option<Recalled> {
        self.uses += 1;
        let entry = self.entries.get_mut(key)?;
        entry.last_use = self.uses;
        let recalled = entry.known.at(now);
        if recalled.is_none() {
            self.entries.remove(key);
        }
        recalled
    }

    /// Lets somebody look for a better credential, if nobody does and nobody has failed to a moment ago. An attempt that should be over
    /// by now is on a runtime that nobody drives, and holds up nobody else.
    pub(super) fn begin_refresh(&mut self, key: &Key, now: Moment) -> Option<Refreshing> {
        let Known::Credential(held) = &mut self.entries.get_mut(key)?.known else { return None };
        let waits = |(latest, next): &(Weak<()>, Instant)| {
            now.steady < *next || latest.strong_count() > 0 && now.steady < *next + LONGEST_REFRESH
        };
        if held.refresh.as_ref().is_some_and(waits) {
            return None;
        }
        let mark = Arc::new(());
        held.refresh = Some((Arc::downgrade(&mark), now.steady + REFRESH_PAUSE));
        Some(Refreshing(mark))
    }

    /// Remembers what has come of a lookup that was begun at one moment and is over at another, if it is one of two things: a
    /// credential that says how long it lives, or that there is none. Whatever else went wrong may be right again at once.
    pub(super) fn remember(&mut self, key: &Key, begin: Moment, now: Moment, result: &Result<Credential, Error>) {
        let known = match result {
            Ok(credential) => Held::new(credential, begin).map(Known::Credential),
            Err(error @ Error::NoCredentials(_)) if !self.has_credential(key, now) => {
                Some(Known::Nothing { error: error.clone(), until: now.steady.checked_add(self.negative_ttl) })
            }
            Err(_) => None,
        };
        let Some(known) = known.filter(|known| !known.is_over(now)) else { return };
        self.uses += 1;
        self.entries.insert(key.clone(), Entry { known, last_use: self.uses });
        self.make_room(now);
    }

    /// Forgets all identities' entries of a registry.
    pub(super) fn forget(&mut self, registry: &str) {
        self.entries.retain(|key, _| key.registry() != registry);
    }

    /// An attempt to replace a credential may find that its source is gone: what was found before still serves.
    fn has_credential(&self, key: &Key, now: Moment) -> bool {
        self.entries
            .get(key)
            .is_some_and(|entry| matches!(&entry.known, Known::Credential(_)) && !entry.known.is_over(now))
    }

    /// Drops what is over, if it is too much in all, and then what was not asked for for the longest time. It looks at all of them:
    /// so few are not worth an index.
    fn make_room(&mut self, now: Moment) {
        if self.entries.len() > self.capacity {
            self.entries.retain(|_, entry| !entry.known.is_over(now));
        }
        while self.entries.len() > self.capacity {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.last_use).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { return };
            self.entries.remove(&oldest);
        }
    }
}

impl Known {
    /// `None` where it is over.
    fn at(&self, now: Moment) -> Option<Recalled> {
        match self {
            Self::Credential(held) => match held.phase(now) {
                Phase::Fresh => Some(Recalled::Fresh(held.credential.clone())),
                Phase::Stale => Some(Recalled::Stale(held.credential.clone())),
                Phase::Over => None,
            },
            Self::Nothing { error, until } => {
                until.is_none_or(|until| now.steady < until).then(|| Recalled::Nothing(error.clone()))
            }
        }
    }

    fn is_over(&self, now: Moment) -> bool {
        self.at(now).is_none()
    }
}

impl Held {
    /// `None` for a credential that does not say when it ends.
    fn new(credential: &Credential, begin: Moment) -> Option<Self> {
        let life = Life::new(begin.wall, credential.expires_at?, Lot::draw());
        Some(Self { credential: credential.clone(), begin: begin.steady, life, refresh: None })
    }

    fn phase(&self, now: Moment) -> Phase {
        self.life.phase(now.wall, Some(now.steady.saturating_duration_since(self.begin)))
    }
}

#[cfg(test)]
mod tests;
