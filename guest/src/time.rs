//! Points in time, as AWS writes them.

/// A point in time in UTC, in whole seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
    pub seconds: u64,
}

impl Timestamp {
    /// The form that signatures use: `20150830T123600Z`.
    pub fn basic_format(self) -> String {
        let (hour, minute, second) = (self.seconds / 3600 % 24, self.seconds / 60 % 60, self.seconds % 60);
        format!("{}T{hour:02}{minute:02}{second:02}Z", self.date())
    }

    /// The date in the form that a credential scope uses: `20150830`.
    pub fn date(self) -> String {
        let (year, month, day) = civil_from_days(self.seconds / 86_400);
        format!("{year:04}{month:02}{day:02}")
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. The algorithm is Howard Hinnant's
/// `civil_from_days` (<https://howardhinnant.github.io/date_algorithms.html>) for days after 1970: it counts years
/// from March, so that the leap day is the last one of its year.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01, the beginning of an era of 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_as_signatures_need_it() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (1_709_164_800, "20240229T000000Z"),
            (4_107_542_399, "21000228T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(Timestamp { seconds }.basic_format(), text);
        }
    }
}
