//! What settings are set to: as it is typed, as the configuration file has it, as it is shown.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use serde::de::DeserializeOwned;

/// A kind of value. Where a text is none, the reason is what is wrong with it, or nothing where that goes without saying.
pub(crate) trait Value: Sized {
    /// What it is to be set to.
    const EXPECTED: &'static str;

    /// From the command line, or from a variable.
    fn parse(text: &str) -> Result<Self, String>;

    fn show(&self) -> String;

    /// What is said of a text that is no such value.
    fn complaint(text: &str, reason: &str) -> String {
        let expected = Self::EXPECTED;
        if reason.is_empty() {
            format!("is '{text}': set it to {expected}")
        } else {
            format!("is '{text}' ({reason}): set it to {expected}")
        }
    }
}

/// A kind of value that the configuration file may have.
pub(crate) trait FromFile: Value {
    /// What it has for it.
    type Written: DeserializeOwned;

    /// The whole complaint where it makes no sense.
    fn from_file(written: Self::Written) -> Result<Self, String>;
}

/// A time in seconds, as it is typed.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    duration(text.parse().map_err(|_| "not a number".to_owned())?)
}

fn duration(seconds: f64) -> Result<Duration, String> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("not a time that a lookup can take".to_owned()),
    }
}

impl Value for Duration {
    const EXPECTED: &'static str = "seconds";

    fn parse(text: &str) -> Result<Self, String> {
        seconds(text)
    }

    fn show(&self) -> String {
        format!("{self:?}")
    }
}

impl FromFile for Duration {
    type Written = f64;

    fn from_file(seconds: f64) -> Result<Self, String> {
        duration(seconds).map_err(|reason| Self::complaint(&seconds.to_string(), &reason))
    }
}

/// A number of something. None of anything is no limit that a lookup could keep.
pub(crate) fn count<N: FromStr + Default + PartialEq>(text: &str) -> Result<N, String> {
    let number = text.parse().map_err(|_| "not a whole number".to_owned())?;
    if number == N::default() { Err("nothing at all".to_owned()) } else { Ok(number) }
}

macro_rules! count {
    ($($number:ty),*) => {$(
        impl Value for $number {
            const EXPECTED: &'static str = "a whole number above 0";

            fn parse(text: &str) -> Result<Self, String> {
                count(text)
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }

        impl FromFile for $number {
            type Written = $number;

            fn from_file(number: $number) -> Result<Self, String> {
                count(&number.to_string()).map_err(|reason| Self::complaint(&number.to_string(), &reason))
            }
        }
    )*};
}

count!(u32, u64);

/// What is neither on nor off is an error: it may have been meant to be either.
pub(crate) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(String::new()),
    }
}

impl Value for bool {
    const EXPECTED: &'static str = "1 or 0";

    fn parse(text: &str) -> Result<Self, String> {
        switch(text)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl FromFile for bool {
    type Written = bool;

    fn from_file(written: bool) -> Result<Self, String> {
        Ok(written)
    }
}

/// A text, whatever is in it but nothing: with a variable of a shell that is not set, it would otherwise mean another identity.
impl Value for String {
    const EXPECTED: &'static str = "a text that is not empty";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err(String::new()) } else { Ok(text.to_owned()) }
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl FromFile for String {
    type Written = String;

    fn from_file(text: String) -> Result<Self, String> {
        Self::parse(&text).map_err(|reason| Self::complaint(&text, &reason))
    }
}

impl Value for PathBuf {
    const EXPECTED: &'static str = "an absolute path, or one that begins with ~/";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::from(text))
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl FromFile for PathBuf {
    type Written = String;

    /// A file has no working folder of its own, and nobody knows in which one it will be read.
    fn from_file(text: String) -> Result<Self, String> {
        let is_fixed = Path::new(&text).is_absolute() || text.starts_with("~/");
        if is_fixed { Ok(Self::from(text)) } else { Err(Self::complaint(&text, "a relative path")) }
    }
}

/// Where credentials are kept for other runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CacheMode {
    /// in files
    File,
    /// nowhere
    Off,
}

/// What the helper makes of credentials that it is told to store or to erase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    /// takes them and keeps none, so that 'docker login' and 'docker logout' work
    #[default]
    Ignore,
    /// says that it keeps none
    Refuse,
}

/// How much the command says of what it does, besides its answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// nothing
    #[default]
    Off,
    /// a line for each lookup
    Info,
    /// what lookups do, too
    Debug,
}

/// How lines of the log are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// for people
    #[default]
    Text,
    /// an object a line, for programs
    Json,
}

macro_rules! one_of {
    ($($choice:ty: $expected:literal),*) => {$(
        impl Value for $choice {
            const EXPECTED: &'static str = $expected;

            fn parse(text: &str) -> Result<Self, String> {
                Self::from_str(text, false).map_err(|_| String::new())
            }

            fn show(&self) -> String {
                self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
            }
        }

        impl FromFile for $choice {
            type Written = String;

            fn from_file(text: String) -> Result<Self, String> {
                Self::parse(&text).map_err(|reason| <Self as Value>::complaint(&text, &reason))
            }
        }
    )*};
}

one_of!(
    CacheMode: "file or off",
    LogFormat: "text or json",
    LogLevel: "off, info or debug",
    Store: "ignore or refuse"
);

/// What is listed in one text, with commas between.
pub(super) fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|item| !item.is_empty())
}

/// Destinations, which the library judges.
impl Value for Vec<String> {
    const EXPECTED: &'static str = "destinations, with commas between";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(listed(text).map(str::to_owned).collect())
    }

    fn show(&self) -> String {
        self.join(",")
    }
}

impl FromFile for Vec<String> {
    type Written = Vec<String>;

    fn from_file(written: Vec<String>) -> Result<Self, String> {
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_a_positive_number_of_seconds() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["", "0", "-1", "x", "inf", "NaN", "1e300", "5s"] {
            seconds(text).unwrap_err();
        }
    }

    #[test]
    fn a_number_of_something_is_a_whole_one_above_none() {
        assert_eq!(count::<u32>("7"), Ok(7));
        for text in ["", "0", "-1", "1.5", "x", "4294967296"] {
            count::<u32>(text).unwrap_err();
        }
    }
}
