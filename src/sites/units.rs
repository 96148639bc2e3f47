//! Durations (`"15m"`) and rates (`"1/3s"`) as selector files write them.

use std::time::Duration;

/// A duration: numbers with units `ms`, `s`, `m`, `h`, `d`, one after the other (`"1h30m"`).
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let seconds = match after[..unit].trim() {
            "ms" => 0.001,
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            "w" => 604_800.0,
            _ => return None,
        };
        total += Duration::try_from_secs_f64(number * seconds).ok()?;
        rest = &after[unit..];
    }
    (!text.trim().is_empty()).then_some(total)
}

/// A rate: requests per time (`"1/3s"`, `"1/s"`, `"20/m"`), as the time between two requests. Zero is `None`.
pub fn rate(text: &str) -> Option<Duration> {
    let (count, time) = text.split_once('/')?;
    let count: f64 = count.trim().parse().ok()?;
    let time = time.trim();
    let time =
        if time.starts_with(|c: char| c.is_ascii_digit()) { duration(time)? } else { duration(&format!("1{time}"))? };
    (count > 0.0 && count.is_finite() && !time.is_zero())
        .then(|| Duration::try_from_secs_f64(time.as_secs_f64() / count).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("15m"), Some(Duration::from_secs(900)));
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        for bad in ["", "15", "m", "15 minutes", "-3s", "1..2s"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!(rate("1/3s"), Some(Duration::from_secs(3)));
        assert_eq!(rate("1/s"), Some(Duration::from_secs(1)));
        assert_eq!(rate("20/m"), Some(Duration::from_secs(3)));
        for bad in ["0/s", "1", "1/0s", "-1/s", "inf/s", "1/x"] {
            assert_eq!(rate(bad), None, "{bad}");
        }
    }
}
