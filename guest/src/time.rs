//! Points in time, as AWS writes them.

/// A point in time in UTC, in whole seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
    pub seconds: u64,
}

impl Timestamp {
    /// The last second of the year 9999. Later times have no form in text; whoever names one has taken milliseconds for seconds.
    pub const LATEST: Self = Self { seconds: 253_402_300_799 };

    /// The form that signatures use: `20150830T123600Z`.
    pub fn basic_format(self) -> String {
        self.written("", "")
    }

    /// The date in the form that a credential scope uses: `20150830`.
    pub fn date(self) -> String {
        self.date_with("")
    }

    /// The form of RFC 3339: `2015-08-30T12:36:00Z`.
    pub fn rfc3339(self) -> String {
        self.written("-", ":")
    }

    fn written(self, between_date: &str, between_time: &str) -> String {
        let (hour, minute, second) = (self.seconds / 3600 % 24, self.seconds / 60 % 60, self.seconds % 60);
        let mut text = self.date_with(between_date);
        text.push('T');
        push_digits(hour, 2, &mut text);
        text.push_str(between_time);
        push_digits(minute, 2, &mut text);
        text.push_str(between_time);
        push_digits(second, 2, &mut text);
        text.push('Z');
        text
    }

    fn date_with(self, between: &str) -> String {
        let (year, month, day) = civil_from_days(self.seconds / 86_400);
        let mut text = String::with_capacity("2015-08-30T12:36:00Z".len());
        push_digits(year, 4, &mut text);
        text.push_str(between);
        push_digits(month, 2, &mut text);
        text.push_str(between);
        push_digits(day, 2, &mut text);
        text
    }

    /// Reads RFC 3339, with `UTC` in the place of `Z` too, as botocore writes it. A fraction of a second is dropped; a
    /// time before 1970 is none.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let (date_time, zone) = text.split_at_checked(19)?;
        let mut parts = date_time.split(['-', 'T', 't', ' ', ':']);
        let mut next = || number(parts.next()?);
        let (year, month, day) = (next()?, next()?, next()?);
        let (hour, minute, second) = (next()?, next()?, next()?);
        let fraction = zone.strip_prefix('.').map_or(0, |rest| 1 + rest.bytes().take_while(u8::is_ascii_digit).count());
        let offset = match &zone[fraction..] {
            "Z" | "z" | "UTC" => 0,
            offset => {
                let (hours, minutes) = offset.get(1..)?.split_once(':')?;
                let part = |text: &str, most| number(text).filter(|number| text.len() == 2 && *number <= most);
                let seconds = i64::try_from(part(hours, 23)? * 3600 + part(minutes, 59)? * 60).ok()?;
                match offset.as_bytes()[0] {
                    b'+' => seconds,
                    b'-' => -seconds,
                    _ => return None,
                }
            }
        };
        Self::of(year, month, day, hour, minute, second)?.shifted_by(-offset)
    }

    /// Reads the one form of a date that HTTP has since RFC 7231: `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (_, date) = text.split_once(", ")?;
        let mut parts = date.split([' ', ':']);
        let day = number(parts.next()?)?;
        let month = parts.next()?;
        let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
        let mut next = || number(parts.next()?);
        let (year, hour, minute, second) = (next()?, next()?, next()?, next()?);
        (parts.next() == Some("GMT")).then(|| Self::of(year, month, day, hour, minute, second))?
    }

    /// The same moment by a clock that is ahead of the first by so many seconds; none before 1970, and none after the year 9999.
    pub fn shifted_by(self, seconds: i64) -> Option<Self> {
        let seconds = self.seconds.checked_add_signed(seconds)?;
        (seconds <= Self::LATEST.seconds).then_some(Self { seconds })
    }

    fn of(year: u64, month: u64, day: u64, hour: u64, minute: u64, second: u64) -> Option<Self> {
        let is_time = (1970..=9999).contains(&year) && hour < 24 && minute < 60 && second <= 60;
        let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
        let days = (is_time && is_date).then(|| days_from_civil(year, month, day))?;
        // Whatever is not on the calendar would come out as another day.
        (civil_from_days(days) == (year, month, day))
            .then_some(Self { seconds: days * 86_400 + hour * 3600 + minute * 60 + second })
    }
}

/// A number with zeros before it. Formatting does the same and more, and each signature has twenty of these.
fn push_digits(number: u64, digits: u32, into: &mut String) {
    for place in (0..digits).rev() {
        into.push(char::from(b'0' + (number / 10_u64.pow(place) % 10) as u8));
    }
}

/// Digits alone: no sign, no blank.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The other way round than [`civil_from_days`], and as in the same source, for days after 1970.
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let (year, month_from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * month_from_march + 2) / 5 + day.saturating_sub(1);
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
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

    #[test]
    fn a_time_of_rfc_3339_is_read_and_written() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2015-08-30T12:36:00Z", 1_440_938_160),
            ("2015-08-30t12:36:00.123456789z", 1_440_938_160),
            ("2015-08-30T12:36:00UTC", 1_440_938_160),
            ("2015-08-30T14:36:00+02:00", 1_440_938_160),
            ("2015-08-30T07:06:00.5-05:30", 1_440_938_160),
            ("2100-02-28T23:59:59Z", 4_107_542_399),
            ("2024-02-29T00:00:00Z", 1_709_164_800),
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text), Some(Timestamp { seconds }), "{text}");
        }
        assert_eq!(Timestamp { seconds: 1_440_938_160 }.rfc3339(), "2015-08-30T12:36:00Z");
    }

    #[test]
    fn what_is_no_time_of_rfc_3339_is_none() {
        for text in [
            "",
            "2015-08-30",
            "2015-08-30T12:36:00",
            "2015-08-30T12:36:00X",
            "2015-08-30T12:36:00+0200",
            "2015-08-30T12:36:00+24:00",
            "2015-08-30T12:36:00+02:60",
            // Digits without end once went into an offset.
            "2015-08-31T07:06:00-05:30201554404444440",
            "2015-08-31T07:06:00-99999999999999999999:00",
            "9999-12-31T23:59:59-23:59",
            "2015-08-30T12:36:00+2",
            "2015-02-29T12:36:00Z",
            "2015-13-01T12:36:00Z",
            "2015-00-01T12:36:00Z",
            "2015-01-00T12:36:00Z",
            "2015-08-30T24:36:00Z",
            "2015-08-30T+2:36:00Z",
            "1969-12-31T23:59:59Z",
            "2015-08-30T12:36:0é",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        let date = |text| Timestamp::parse_http_date(text).map(|time| time.seconds);
        assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(date("Thu, 01 Jan 2026 00:22:01 GMT"), Some(1_767_226_921));
        let day_without_end = "Sun, 18446744073709551615 Nov 1994 08:49:37 GMT";
        assert_eq!(date(day_without_end), None);
        for text in ["", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 CET"]
        {
            assert_eq!(date(text), None, "{text}");
        }
    }
}
