//! When a request is sent again, and after how long: the AWS SDKs' standard mode, as aws-config 1.13 and botocore's retries of 2026
//! have it. Pure: what is random goes in.

use std::time::Duration;

use crate::settings::{Origin, SettingError, Settings};
use crate::world::Local;

/// How often a request is sent, unless AWS_MAX_ATTEMPTS or max_attempts says otherwise.
const ATTEMPTS: u32 = 3;

/// The longest that a pause gets by itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// How far `x-amz-retry-after` may go beyond the pause that there would have been.
const LONGEST_EXTENSION: Duration = Duration::from_secs(5);

/// What a lookup has for retries, and what they cost: a service that fails again and again is asked less.
const BUDGET: u32 = 500;

/// Why a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The signature's time was wrong, by the server's clock.
    ClockSkew,
    /// The server asks for fewer requests.
    Throttling,
    /// Something that passes: a connection that broke, a server that failed.
    Transient,
}

impl Reason {
    fn base(self) -> Duration {
        match self {
            Self::Throttling => Duration::from_secs(1),
            Self::ClockSkew | Self::Transient => Duration::from_millis(50),
        }
    }

    fn cost(self) -> u32 {
        match self {
            Self::Throttling => 5,
            Self::ClockSkew | Self::Transient => 14,
        }
    }
}

/// How often requests are sent.
///
/// # Errors
///
/// [`SettingError`] for a number or a mode that makes no sense. Of the modes, `adaptive` and `legacy` are taken for `standard`: the
/// one differs from it between requests that a lookup does not make, and the other is botocore's past.
pub fn attempts<L: Local>(settings: &Settings<'_, L>) -> Result<u32, SettingError> {
    if let Some(mode) = settings.value("AWS_RETRY_MODE", "retry_mode")
        && !["adaptive", "legacy", "standard"].iter().any(|known| mode.value.eq_ignore_ascii_case(known))
    {
        let (value, origin) = (mode.value, mode.origin);
        return Err(SettingError { origin, value, expected: "standard" });
    }
    let Some(attempts) = settings.value("AWS_MAX_ATTEMPTS", "max_attempts") else { return Ok(ATTEMPTS) };
    let wrong = |origin: Origin, value| SettingError { origin, value, expected: "a number from 1 on" };
    match attempts.value.parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err(wrong(attempts.origin, attempts.value)),
    }
}

/// The pause before a request is sent again: random, up to a bound that doubles from one to the next, and longer where the
/// server asks for it.
///
/// - `retry`: how many there were before, from 0.
/// - `random`: from 0 to 1.
/// - `asked`: the value of `x-amz-retry-after`, in milliseconds; what is no number is ignored.
pub fn pause(reason: Reason, retry: u32, random: f64, asked: Option<&str>) -> Duration {
    let bound = reason.base().saturating_mul(2_u32.saturating_pow(retry)).min(LONGEST_PAUSE);
    let pause = bound.mul_f64(random.clamp(0.0, 1.0));
    match asked.and_then(|asked| asked.parse().ok()).map(Duration::from_millis) {
        Some(asked) => asked.clamp(pause, pause + LONGEST_EXTENSION),
        None => pause,
    }
}

/// What is left for retries in one lookup.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    left: u32,
    /// What the last retry cost, which a success gives back.
    last_cost: u32,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { left: BUDGET, last_cost: 1 }
    }
}

impl Bucket {
    /// Pays for a retry; false where too little is left.
    pub fn pay(&mut self, reason: Reason) -> bool {
        let cost = reason.cost();
        match self.left.checked_sub(cost) {
            Some(left) => {
                *self = Self { left, last_cost: cost };
                true
            }
            None => false,
        }
    }

    /// A request has succeeded.
    pub fn give_back(&mut self) {
        *self = Self { left: (self.left + self.last_cost).min(BUDGET), last_cost: 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::settings::SharedFiles;
    use crate::test_world::TestWorld;

    /// The numbers of botocore's own test of its retries of 2026.
    #[test]
    fn the_bound_of_a_pause_doubles_up_to_twenty_seconds() {
        let bounds = |reason| (0..10).map(|retry| pause(reason, retry, 1.0, None).as_millis()).collect::<Vec<_>>();
        assert_eq!(bounds(Reason::Transient), [50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 20_000]);
        assert_eq!(bounds(Reason::Throttling)[..6], [1000, 2000, 4000, 8000, 16_000, 20_000]);
        assert_eq!(pause(Reason::Transient, u32::MAX, 0.5, None), Duration::from_secs(10));
    }

    #[test]
    fn a_server_may_ask_for_five_seconds_more_and_not_for_less() {
        let asked = |asked| pause(Reason::Throttling, 0, 1.0, Some(asked)).as_millis();
        assert_eq!(asked("1500"), 1500);
        assert_eq!(asked("10"), 1000);
        assert_eq!(asked("60000"), 6000);
        for nonsense in ["", "soon", "-1", "1.5"] {
            assert_eq!(asked(nonsense), 1000);
        }
    }

    #[test]
    fn retries_cost_and_a_success_gives_back_what_the_last_one_cost() {
        let mut bucket = Bucket::default();
        let paid = (0..100).take_while(|_| bucket.pay(Reason::Transient)).count();
        assert_eq!(paid, 35);
        assert!(bucket.pay(Reason::Throttling));
        bucket.give_back();
        assert!(bucket.pay(Reason::Throttling) && bucket.pay(Reason::Throttling));
        assert!(!bucket.pay(Reason::Throttling));
    }

    #[test]
    fn the_number_of_attempts_is_set_and_nonsense_is_told() {
        let number = |variables: &[(&str, &str)]| {
            let world = TestWorld::with_environment(variables);
            let (files, context) = (SharedFiles::read(&world), Context::default());
            attempts(&Settings::new(&world, &context, &files)).map_err(|error| error.to_string())
        };
        assert_eq!(number(&[]), Ok(3));
        assert_eq!(number(&[("AWS_MAX_ATTEMPTS", "5"), ("AWS_RETRY_MODE", "Adaptive")]), Ok(5));
        assert_eq!(
            number(&[("AWS_MAX_ATTEMPTS", "0")]).unwrap_err(),
            "AWS_MAX_ATTEMPTS is '0': set it to a number from 1 on"
        );
        assert_eq!(
            number(&[("AWS_RETRY_MODE", "hasty")]).unwrap_err(),
            "AWS_RETRY_MODE is 'hasty': set it to standard"
        );
    }
}
