//! One entry: a credential, and what says how long it may be handed out.

use std::path::Path;
use std::time::Duration;

use keyward_ecr::secret::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::credential::Credential;
use crate::file_cache::error::FileCacheReason;
use crate::file_cache::machine::{Moment, SinceBoot};
use crate::file_cache::private;
use crate::life::{Life, Lot, Phase, REFRESH_PAUSE};

/// The most bytes that an entry may have. The passwords of Amazon ECR have some two thousand.
const MAX_BYTES: u64 = 64 * 1024;

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Entry {
    /// The registry's host, for lists.
    pub(crate) registry: String,
    username: String,
    #[serde(with = "in_clear")]
    secret: Secret,
    /// When it was found, in seconds since 1970 (UTC).
    begin: u64,
    pub(crate) expires_at: u64,
    /// When it was found, by the other clock.
    boot: Option<SinceBoot>,
    /// So that all processes take it for stale from the same moment on. Earlier releases wrote none.
    #[serde(default)]
    lot: u16,
    refresh_failed_at: Option<u64>,
}

impl Entry {
    /// `None` for a credential of which nobody knows when it ends.
    pub(crate) fn new(registry: String, credential: &Credential, now: Moment) -> Option<Self> {
        Some(Self {
            registry,
            username: credential.username.clone(),
            secret: credential.secret.clone(),
            begin: now.wall,
            expires_at: credential.expires_at?,
            boot: now.boot,
            lot: Lot::draw().0,
            refresh_failed_at: None,
        })
    }

    /// The one in a file; `None` where there is no file.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, FileCacheReason> {
        private::read(path, MAX_BYTES)?.map(|content| Self::parse(&content)).transpose()
    }

    fn parse(content: &[u8]) -> Result<Self, FileCacheReason> {
        serde_json::from_slice(content).map_err(|_| FileCacheReason::Damaged)
    }

    pub(crate) fn to_json(&self) -> Zeroizing<Vec<u8>> {
        // At once, since a vector that grows leaves copies of what it held behind. Escaped, a byte has six at most.
        let bytes = 1024 + 6 * (self.registry.len() + self.username.len() + self.secret.expose().len());
        let mut json = Zeroizing::new(Vec::with_capacity(bytes));
        serde_json::to_writer(&mut *json, self).expect("texts and numbers are JSON");
        json
    }

    pub(crate) fn credential(&self) -> Credential {
        Credential::new(&self.username, self.secret.expose().to_owned(), Some(self.expires_at))
    }

    /// How long it may be handed out.
    pub(crate) fn term(&self) -> Term {
        Term { life: Life::new(self.begin, self.expires_at, Lot(self.lot)), boot: self.boot.clone() }
    }

    /// What to do with it at a moment.
    pub(crate) fn phase(&self, now: &Moment) -> Phase {
        self.term().phase(now)
    }

    /// Whether a new one is to be looked for.
    pub(crate) fn is_due(&self, now: &Moment) -> bool {
        let since = self.refresh_failed_at.and_then(|at| now.wall.checked_sub(at));
        let is_pausing = since.is_some_and(|seconds| seconds < REFRESH_PAUSE.as_secs());
        self.phase(now) == Phase::Stale && !is_pausing
    }

    pub(crate) fn set_refresh_failed(&mut self, now: &Moment) {
        self.refresh_failed_at = Some(now.wall);
    }
}

/// How long an entry may be handed out, by both clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    life: Life,
    boot: Option<SinceBoot>,
}

impl Term {
    /// What to do with the entry at a moment.
    pub(crate) fn phase(&self, now: &Moment) -> Phase {
        match (&self.boot, &now.boot) {
            // The clock runs backwards in no machine that was not copied.
            (Some(then), Some(now_boot)) if then.id == now_boot.id => {
                match now_boot.seconds.checked_sub(then.seconds) {
                    Some(elapsed) => self.life.phase(now.wall, Some(Duration::from_secs(elapsed))),
                    None => Phase::Over,
                }
            }
            // It comes from the future: one of the two times is wrong, and nothing tells which.
            _ if now.wall < self.life.begin => Phase::Over,
            // This machine has no other clock.
            (None, None) => self.life.phase(now.wall, None),
            // It was found before the machine was started anew, and the wall's clock may have been set back since. Nothing tells, so
            // the service is asked first.
            _ => match self.life.phase(now.wall, None) {
                Phase::Fresh => Phase::Stale,
                other => other,
            },
        }
    }
}

/// In the file alone, a secret is written out.
mod in_clear {
    use keyward_ecr::secret::Secret;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        secret.expose().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;
    const BEGIN: u64 = 1_000_000;

