//! A node: what it keeps, and when somebody asks it.

use std::time::Duration;

use crate::life::{Life, Lot, Phase, REFRESH_PAUSE};
use crate::random::Random;
use crate::service::{Millisecond, SECOND};

/// How long a token of Amazon ECR lives, in seconds.
const TOKEN: u64 = 12 * 60 * 60;

/// Where a token is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In the memory of a program that stays, or in the files that runs of the command share: the rules are the same, only that
    /// the one refreshes beside its callers, and the other before its answer.
    Cache,
    /// In those files, behind the kubelet, which keeps what it was told for as long as it was told.
    Kubelet,
}

/// When a node is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pulls {
    /// All the time.
    Always,
    /// Once for each deployment, which reaches the whole fleet in the course of some time.
    Waves { every: Millisecond, within: Millisecond },
}

/// When a token is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refresh {
    /// As this project has it.
    Spread,
    /// For comparison: at the half of its life, to the second.
    AtHalf,
    /// For comparison: when it is over.
    AtEnd,
}

pub(crate) struct Node {
    kind: Kind,
    pulls: Pulls,
    refresh: Refresh,
    token: Option<Life>,
    /// Until when the kubelet does not ask.
    kept_until: Millisecond,
    /// How many lookups have failed since a token was last had.
    failures: u32,
}

impl Node {
    pub(crate) fn new(kind: Kind, pulls: Pulls, refresh: Refresh) -> Self {
        Self { kind, pulls, refresh, token: None, kept_until: 0, failures: 0 }
    }

    /// Whether somebody who asks now makes it look up.
    pub(crate) fn looks_up(&self, now: Millisecond) -> bool {
        self.phase(now) != Phase::Fresh
    }

    pub(crate) fn has_token(&self, now: Millisecond) -> bool {
        self.phase(now) != Phase::Over
    }

    fn phase(&self, now: Millisecond) -> Phase {
        let Some(life) = self.token else { return Phase::Over };
        let phase = life.phase(now / SECOND, Some(Duration::from_secs(now / SECOND - life.begin)));
        // What was to be refreshed is not.
        if self.refresh == Refresh::AtEnd && phase == Phase::Stale { Phase::Fresh } else { phase }
    }

    /// It was asked, and had a token that is fresh: when it is asked again.
    pub(crate) fn answered(&mut self, now: Millisecond, random: &mut Random) -> Millisecond {
        self.keep(now, random);
        self.next(now, random)
    }

    /// A lookup has found a token: when it is asked again.
    pub(crate) fn found(&mut self, now: Millisecond, random: &mut Random) -> Millisecond {
        let lot = if self.refresh == Refresh::Spread { Lot((random.bits() >> 48) as u16) } else { Lot(0) };
        let begin = now / SECOND;
        self.token = Some(Life::new(begin, begin + TOKEN, lot));
        self.failures = 0;
        self.answered(now, random)
    }

    /// A lookup has failed: when it is asked again. An image that cannot be pulled is tried again by the kubelet, first after ten
    /// seconds and at last every five minutes; with a token, the pull goes on.
    pub(crate) fn failed(&mut self, now: Millisecond, random: &mut Random) -> Millisecond {
        if self.has_token(now) {
            self.keep(now, random);
            let pause = REFRESH_PAUSE.as_secs() * SECOND;
            return self.next(now + pause, random).max(now + pause);
        }
        let pause = (10 << self.failures.min(5)).min(300) * SECOND;
        self.failures += 1;
        now + pause
    }

    /// The kubelet is told to keep a token for half of what is left of its life; and, where refreshes are spread, for up to a sixth of
    /// that less.
    fn keep(&mut self, now: Millisecond, random: &mut Random) {
        if let (Kind::Kubelet, Some(life)) = (self.kind, self.token) {
            let half = life.end.saturating_sub(now / SECOND) / 2;
            let spread = if self.refresh == Refresh::Spread { random.below(half / 6 + 1) } else { 0 };
            self.kept_until = now + (half - spread) * SECOND;
        }
    }

    /// The first moment from which on asking makes a difference, and at which somebody asks.
    fn next(&self, now: Millisecond, random: &mut Random) -> Millisecond {
        let due = match self.kind {
            Kind::Cache => self.first_not_fresh(now),
            Kind::Kubelet => self.kept_until,
        };
        let due = due.max(now + 1);
        match self.pulls {
            Pulls::Always => due,
            Pulls::Waves { every, within } => {
                // That of the wave in which it is due, where it comes late enough, or else of the next one.
                let wave = due / every * every;
                let pull = wave + random.below(within);
                if pull >= due { pull } else { wave + every + random.below(within) }
            }
        }
    }

    /// The moment at which a token becomes stale, as the cache says it: within its life, and in whole seconds.
    fn first_not_fresh(&self, now: Millisecond) -> Millisecond {
        if self.looks_up(now) {
            return now;
        }
        let (mut fresh, mut not_fresh) = (now / SECOND, now / SECOND + TOKEN);
        while not_fresh - fresh > 1 {
            let middle = fresh.midpoint(not_fresh);
            if self.looks_up(middle * SECOND) { not_fresh = middle } else { fresh = middle }
        }
        not_fresh * SECOND
    }
}
