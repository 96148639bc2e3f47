//! Quantities as people write them in configuration and on the command line: `"30s"`, `"10MiB"`, `"1/3s"`.
//!
//! Each parses from and prints to the same text, so a value survives a round trip through a file.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, offset};
use jiff::{Timestamp, ZonedDateTime};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a quantity could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a duration.
    #[error("`{0}` is no duration; write a number and a unit: \"500ms\", \"30s\", \"15m\", \"2h\", \"7d\"")]
    Duration(String),
    /// Not a size.
    #[error("`{0}` is no size; write a number and a unit: \"512KiB\", \"10MiB\", \"1GiB\"")]
    Size(String),
    /// Not hours.
    #[error("`{0}` are no hours of a day; write when they begin and end: \"00:00-06:30\"")]
    Hours(String),
    /// Not a time.
    #[error(
        "`{0}` is not a time; write an age (\"7d\"), a day (\"2026-11-20\") or an instant (\"2026-11-20T08:00:00+08:00\")"
    )]
    When(String),
    /// Not a rate.
    #[error("`{0}` is no rate; write requests per time: \"1/s\", \"1/3s\", \"30/m\"")]
    Rate(String),
}

/// A length of time: `"500ms"`, `"30s"`, `"15m"`, `"2h"`, `"7d"`, `"1w"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(pub Duration);

/// A number of bytes: `"512KiB"`, `"10MiB"`, `"1GB"`, `"4096"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Size(pub u64);

/// Requests per time, kept as the time between two requests: `"1/s"`, `"1/3s"`, `"100/s"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    /// Time between two requests.
    pub interval: Duration,
}

/// Hours of each day, `"22:30-06:00"`: from the first time up to the second, also over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: Time,
    to: Time,
}

impl Hours {
    /// When they end, if a time is within them.
    pub fn end(&self, at: &ZonedDateTime) -> Option<ZonedDateTime> {
        let (time, today) = (at.time(), at.date());
        let (inside, last) = match self.from < self.to {
            true => (self.from <= time && time < self.to, today),
            // Over midnight: before it, they end tomorrow.
            false if time >= self.from => (true, today.tomorrow().ok()?),
            false => (time < self.to, today),
        };
        inside.then(|| last.to_datetime(self.to).to_zoned_datetime(at.time_zone().clone()).ok()).flatten()
    }
}

impl FromStr for Hours {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = || UnitError::Hours(text.to_owned());
        let time = |text: &str| {
            let (hour, minute) = text.trim().split_once(':').ok_or_else(bad)?;
            let number = |digits: &str| match digits.len() {
                1 | 2 if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse::<i8>().map_err(|_| bad()),
                _ => Err(bad()),
            };
            // Up to midnight is said as 24:00.
            match (number(hour)?, number(minute)?) {
                (24, 0) => Ok(Time::midnight()),
                (hour, minute) => Time::new(hour, minute, 0, 0).map_err(|_| bad()),
            }
        };
        let (from, to) = text.split_once('-').ok_or_else(bad)?;
        let (from, to) = (time(from)?, time(to)?);
        // Would be all day long, or never.
        if from == to {
            return Err(bad());
        }
        Ok(Self { from, to })
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from.hour(), from.minute(), to.hour(), to.minute())
    }
}

/// A time as people name it: an age (`7d`), a day (`2026-11-20`) or an instant (`2026-11-20T08:00:00+08:00`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// So long ago.
    Ago(Span),
    /// A day, in China.
    Day(Date),
    /// An instant.
    At(Timestamp),
}

/// Where days begin that no site's zone applies to.
const CHINA: Offset = offset(8);

impl When {
    /// The instant, or the first one of the day.
    pub fn begin(self, now: Timestamp) -> Timestamp {
        match self {
            // The calendar begins later than any age reaches back.
            Self::Ago(age) => now.checked_sub(age.0).unwrap_or(Timestamp::MIN),
            Self::Day(day) => CHINA.to_timestamp(day.to_datetime(Time::midnight())).unwrap_or(now),
            Self::At(at) => at,
        }
    }

    /// The instant, or the first one after the day.
    pub fn end(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Day(day) => Self::Day(day.tomorrow().unwrap_or(day)).begin(now),
            other => other.begin(now),
        }
    }
}

