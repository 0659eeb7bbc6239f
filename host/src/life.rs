//! How long a credential that was found before may be handed out.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The most that is left of a credential's life when it is not handed out any more: who gets it has to have the time to use it.
/// Of a short life, it is a tenth.
const MARGIN: Duration = Duration::from_secs(60);

/// The longest that a credential is kept, in seconds: no password of Amazon ECR lives longer. A longer life, by the clock on the wall,
/// means that this clock was late when the credential was found, and would still be when it is over.
const LONGEST: u64 = 12 * 60 * 60;

/// How long nobody tries again to replace a stale credential after somebody has: it has hours left, and a service that fails or
/// throttles is not helped by more calls.
pub(crate) const REFRESH_PAUSE: Duration = Duration::from_secs(60);

/// Credentials that were found in the same moment are not all replaced in the same moment: after half of a life, each is fresh for
/// some more of this part of it, as its [`Lot`] has it. Machines that were started together would else ask together ever after.
const SPREAD: u64 = 12;

/// The life of one credential. Times are seconds since 1970 (UTC), by the clock of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// When it was found.
    pub(crate) begin: u64,
    /// When its registry stops accepting it.
    pub(crate) end: u64,
    /// How long it is fresh, in seconds.
    fresh: u64,
}

/// A credential's place among those that were found in the same moment. Whoever shares the credential shares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lot(pub(crate) u16);

impl Lot {
    /// Any one, as likely as any other. It is no secret, so the keys of the standard library's maps are random enough.
    pub(crate) fn draw() -> Self {
        let random = RandomState::new().hash_one(());
        Self((random >> 48) as u16)
    }
}

/// What to do with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Hand it out.
    Fresh,
    /// Look for a new one, and hand it out as long as none is found.
    Stale,
    /// Forget it.
    Over,
}

impl Life {
    /// That of a credential that was found at `begin`, and that its registry stops accepting at `expires_at`.
    pub(crate) fn new(begin: u64, expires_at: u64, lot: Lot) -> Self {
        let end = expires_at.min(begin.saturating_add(LONGEST));
        let life = end.saturating_sub(begin);
        Self { begin, end, fresh: life / 2 + life / SPREAD * u64::from(lot.0) / (u64::from(u16::MAX) + 1) }
    }

    /// The phase in which a credential is at a moment. Two clocks are asked, and the one by which it is older counts: `now` is that of
    /// the wall, which goes on while a laptop sleeps, and which somebody can set back; `elapsed` is the time since
    /// [`begin`](Self::begin) by a clock that nobody sets, as far as there is one.
    pub(crate) fn phase(&self, now: u64, elapsed: Option<Duration>) -> Phase {
        let life = self.end.saturating_sub(self.begin);
        let by_the_wall = now.saturating_sub(self.begin);
        let age = elapsed.map_or(by_the_wall, |elapsed| elapsed.as_secs().max(by_the_wall));
        let margin = MARGIN.as_secs().min(life / 10);
        if age >= life.saturating_sub(margin) {
            Phase::Over
        } else if age >= self.fresh {
            Phase::Stale
        } else {
            Phase::Fresh
        }
    }
}

/// The clock on the wall, in seconds since 1970 (UTC).
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;
    const BEGIN: u64 = 1_000_000;

    fn twelve_hours(lot: u16) -> Life {
        Life::new(BEGIN, BEGIN + 12 * HOUR, Lot(lot))
    }

    #[test]
    fn a_credential_is_fresh_for_half_of_its_life_and_ends_a_minute_before_its_registry_says_so() {
        let phase = |age| twelve_hours(0).phase(BEGIN + age, Some(Duration::from_secs(age)));
        assert_eq!(phase(0), Phase::Fresh);
        assert_eq!(phase(6 * HOUR - 1), Phase::Fresh);
        assert_eq!(phase(6 * HOUR), Phase::Stale);
        assert_eq!(phase(12 * HOUR - 61), Phase::Stale);
        assert_eq!(phase(12 * HOUR - 60), Phase::Over);
        assert_eq!(phase(24 * HOUR), Phase::Over);
    }

    #[test]
    fn credentials_of_one_moment_become_stale_in_the_course_of_a_twelfth_of_their_life() {
        let fresh = |lot: u16| (0..12 * HOUR).find(|age| twelve_hours(lot).phase(BEGIN + age, None) != Phase::Fresh);
        assert_eq!(fresh(0), Some(6 * HOUR));
        assert_eq!(fresh(1 << 15), Some(6 * HOUR + HOUR / 2));
        assert_eq!(fresh(u16::MAX), Some(7 * HOUR - 1));
        // All lots lie in it, and no minute of the hour has many more of them than another.
        let mut minutes = [0; 60];
        for lot in 0..=u16::MAX {
            let begin = twelve_hours(lot).fresh - 6 * HOUR;
            minutes[usize::try_from(begin / 60).unwrap()] += 1;
        }
        assert!(minutes.iter().all(|lots| (1_090..=1_095).contains(lots)), "{minutes:?}");
    }

    #[test]
    fn lots_are_not_all_the_same() {
        let first = Lot::draw();
        assert!((0..100).any(|_| Lot::draw() != first));
    }

    #[test]
    fn the_clock_by_which_it_is_older_counts() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * HOUR));
        let life = twelve_hours(0);
        // The clock on the wall was set back by a day; then, the laptop slept.
        assert_eq!(life.phase(BEGIN - 24 * HOUR + 13 * HOUR, hours(13)), Phase::Over);
        assert_eq!(life.phase(BEGIN + 13 * HOUR, hours(0)), Phase::Over);
        assert_eq!(life.phase(BEGIN + 7 * HOUR, None), Phase::Stale);
    }

    #[test]
    fn of_a_short_life_all_but_a_tenth_is_used_and_a_life_that_never_began_is_over() {
        let life = |begin, end| Life::new(begin, end, Lot(u16::MAX));
        assert_eq!(life(100, 120).phase(117, None), Phase::Stale);
        assert_eq!(life(100, 120).phase(118, None), Phase::Over);
        assert_eq!(life(100, 100).phase(100, None), Phase::Over);
        assert_eq!(life(100, 50).phase(100, None), Phase::Over);
    }
}