    fn moment(wall: u64, boot: Option<(&str, u64)>) -> Moment {
        Moment { wall, boot: boot.map(|(id, seconds)| SinceBoot { id: id.to_owned(), seconds }) }
    }

    fn entry(hours: u64, begin: Moment) -> Entry {
        let credential = Credential::new("AWS", "hunter2".to_owned(), Some(BEGIN + hours * HOUR));
        Entry::new("registry".to_owned(), &credential, begin).unwrap()
    }

    #[test]
    fn an_entry_is_read_as_it_was_written_and_its_debug_form_has_no_secret() {
        let entry = entry(12, moment(BEGIN, Some(("a", 5))));
        let read = Entry::parse(&entry.to_json()).unwrap();
        assert_eq!(read.credential(), Credential::new("AWS", "hunter2".to_owned(), Some(BEGIN + 12 * HOUR)));
        assert_eq!((read.registry.as_str(), &read.boot, read.lot), ("registry", &entry.boot, entry.lot));
        assert!(!format!("{read:?}").contains("hunter2"));
        for damaged in [&b""[..], b"{}", b"null", &entry.to_json()[..40], &[0; 500]] {
            assert_eq!(Entry::parse(damaged).unwrap_err(), FileCacheReason::Damaged);
        }
    }

    #[test]
    fn a_credential_without_an_end_is_no_entry() {
        let credential = Credential::new("AWS", "p".to_owned(), None);
        assert!(Entry::new("registry".to_owned(), &credential, moment(BEGIN, None)).is_none());
    }

    #[test]
    fn within_one_run_of_the_machine_the_clock_that_nobody_sets_counts_too() {
        let entry = entry(12, moment(BEGIN, Some(("a", 100))));
        let phase = |wall, since| entry.phase(&moment(wall, Some(("a", 100 + since))));
        assert_eq!(phase(BEGIN + 1, 1), Phase::Fresh);
        // The clock on the wall was set back by a day, or forward.
        assert_eq!(phase(BEGIN - 24 * HOUR, 1), Phase::Fresh);
        assert_eq!(phase(BEGIN - 24 * HOUR, 7 * HOUR), Phase::Stale);
        assert_eq!(phase(BEGIN - 24 * HOUR, 12 * HOUR), Phase::Over);
        assert_eq!(phase(BEGIN + 13 * HOUR, 1), Phase::Over);
        // A machine that was copied, or put back to a moment before.
        assert_eq!(entry.phase(&moment(BEGIN + 1, Some(("a", 99)))), Phase::Over);
    }

    #[test]
    fn of_another_run_of_the_machine_nothing_is_fresh_and_what_comes_from_the_future_is_not_trusted() {
        for (then, boot, young) in [
            (Some(("a", 100)), None, Phase::Stale),
            (Some(("a", 100)), Some(("b", 5)), Phase::Stale),
            (None, Some(("b", 5)), Phase::Stale),
            // Where there is no other clock, the wall's counts.
            (None, None, Phase::Fresh),
        ] {
            let entry = entry(12, moment(BEGIN, then));
            assert_eq!(entry.phase(&moment(BEGIN, boot)), young);
            assert_eq!(entry.phase(&moment(BEGIN + 7 * HOUR, boot)), Phase::Stale);
            assert_eq!(entry.phase(&moment(BEGIN + 12 * HOUR, boot)), Phase::Over);
            assert_eq!(entry.phase(&moment(BEGIN - 1, boot)), Phase::Over);
        }
    }

    /// The service says when a password ends, by its own clock.
    #[test]
    fn on_a_machine_whose_clock_is_late_an_entry_lives_no_longer_than_elsewhere() {
        let late = BEGIN - 6 * HOUR;
        let entry = entry(12, moment(late, Some(("a", 0))));
        let phase = |hours| entry.phase(&moment(late + hours * HOUR, Some(("a", hours * HOUR))));
        assert_eq!((phase(5), phase(7), phase(12)), (Phase::Fresh, Phase::Stale, Phase::Over));
    }

    #[test]
    fn after_a_refresh_has_failed_the_next_is_due_a_minute_later() {
        let mut entry = entry(12, moment(BEGIN, None));
        let stale = BEGIN + 7 * HOUR;
        assert!(!entry.is_due(&moment(BEGIN + 1, None)) && entry.is_due(&moment(stale, None)));
        entry.set_refresh_failed(&moment(stale, None));
        assert!(!entry.is_due(&moment(stale, None)) && !entry.is_due(&moment(stale + 59, None)));
        assert!(entry.is_due(&moment(stale + 60, None)));
        // The clock was set back meanwhile.
        assert!(entry.is_due(&moment(stale - 1, None)));
    }
}