impl FromStr for When {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let text = text.trim();
        // A day alone is also the beginning of an instant.
        if text.len() <= 10
            && let Ok(day) = text.parse::<Date>()
        {
            return Ok(Self::Day(day));
        }
        let at = text.parse::<Timestamp>().map(Self::At).ok();
        at.or_else(|| text.parse().map(Self::Ago).ok()).ok_or_else(|| UnitError::When(text.to_owned()))
    }
}

/// A time in milliseconds since 1970, UTC.
pub type Millis = i64;

/// The present time.
pub fn now() -> Millis {
    jiff::Timestamp::now().as_millisecond()
}

/// A duration in whole milliseconds, as times in the state are kept.
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 4)
}

const SPANS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

const SIZES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Splits `"1.5h"` into number and unit.
fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..at].parse().ok()?;
    (number.is_finite() && number >= 0.0).then(|| (number, text[at..].trim()))
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = || UnitError::Duration(text.to_owned());
        let (number, unit) = split(text).ok_or_else(bad)?;
        let millis = match unit {
            "" if number == 0.0 => 1,
            unit => SPANS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?.1,
        };
        let seconds = number * millis as f64 / 1000.0;
        // A century is beyond any use and well inside what clocks and the state's milliseconds hold.
        if seconds > 3.2e9 {
            return Err(bad());
        }
        Ok(Self(Duration::from_secs_f64(seconds)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        if nanos == 0 {
            return f.write_str("0s");
        }
        for (unit, millis) in SPANS {
            let one = u128::from(millis) * 1_000_000;
            if nanos.is_multiple_of(one) {
                return write!(f, "{}{unit}", nanos / one);
            }
        }
        write!(f, "{}ms", self.0.as_secs_f64() * 1000.0)
    }
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = || UnitError::Size(text.to_owned());
        let (number, unit) = split(text).ok_or_else(bad)?;
        let one = match unit {
            "" => 1,
            unit => SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(bad)?.1,
        };
        let bytes = number * one as f64;
        if bytes > 9.0e15 {
            return Err(bad());
        }
        Ok(Self(bytes as u64))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, one) in SIZES {
            if self.0 >= one && self.0.is_multiple_of(one) {
                return write!(f, "{}{unit}", self.0 / one);
            }
        }
        write!(f, "{}B", self.0)
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = || UnitError::Rate(text.to_owned());
        let (count, per) = text.split_once('/').ok_or_else(bad)?;
        let count: f64 = count.trim().parse().map_err(|_| bad())?;
        let per = per.trim();
        let per = match per.starts_with(|c: char| c.is_ascii_digit()) {
            true => per.parse::<Span>(),
            false => format!("1{per}").parse::<Span>(),
        }
        .map_err(|_| bad())?;
        if !(count > 0.0 && count.is_finite()) || per.0.is_zero() {
            return Err(bad());
        }
        let seconds = per.0.as_secs_f64() / count;
        if seconds > 3.2e9 {
            return Err(bad());
        }
        Ok(Self { interval: Duration::from_secs_f64(seconds) })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.interval.as_secs_f64();
        if seconds > 0.0 && seconds <= 1.0 {
            let per_second = 1.0 / seconds;
            let whole = per_second.round();
            return match (per_second - whole).abs() < 1e-6 {
                true => write!(f, "{whole}/s"),
                false => write!(f, "{per_second}/s"),
            };
        }
        write!(f, "1/{}", Span(self.interval))
    }
}

/// A number between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f32")]
#[schemars(extend("minimum" = 0, "maximum" = 1))]
pub struct Share(pub f32);

impl TryFrom<f32> for Share {
    type Error = String;

    fn try_from(number: f32) -> Result<Self, String> {
        if (0.0..=1.0).contains(&number) {
            return Ok(Self(number));
        }
        Err(format!("{number} is not a number between 0 and 1"))
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<f32>().map_err(|_| format!("`{text}` is not a number between 0 and 1")).and_then(Self::try_from)
    }
}

/// Reads a quantity that must not be zero.
///
/// # Errors
///
/// What is wrong with it, and the way out.
pub fn not_zero<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default + PartialEq>(from: D) -> Result<T, D::Error> {
    match T::deserialize(from)? {
        zero if zero == T::default() => {
            Err(serde::de::Error::custom("0 would let nothing through; write more than 0, or leave the key out"))
        }
        value => Ok(value),
    }
}

/// The same of one that may be absent.
///
/// # Errors
///
/// As [`not_zero`].
pub fn some_not_zero<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default + PartialEq,
{
    not_zero(from).map(Some)
}

