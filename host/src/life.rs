//! How long a credential that was found before may be handed out.

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

/// The life of one credential. Times are seconds since 1970 (UTC), by the clock of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// When it was found.
    pub(crate) begin: u64,
    /// When its registry stops accepting it.
    pub(crate) end: u64,
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
    pub(crate) fn new(begin: u64, expires_at: u64) -> Self {
        Self { begin, end: expires_at.min(begin.saturating_add(LONGEST)) }
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
        } else if age >= life / 2 {
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
    const TWELVE_HOURS: Life = Life { begin: 1_000_000, end: 1_000_000 + 12 * HOUR };

    #[test]
    fn a_credential_is_fresh_for_half_of_its_life_and_ends_a_minute_before_its_registry_says_so() {
        let phase = |age| TWELVE_HOURS.phase(TWELVE_HOURS.begin + age, Some(Duration::from_secs(age)));
        assert_eq!(phase(0), Phase::Fresh);
        assert_eq!(phase(6 * HOUR - 1), Phase::Fresh);
        assert_eq!(phase(6 * HOUR), Phase::Stale);
        assert_eq!(phase(12 * HOUR - 61), Phase::Stale);
        assert_eq!(phase(12 * HOUR - 60), Phase::Over);
        assert_eq!(phase(24 * HOUR), Phase::Over);
    }

    #[test]
    fn the_clock_by_which_it_is_older_counts() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * HOUR));
        let Life { begin, .. } = TWELVE_HOURS;
        // The clock on the wall was set back by a day; then, the laptop slept.
        assert_eq!(TWELVE_HOURS.phase(begin - 24 * HOUR + 13 * HOUR, hours(13)), Phase::Over);
        assert_eq!(TWELVE_HOURS.phase(begin + 13 * HOUR, hours(0)), Phase::Over);
        assert_eq!(TWELVE_HOURS.phase(begin + 7 * HOUR, None), Phase::Stale);
    }

    #[test]
    fn of_a_short_life_all_but_a_tenth_is_used_and_a_life_that_never_began_is_over() {
        let short = Life { begin: 100, end: 120 };
        assert_eq!(short.phase(117, None), Phase::Stale);
        assert_eq!(short.phase(118, None), Phase::Over);
        assert_eq!(Life { begin: 100, end: 100 }.phase(100, None), Phase::Over);
        assert_eq!(Life { begin: 100, end: 50 }.phase(100, None), Phase::Over);
    }
}
