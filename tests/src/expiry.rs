//! When what is given out ends, and how AWS writes such moments.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// When access keys end that a fake gives out. It is only what the fake says: it goes on accepting
/// them, since a test may set the clock of what it tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// So long after they are given out, each time anew.
    In(Duration),
    /// At this moment, which may be past.
    At(SystemTime),
}

impl Expiry {
    /// The moment, of keys that are given out now.
    pub(crate) fn moment(self) -> SystemTime {
        match self {
            Self::In(lifetime) => SystemTime::now() + lifetime,
            Self::At(moment) => moment,
        }
    }
}

/// A moment in UTC and in whole seconds, such as `2021-08-05T19:58:02Z`.
pub(crate) fn iso_8601(moment: SystemTime) -> String {
    let moment = OffsetDateTime::from(moment);
    let (year, month, day) = moment.to_calendar_date();
    let (hour, minute, second) = moment.to_hms();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
}

/// Milliseconds since 1970.
pub(crate) fn epoch_milliseconds(moment: SystemTime) -> u64 {
    let since_epoch = moment.duration_since(UNIX_EPOCH).expect("no test has a moment before 1970");
    since_epoch.as_millis().try_into().expect("no test has a moment that far off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_whole_seconds_of_utc() {
        let moment = UNIX_EPOCH + Duration::from_millis(1_628_193_482_999);
        assert_eq!(iso_8601(moment), "2021-08-05T19:58:02Z");
        assert_eq!(epoch_milliseconds(moment), 1_628_193_482_999);
    }
}