macro_rules! as_text {
    ($type:ty, $name:literal, $pattern:literal, $description:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $description })
            }
        }
    };
}

as_text!(Span, "Span", r"^\s*[0-9.]+\s*(ms|s|m|h|d|w)$", "A length of time: \"30s\", \"15m\", \"7d\".");
as_text!(Size, "Size", r"^\s*[0-9.]+\s*([kKMG]i?B|B)?$", "A number of bytes: \"512KiB\", \"10MiB\".");
as_text!(
    Hours,
    "Hours",
    r"^\s*[0-9]{1,2}:[0-9]{1,2}\s*-\s*[0-9]{1,2}:[0-9]{1,2}\s*$",
    "Hours of each day: \"00:00-06:30\"."
);
as_text!(Rate, "Rate", r"^[0-9.]+/[0-9.]*(ms|s|m|h|d)$", "Requests per time: \"1/s\", \"1/3s\", \"100/s\".");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print() {
        for (text, millis) in [("500ms", 500), ("30s", 30_000), ("15m", 900_000), ("2h", 7_200_000), ("0", 0)] {
            assert_eq!(text.parse::<Span>().unwrap().0, Duration::from_millis(millis), "{text}");
        }
        for text in ["500ms", "30s", "15m", "2h", "3d", "1w", "90s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for text in ["", "30", "-1s", "1 fortnight", "s", "1e400s", "99999999999d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn hours_read_print_and_end() {
        let at = |text: &str| format!("2026-11-25T{text}+08:00[+08:00]").parse::<ZonedDateTime>().unwrap();
        for (hours, time, end) in [
            ("00:00-06:30", "00:00:00", Some("2026-11-25T06:30:00+08:00")),
            ("00:00-06:30", "06:29:59", Some("2026-11-25T06:30:00+08:00")),
            ("00:00-06:30", "06:30:00", None),
            ("22:30-06:00", "22:29:59", None),
            ("22:30-06:00", "22:30:00", Some("2026-11-26T06:00:00+08:00")),
            ("22:30-06:00", "05:59:59", Some("2026-11-25T06:00:00+08:00")),
            ("22:30-24:00", "23:59:59", Some("2026-11-26T00:00:00+08:00")),
        ] {
            let found = hours.parse::<Hours>().unwrap().end(&at(time));
            assert_eq!(found.map(|end| end.timestamp()), end.map(|end| end.parse().unwrap()), "{hours} at {time}");
        }
        assert_eq!(" 1:05 - 6:00".parse::<Hours>().unwrap().to_string(), "01:05-06:00");
        for text in
            ["", "22-6", "22:30", "25:00-06:00", "06:00-06:00", "24:00-00:00", "a:b-c:d", "22:60-23:00", "-1:00-2:00"]
        {
            assert!(text.parse::<Hours>().is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_ages_days_or_instants() {
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
        for (text, begin, end) in [
            ("7d", "2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
            ("2026-11-20", "2026-11-19T16:00:00Z", "2026-11-20T16:00:00Z"),
            ("2026-11-20T08:00:00+08:00", "2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z"),
        ] {
            let when: When = text.parse().unwrap();
            assert_eq!((when.begin(now), when.end(now)), (begin.parse().unwrap(), end.parse().unwrap()), "{text}");
        }
        assert_eq!("99w".parse::<When>().unwrap(), When::Ago("99w".parse().unwrap()));
        for text in ["", "yesterday", "2026-13-01", "20"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_read_and_print() {
        for (text, bytes) in [("10MiB", 10 << 20), ("500KiB", 500 << 10), ("1kB", 1000), ("4096", 4096)] {
            assert_eq!(text.parse::<Size>().unwrap().0, bytes, "{text}");
        }
        assert_eq!(Size(10 << 20).to_string(), "10MiB");
        assert_eq!(Size(0).to_string(), "0B");
        for text in ["", "MiB", "10 parsecs", "-5B"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn rates_read_and_print() {
        for (text, millis) in [("1/s", 1000), ("1/3s", 3000), ("100/s", 10), ("30/m", 2000), ("2/500ms", 250)] {
            assert_eq!(text.parse::<Rate>().unwrap().interval, Duration::from_millis(millis), "{text}");
        }
        for text in ["1/s", "1/3s", "100/s", "3/s"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in ["", "1", "0/s", "1/0s", "fast", "1/", "-1/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
