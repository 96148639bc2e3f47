//! Which validators of the last answer a request repeats.

use std::time::Duration;

use crate::frontier::{Millis, Task};
use crate::units::millis;

/// A list is asked unconditionally once in this time, whatever its validators say: some servers say "not modified" for ever.
const FULL_EVERY: Duration = Duration::from_secs(86_400);
/// 1995-01-01: dates before it are a server's default, and not those of a page.
const EARLIEST: Millis = 788_918_400_000;
/// A server's clock may be ahead of ours by so much.
const AHEAD: Duration = Duration::from_secs(300);

/// `If-None-Match` and `If-Modified-Since` for a request at a time.
pub fn to_send(task: &Task, now: Millis) -> (Option<&str>, Option<&str>) {
    let age = now - task.full_at;
    if task.kind.recurs() && !(0..millis(FULL_EVERY)).contains(&age) {
        return (None, None);
    }
    let etag = task.etag.as_deref().filter(|tag| is_tag(tag));
    (etag, task.modified.as_deref().filter(|date| is_plausible(date, now)))
}

/// True for a tag that says anything.
fn is_tag(tag: &str) -> bool {
    !tag.trim().trim_start_matches("W/").trim_matches('"').is_empty()
}

/// True for a date on which a page can have been changed.
fn is_plausible(date: &str, now: Millis) -> bool {
    let Ok(at) = httpdate::parse_http_date(date) else { return false };
    let Ok(since) = at.duration_since(std::time::UNIX_EPOCH) else { return false };
    (EARLIEST..=now + millis(AHEAD)).contains(&millis(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_795_795_200_000; // 2026-11-27T16:00:00Z

    #[test]
    fn impossible_dates_and_empty_tags_are_not_sent_back() {
        for (date, plausible) in [
            ("Fri, 27 Nov 2026 15:00:00 GMT", true),
            ("Fri, 27 Nov 2026 16:04:00 GMT", true),
            ("Sat, 28 Nov 2026 16:00:00 GMT", false),
            ("Sun, 27 Nov 2046 16:00:00 GMT", false),
            ("Thu, 01 Jan 1970 00:00:00 GMT", false),
            ("Tue, 01 Jan 1980 00:00:01 GMT", false),
            ("2026-11-27", false),
            ("", false),
        ] {
            assert_eq!(is_plausible(date, NOW), plausible, "{date}");
        }
        for (tag, says) in
            [("\"a\"", true), ("W/\"a\"", true), ("abc", true), ("\"\"", false), ("W/\"\"", false), (" ", false)]
        {
            assert_eq!(is_tag(tag), says, "{tag}");
        }
    }
}
