//! `GetAuthorizationToken` of one account in one region, behind its quota.

/// A moment of the simulation: milliseconds since its begin.
pub(crate) type Millisecond = u64;

pub(crate) const SECOND: Millisecond = 1_000;

/// What AWS documents of its quota.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub(crate) name: &'static str,
    pub(crate) per_second: u64,
    /// How many requests it has for a moment at which nobody has asked for long.
    pub(crate) burst: u64,
}

/// Grants requests as a bucket of tokens does that is filled all the time, and counts them.
pub(crate) struct Service {
    quota: Quota,
    /// In thousandths of a request, since time is in thousandths of a second.
    left: u64,
    filled: Millisecond,
    /// All of them, those that were throttled too.
    pub(crate) requests: BySecond,
    pub(crate) throttled: BySecond,
}

impl Service {
    pub(crate) fn new(quota: Quota, seconds: u64) -> Self {
        let (requests, throttled) = (BySecond::new(seconds), BySecond::new(seconds));
        Self { quota, left: quota.burst * SECOND, filled: 0, requests, throttled }
    }

    /// Whether a request is granted. Requests come in the order of their moments.
    pub(crate) fn ask(&mut self, now: Millisecond) -> bool {
        let filled = self.left + (now - self.filled) * self.quota.per_second;
        self.left = filled.min(self.quota.burst * SECOND);
        self.filled = now;
        self.requests.add(now);
        let granted = self.left.checked_sub(SECOND);
        match granted {
            Some(left) => self.left = left,
            None => self.throttled.add(now),
        }
        granted.is_some()
    }
}

/// How often something was, second by second.
pub(crate) struct BySecond(Vec<u32>);

impl BySecond {
    pub(crate) fn new(seconds: u64) -> Self {
        Self(vec![0; usize::try_from(seconds).expect("not so long")])
    }

    pub(crate) fn add(&mut self, now: Millisecond) {
        self.0[usize::try_from(now / SECOND).expect("not so long")] += 1;
    }

    /// The most of one second, from a second on.
    pub(crate) fn peak(&self, from: usize) -> u64 {
        self.0[from..].iter().copied().max().unwrap_or_default().into()
    }

    /// How often in all, from a second on.
    pub(crate) fn sum(&self, from: usize) -> u64 {
        self.0[from..].iter().copied().map(u64::from).sum()
    }

    /// In how many seconds at all, from a second on.
    pub(crate) fn seconds(&self, from: usize) -> u64 {
        self.0[from..].iter().filter(|count| **count > 0).count() as u64
    }
}
