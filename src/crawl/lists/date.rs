//! Dates of lists.

use jiff::civil::Date;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::{TimeZone, offset};
use jiff::{Timestamp, ToSpan};

use crate::clean::date::{Context, parse_value};
use crate::record::Precision;

/// A W3C date: whole, or only the day (taken as its start in China, where these sites are).
pub fn date(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let day: Date = text.get(..10)?.parse().ok()?;
    TimeZone::fixed(offset(8)).to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// The end of what a date names: that moment, or the end of the day.
pub fn latest(text: &str) -> Option<Timestamp> {
    match parsed(text)? {
        (at, Precision::Day) => at.checked_add(24.hours()).ok(),
        (at, _) => Some(at),
    }
}

/// A date as lists write them: W3C, RFC 2822, or as newsrooms do. A time without a zone is China's.
pub fn timestamp(text: &str) -> Option<Timestamp> {
    parsed(text).map(|(at, _)| at)
}

fn parsed(text: &str) -> Option<(Timestamp, Precision)> {
    static MAIL: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);
    let text = text.trim();
    if let Ok(at) = text.parse().or_else(|_| MAIL.parse_timestamp(text)) {
        return Some((at, Precision::Minute));
    }
    // Relative dates need the time of the fetch, and are left out.
    let context = Context::default();
    let when = parse_value(text, &context).filter(|when| !when.relative)?;
    let at = match when.time {
        Some(_) => when.to_rfc3339(&context.zone).parse().ok()?,
        None => context.zone.to_timestamp(when.date.at(0, 0, 0, 0)).ok()?,
    };
    Some((at, when.precision()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_lists_write_them() {
        for text in [
            "2026-11-20T08:00:00+08:00",
            "2026-11-20T00:00:00Z",
            "Fri, 20 Nov 2026 08:00:00 +0800",
            "Mon, 20 Nov 2026 00:00:00 GMT",
            "20 Nov 2026 00:00:00 GMT",
            "2026年11月20日 08:00",
            "2026-11-20 08:00:00",
            "2026-11-20T08:00:00",
            "2026/11/20 8:00",
            "1795132800",
            "1795132800000",
        ] {
            assert_eq!(timestamp(text).map(|at| at.to_string()).as_deref(), Some("2026-11-20T00:00:00Z"), "{text}");
        }
        for text in ["", "昨天", "3小时前", "soon"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
        let day = timestamp("2026-11-20").unwrap();
        assert_eq!(day.to_string(), "2026-11-19T16:00:00Z");
        assert_eq!(latest("2026-11-20").unwrap(), day.checked_add(24.hours()).unwrap());
    }
}
