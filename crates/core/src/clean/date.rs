//! Dates as Chinese newsrooms write them, to RFC 3339.
//!
//! A missing date stays missing: a date without a year, and 昨天 or 3小时前, are resolved only against the year in
//! the address or the fetch time, and the result says so.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp, ZonedDateTime};

use super::months;
use crate::pattern::{Captures, Pattern};
use crate::record::Precision;

/// What a date without zone, year or day is read against.
#[derive(Debug, Clone)]
pub struct Context {
    /// Zone of times without one.
    pub zone: TimeZone,
    /// When the page was fetched.
    pub fetched_at: Option<Timestamp>,
    /// The date in the page's address.
    pub url_date: Option<Date>,
    /// The zone is the page's own: its site's, or that of its language.
    pub is_local: bool,
    /// Of two numbers with a slash, the first is the day: nearly everywhere but in the United States.
    pub day_first: bool,
}

impl Default for Context {
    fn default() -> Self {
        Self { zone: shanghai(), fetched_at: None, url_date: None, is_local: true, day_first: false }
    }
}

/// Mainland time, the default of every site.
pub fn shanghai() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap_or_else(|_| TimeZone::fixed(Offset::constant(8)))
}

/// A date, with a time if the page has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// Day.
    pub date: Date,
    /// Time of day.
    pub time: Option<Time>,
    /// Offset that the text itself gave.
    pub offset: Option<Offset>,
    /// The text was relative or had no year.
    pub relative: bool,
}

impl When {
    /// RFC 3339 with offset, or the date alone.
    pub fn to_rfc3339(&self, zone: &TimeZone) -> String {
        let Some(time) = self.time else { return self.date.to_string() };
        let local = DateTime::from_parts(self.date, time);
        let offset = self
            .offset
            .or_else(|| zone.to_ambiguous_zoned_datetime(local).compatible().ok().map(|z| z.offset()))
            .unwrap_or(Offset::UTC);
        let seconds = offset.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.unsigned_abs() / 60;
        format!(
            "{}T{:02}:{:02}:{:02}{sign}{:02}:{:02}",
            self.date,
            time.hour(),
            time.minute(),
            time.second(),
            minutes / 60,
            minutes % 60
        )
    }

    /// How much the page stated.
    pub fn precision(&self) -> Precision {
        match (self.relative, self.time) {
            (true, _) => Precision::Relative,
            (false, Some(_)) => Precision::Minute,
            (false, None) => Precision::Day,
        }
    }

    fn from_timestamp(at: Timestamp, zone: &TimeZone) -> Self {
        let z = at.to_zoned_datetime(zone.clone());
        Self { date: z.date(), time: Some(z.time()), offset: Some(z.offset()), relative: false }
    }
}

/// A date found in a text, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The date.
    pub when: When,
    /// Byte range in the normalised text (see [`normalise`]).
    pub start: usize,
    /// See `start`.
    pub end: usize,
}

const TIME: &str = r"(?:[ ,，T|·•\-]{0,3}(?:星期.|周.|[（(](?:星期|周).[)）])?[ ,，|]{0,2}(?:(?:at|um|à|alle|ore|a las|às|om|kl\.?|o|в|о|saat|klo)[ ])?(上午|下午|晚上|晚间|夜间|夜里|傍晚|午后|晚|早上|清晨|早晨|凌晨|中午|AM|PM|am|pm)?[ ]?(\d{1,2})[ ]?[:时点時點](?:[ ]?(\d{1,2}|半)(?:[ ]?[:分][ ]?(\d{1,2})(?:\.\d+)?)?)?[ ]?[分秒]?[ ]?(AM|PM|am|pm|[ap]\.m\.|Z|GMT|UTC|[+-]\d{2}:?\d{2})?)?";

static FULL: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(format!(
        r"(?P<y>(?:19|20)\d{{2}})(?:[ ]?[-/.年][ ]?| )(?P<m>1[0-2]|0?[1-9])[ ]?[-/.月][ ]?(?P<d>3[01]|[12]\d|0?[1-9])(?P<r>[ ]?[日号]?{TIME})"
    ))
});
static SHORT_YEAR: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(format!(
        r"(?:^|[^\d.:/-]|[^\d]:)(?P<y>\d{{2}})[-/](?P<m>1[0-2]|0[1-9])[-/](?P<d>3[01]|[12]\d|0[1-9])(?P<r>[ ]?{TIME})"
    ))
});
static NO_YEAR: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(format!(
        r"(?:^|[^\d.:/年-])(?P<m>1[0-2]|0?[1-9])(?:[-/]|[ ]?月[ ]?)(?P<d>3[01]|[12]\d|0?[1-9])(?P<r>[日号]?{TIME})"
    ))
});
static RELATIVE: LazyLock<Pattern> =
    LazyLock::new(|| Pattern::later(format!(r"(?P<w>今天|昨天|昨日|前天|今日)(?P<r>{TIME})")));
static AGO: LazyLock<Pattern> =
    LazyLock::new(|| Pattern::later(r"(?P<n>\d{1,3}|半)[ ]?个?(?P<u>秒钟?|分钟|小时|天|周|月)[之以]?前|(?P<now>刚刚)"));
static COMPACT: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(
        r"(?:^|\D)((?:19|20)\d{2})(1[0-2]|0[1-9])(3[01]|[12]\d|0[1-9])(?:[T ]?([01]\d|2[0-3]):?([0-5]\d)(?::?([0-5]\d))?)?(?:\D|$)",
    )
});
/// Day, month by name and year, or month, day and year.
static NAMED_MONTH: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(format!(
        r"(?i)(?:^|[^\p{{L}}\d])(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th|er|\.|º|ª)?[ -](?:de |of )?)?(?P<mon>(?:{})\p{{L}}*)\.?,?[ -](?:(?:de|del) )?(?:(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,?[ ])?(?P<y>(?:19|20)\d{{2}})(?P<r>{TIME})",
        months::alternatives()
    ))
});
/// Year, month by name and day: `2023 Jan 7`, `2026. március 2.`
static NAMED_MONTH_LAST: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(format!(
        r"(?i)(?:^|[^\d])(?P<y>(?:19|20)\d{{2}})[ .,-]{{1,2}}(?P<mon>(?:{})\p{{L}}*)\.?[ -](?P<d1>3[01]|[12]\d|0?[1-9])(?:\D|$)",
        months::alternatives()
    ))
});
/// Day, month and year, or month, day and year: `02-03-2026`, `02/28/2026`.
static YEAR_LAST: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(format!(
        r"(?:^|[^\d.:/-])(?P<a>0?[1-9]|[12]\d|3[01])(?P<s>[-/.])(?P<b>0?[1-9]|[12]\d|3[01])[-/.](?P<y>20[0-4]\d|19[89]\d)(?P<r>{TIME})"
    ))
});
/// `115/03/02`, a year of the Republic.
static MINGUO_SHORT: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(format!(
        r"(?:^|[^\d./-])(?P<y>1[01]\d)[-/.](?P<m>1[0-2]|0[1-9])[-/.](?P<d>3[01]|[12]\d|0[1-9])(?P<r>{TIME})"
    ))
});
/// `下午三点半`, `九点二十分` behind a day.
static HAN_CLOCK: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(
        r"(?:日|号|上午|下午|晚上|凌晨|早上|中午|傍晚)[ ]?(?P<h>[〇零一二两三四五六七八九十]{1,3})[点时點時](?P<m>半|整|[〇零一二三四五六七八九十]{1,3}分?)?",
    )
});
static MINGUO: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(format!(r"民[国國](?P<y>\d{{2,3}})年(?P<m>\d{{1,2}})月(?P<d>\d{{1,2}})(?P<r>日?{TIME})"))
});
static HAN: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::later(
        r"[〇○零Ｏ一二三四五六七八九]{4}年[一二三四五六七八九十]{1,2}月[一二三四五六七八九十廿]{1,3}日(?:[ ]?[〇零一二三四五六七八九十]{1,3}[时点時點](?:[〇零一二三四五六七八九十]{1,3}分)?)?",
    )
});

/// Full-width digits and colons to ASCII, odd blanks to one blank, Chinese numerals of dates to digits.
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let between_digits = || out.ends_with(|b: char| b.is_ascii_digit());
        match c {
            // 16h30
            'h' if chars.peek().is_some_and(char::is_ascii_digit) && between_digits() => out.push(':'),
            '０'..='９' => out.push(char::from(b'0' + (c as u32 - '０' as u32) as u8)),
            '：' => out.push(':'),
            '－' | '–' | '—' | '‐' | '‑' => out.push('-'),
            '／' => out.push('/'),
            '．' => out.push('.'),
            c if super::blocks::is_blank(c) => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    if out.contains(['点', '时', '點', '時'])
        && let Some(c) = HAN_CLOCK.captures(&out)
        && let Some(hour) = c.name("h")
    {
        let minute = c.name("m").map_or("", |m| m.as_str()).trim_end_matches('分');
        let minute = match minute {
            "半" => 30,
            m => han_number(m),
        };
        let clock = format!("{}:{minute:02}", han_number(hour.as_str()));
        let range = hour.start()..c.get(0).map_or(hour.end(), |m| m.end());
        out.replace_range(range, &clock);
    }
    if out.contains('年')
        && let Some(m) = HAN.find(&out)
    {
        let digits = han_date(m.as_str());
        out.replace_range(m.range(), &digits);
    }
    out
}

fn han_date(text: &str) -> String {
    let mut out = String::new();
    let mut number = String::new();
    for c in text.chars() {
        match c {
            '年' => {
                out.extend(number.chars().filter_map(han_digit).map(|d| char::from(b'0' + d)));
                number.clear();
                out.push('-');
            }
            '月' | '日' => {
                out.push_str(&han_number(&number).to_string());
                number.clear();
                out.push_str(if c == '月' { "-" } else { "日" });
            }
            '时' | '点' | '時' | '點' | '分' => {
                out.push_str(&han_number(&number).to_string());
                number.clear();
                out.push(c);
            }
            c => number.push(c),
        }
    }
    out
}

fn han_digit(c: char) -> Option<u8> {
    Some(match c {
        '〇' | '○' | '零' | 'Ｏ' => 0,
        '一' => 1,
        '二' | '两' => 2,
        '三' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        _ => return None,
    })
}

fn han_number(text: &str) -> u32 {
    let mut total = 0;
    let mut digit = 0;
    for c in text.chars() {
        match c {
            '十' => {
                total += digit.max(1) * 10;
                digit = 0;
            }
            '廿' => total += 20,
            c => digit = u32::from(han_digit(c).unwrap_or(0)),
        }
    }
    total + digit
}

/// The first date of a text. The text may hold anything around it.
pub fn find(text: &str, context: &Context) -> Option<Found> {
    let text = normalise(text);
    find_normalised(&text, context)
}

/// As [`find`], of a text that has been through [`normalise`].
pub fn find_normalised(text: &str, context: &Context) -> Option<Found> {
    if !text.bytes().any(|b| b.is_ascii_digit()) && !text.contains("刚刚") && !text.contains('半') {
        return None;
    }
    if text.contains('民')
        && let Some(found) = MINGUO.captures(text).and_then(|c| calendar(&c, number(&c, "y")? as i16 + 1911, false))
    {
        return Some(found);
    }
    if let Some(found) = FULL.captures_iter(text).find_map(|c| calendar(&c, number(&c, "y")? as i16, false)) {
        return Some(found);
    }
    let named = || NAMED_MONTH.captures_iter(text).find_map(|c| with_named_month(&c));
    if let Some(found) = named().or_else(|| NAMED_MONTH_LAST.captures(text).and_then(|c| with_named_month(&c))) {
        return Some(found);
    }
    if let Some(found) = MINGUO_SHORT.captures(text).and_then(|c| calendar(&c, number(&c, "y")? as i16 + 1911, false)) {
        return Some(found);
    }
    if let Some(found) = YEAR_LAST.captures(text).and_then(|c| year_last(&c, context)) {
        return Some(found);
    }
    if let Some(found) = COMPACT.captures(text).and_then(|c| compact(&c)) {
        return Some(found);
    }
    if let Some(found) = SHORT_YEAR.captures(text).and_then(|c| calendar(&c, number(&c, "y")? as i16 + 2000, false)) {
        return Some(found);
    }
    relative(text, context).or_else(|| without_year(text, context))
}

/// A date in a value that holds nothing else: as [`find`], and epoch seconds or milliseconds too.
pub fn parse_value(text: &str, context: &Context) -> Option<When> {
    let text = text.trim();
    if (text.len() == 10 || text.len() == 13) && text.bytes().all(|b| b.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        let millis = if text.len() == 13 { number } else { number * 1000 };
        return Timestamp::from_millisecond(millis).ok().map(|at| When::from_timestamp(at, &context.zone));
    }
    find(text, context).map(|f| f.when)
}

/// A date by a `strptime` pattern.
pub fn parse_with(text: &str, format: &str, _context: &Context) -> Option<When> {
    let parsed = jiff::fmt::strtime::parse(format, text.trim()).ok()?;
    let date = parsed.to_date().ok()?;
    Some(When {
        date,
        time: parsed.hour().and_then(|_| parsed.to_time().ok()),
        offset: parsed.offset(),
        relative: false,
    })
}

/// The date in an address: `/2025-02/15/`, `/202502/15/`, `/20250215/`, `/2025/0215/`, `/2025/02-15/`, `t20250215_`.
pub fn in_url(path: &str) -> Option<Date> {
    static URL: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(
            r"(?:^|[/_t.-])((?:19|20)\d{2})[/_-]?(1[0-2]|0[1-9])[/_-]?(3[01]|[12]\d|0[1-9])(?:\D|\d{6}\D|\d{10}\D|$)",
        )
    });
    let c = URL.captures(path)?;
    Date::new(c[1].parse().ok()?, c[2].parse().ok()?, c[3].parse().ok()?).ok()
}

fn number(c: &Captures<'_>, group: &str) -> Option<u32> {
    c.name(group)?.as_str().parse().ok()
}

fn calendar(c: &Captures<'_>, year: i16, relative: bool) -> Option<Found> {
    let whole = c.get(0)?;
    let (time, offset) = time_of(c);
    let date = Date::new(year, number(c, "m")? as i8, number(c, "d")? as i8).ok()?;
    let end = if time.is_some() { whole.end() } else { c.name("d")?.end() };
    let start = c.name("y").or_else(|| c.name("m"))?.start();
    Some(Found { when: When { date, time, offset, relative }, start, end })
}

/// The time groups are the last seven of every pattern that ends in `TIME`, inside the group `r`.
fn time_of(c: &Captures<'_>) -> (Option<Time>, Option<Offset>) {
    static PARTS: LazyLock<Pattern> = LazyLock::new(|| Pattern::later(format!("^[ ]?[日号]?{TIME}$")));
    let Some(rest) = c.name("r").map(|m| m.as_str()).filter(|r| !r.is_empty()) else { return (None, None) };
    let Some(p) = PARTS.captures(rest) else { return (None, None) };
    let Some(mut hour) = p.get(2).and_then(|h| h.as_str().parse::<i8>().ok()) else { return (None, None) };
    let part = |n: usize| p.get(n).and_then(|m| m.as_str().parse::<i8>().ok());
    let half_past = p.get(3).is_some_and(|m| m.as_str() == "半");
    let (minute, second) = (if half_past { Some(30) } else { part(3) }, part(4).unwrap_or(0));
    // «8点» alone is a time; «8:» alone is the end of something else.
    let Some(minute) = minute.or_else(|| rest.contains(['时', '点', '時', '點']).then_some(0)) else {
        return (None, None);
    };
    let tail = p.get(5).map_or("", |m| m.as_str());
    let half = p.get(1).map_or(tail, |m| m.as_str());
    hour = match half {
        "下午" | "晚上" | "晚间" | "夜间" | "夜里" | "傍晚" | "午后" | "晚" | "PM" | "pm" | "p.m." if hour < 12 => {
            hour + 12
        }
        // One o'clock at noon is 13:00, twelve in the morning is midnight.
        "中午" if hour < 4 => hour + 12,
        "上午" | "早上" | "清晨" | "早晨" | "凌晨" | "AM" | "am" | "a.m." if hour == 12 => 0,
        _ => hour,
    };
    let offset = match tail {
        "Z" | "GMT" | "UTC" => Some(Offset::UTC),
        t if t.starts_with(['+', '-']) => parse_offset(t),
        _ => None,
    };
    (Time::new(hour, minute, second, 0).ok(), offset)
}

/// The day stands first, but for two numbers with a slash, which are American where the page does not say otherwise.
fn year_last(c: &Captures<'_>, context: &Context) -> Option<Found> {
    let (a, b) = (number(c, "a")? as i8, number(c, "b")? as i8);
    let american = &c["s"] == "/" && a <= 12 && !context.day_first || b > 12;
    let (month, day) = if american { (a, b) } else { (b, a) };
    let date = Date::new(number(c, "y")? as i16, month, day).ok()?;
    let (time, offset) = time_of(c);
    let (start, end) = (c.name("a")?.start(), c.get(0)?.end());
    Some(Found { when: When { date, time, offset, relative: false }, start, end })
}

fn parse_offset(text: &str) -> Option<Offset> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let seconds = digits.get(..2)?.parse::<i32>().ok()? * 3600 + digits.get(2..4)?.parse::<i32>().ok()? * 60;
    Offset::from_seconds(if text.starts_with('-') { -seconds } else { seconds }).ok()
}

fn with_named_month(c: &Captures<'_>) -> Option<Found> {
    let whole = c.get(0)?;
    let month = months::by_name(&c.name("mon")?.as_str().to_lowercase())?;
    let day = number(c, "d2").or_else(|| number(c, "d1"))? as i8;
    let date = Date::new(number(c, "y")? as i16, month, day).ok()?;
    let (time, offset) = time_of(c);
    Some(Found { when: When { date, time, offset, relative: false }, start: whole.start(), end: whole.end() })
}

fn compact(c: &Captures<'_>) -> Option<Found> {
    let get = |n: usize| c.get(n).and_then(|m| m.as_str().parse::<i16>().ok());
    let date = Date::new(get(1)?, get(2)? as i8, get(3)? as i8).ok()?;
    let time = get(4).and_then(|h| Time::new(h as i8, get(5)? as i8, get(6).unwrap_or(0) as i8, 0).ok());
    let end = [6, 5, 3].iter().find_map(|&n| c.get(n)).map_or(0, |m| m.end());
    Some(Found { when: When { date, time, offset: None, relative: false }, start: c.get(1)?.start(), end })
}

fn relative(text: &str, context: &Context) -> Option<Found> {
    let now: ZonedDateTime = context.fetched_at?.to_zoned_datetime(context.zone.clone());
    if let Some(c) = RELATIVE.captures(text) {
        let days = match &c["w"] {
            "昨天" | "昨日" => 1,
            "前天" => 2,
            _ => 0,
        };
        let date = now.date().checked_sub(Span::new().days(days)).ok()?;
        let (time, offset) = time_of(&c);
        let whole = c.get(0)?;
        return Some(Found {
            when: When { date, time, offset, relative: true },
            start: whole.start(),
            end: whole.end(),
        });
    }
    let c = AGO.captures(text)?;
    let whole = c.get(0)?;
    let (span, exact) = if c.name("now").is_some() {
        (Span::new(), true)
    } else {
        let half = &c["n"] == "半";
        let n: i64 = if half { 30 } else { c["n"].parse().ok()? };
        match &c["u"] {
            _ if half => (Span::new().minutes(30), true),
            u if u.starts_with('秒') => (Span::new().seconds(n), true),
            "分钟" => (Span::new().minutes(n), true),
            "小时" => (Span::new().hours(n), true),
            "天" => (Span::new().days(n), false),
            "周" => (Span::new().weeks(n), false),
            _ => (Span::new().months(n), false),
        }
    };
    let at = now.checked_sub(span).ok()?;
    let time = exact.then(|| Time::new(at.hour(), at.minute(), 0, 0).ok()).flatten();
    Some(Found {
        when: When { date: at.date(), time, offset: None, relative: true },
        start: whole.start(),
        end: whole.end(),
    })
}

/// A month and a day: of the year in the address if that names the same month, else the last such day before the fetch.
fn without_year(text: &str, context: &Context) -> Option<Found> {
    let c = NO_YEAR.captures(text)?;
    let (month, day) = (number(&c, "m")? as i8, number(&c, "d")? as i8);
    if let Some(url) = context.url_date
        && url.month() == month
    {
        return calendar(&c, url.year(), true);
    }
    let now = context.fetched_at?.to_zoned_datetime(context.zone.clone()).date();
    let this_year = Date::new(now.year(), month, day).ok()?;
    calendar(&c, if this_year > now { now.year() - 1 } else { now.year() }, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context { fetched_at: "2025-02-01T04:00:00Z".parse().ok(), ..Context::default() }
    }

    fn read(text: &str) -> String {
        find(text, &context()).map_or_else(|| "-".to_owned(), |f| f.when.to_rfc3339(&shanghai()))
    }

    #[test]
    fn forms() {
        let full = "2025-01-28T15:04:00+08:00";
        for text in [
            "2025-01-28 15:04",
            "2025-01-2815:04",
            "2025年1月28日 15:04",
            "2025年01月28日15:04 | 来源：人民网",
            "2025/01/28 15:04:00",
            "2025.01.28 15：04",
            "２０２５年１月２８日　１５：０４",
            "2025-01-28T15:04:00+08:00",
            "2025-01-28T07:04:00Z",
            "2025 01/28 15:04:00",
            "发布时间：2025-01-28 15:04 来源：",
            "2025年1月28日 星期二 15:04",
            "2025年1月28日（星期二）15时04分",
            "2025年1月28日下午3:04",
            "二〇二五年一月二十八日15:04",
            "民國114年1月28日 15:04",
            "25-01-28 15:04",
            "发布时间：25-01-2815:04",
            "01-28 15:04",
            "1月28日15:04",
            "20250128150400",
            "20250128 15:04",
            "2025年1月28日 15點04分",
            "二零二五年一月二十八日 十五时零四分",
            "Jan 28, 2025 15:04",
            "Updated: 2025-01-28 15:04",
            "28 January 2025 15:04",
            "Jan. 28, 2025 3:04 PM",
        ] {
            let want = if text.ends_with('Z') { "2025-01-28T07:04:00+00:00" } else { full };
            assert_eq!(read(text), want, "{text}");
        }
    }

    #[test]
    fn clocks_and_orders() {
        for (text, want) in [
            ("2026-03-02 12:05 AM", "2026-03-02T00:05:00+08:00"),
            ("2026年3月2日凌晨12点30分", "2026-03-02T00:30:00+08:00"),
            ("2026年3月2日上午12:05", "2026-03-02T00:05:00+08:00"),
            ("2026年3月2日中午1点20分", "2026-03-02T13:20:00+08:00"),
            ("2026年3月2日上午九点半", "2026-03-02T09:30:00+08:00"),
            ("2026 年 3 月 2 日 09 时 30 分", "2026-03-02T09:30:00+08:00"),
            ("02-03-2026 09:30", "2026-03-02T09:30:00+08:00"),
            ("115/03/02 09:30", "2026-03-02T09:30:00+08:00"),
            ("03/28/2026", "2026-03-28"),
            ("2 de marzo de 2026", "2026-03-02"),
            ("2. März 2026", "2026-03-02"),
            ("2 mars 2026 à 16h30", "2026-03-02T16:30:00+08:00"),
            ("2 марта 2026 в 09:30", "2026-03-02T09:30:00+08:00"),
            ("2 czerwca 2026", "2026-06-02"),
            ("2 Mart 2026", "2026-03-02"),
            ("2 maart 2026", "2026-03-02"),
            ("2023 Jan 7;15(1)", "2023-01-07"),
            ("26 Sep 2019 at 4:12pm", "2019-09-26T16:12:00+08:00"),
            ("issue 12 version 2019, posted 3 May 2019", "2019-05-03"),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_that_of_the_page() {
        let abroad = Context { day_first: true, ..context() };
        let day = |context: &Context| find("03/02/2026", context).map(|f| f.when.date.to_string());
        assert_eq!((day(&context()).as_deref(), day(&abroad).as_deref()), (Some("2026-03-02"), Some("2026-02-03")));
    }

    #[test]
    fn days_alone() {
        for text in [
            "2025年1月28日",
            "2025-01-28",
            "20250128",
            "二○二五年一月二十八日",
            "Tuesday, January 28, 2025",
            "2025-1-28",
        ] {
            assert_eq!(read(text), "2025-01-28", "{text}");
        }
    }

    #[test]
    fn relative_to_the_fetch() {
        assert_eq!(read("昨天 10:20"), "2025-01-31T10:20:00+08:00");
        assert_eq!(read("3小时前"), "2025-02-01T09:00:00+08:00");
        assert_eq!(read("半小时前"), "2025-02-01T11:30:00+08:00");
        assert_eq!(read("3天前"), "2025-01-29");
        assert_eq!(read("12-31 08:00"), "2024-12-31T08:00:00+08:00");
        assert_eq!(find("昨天 10:20", &Context::default()), None);
        assert_eq!(find("01-28 10:20", &Context::default()), None);
    }

    #[test]
    fn no_dates() {
        for text in ["", "比分 3:2", "电话 0755-83511234", "1.5万", "2025年", "400-820-8820", "13:05"] {
            assert_eq!(read(text), "-", "{text}");
        }
    }

    #[test]
    fn values() {
        let at = |t| parse_value(t, &Context::default()).map(|w| w.to_rfc3339(&shanghai()));
        assert_eq!(at("1581517074").as_deref(), Some("2020-02-12T22:17:54+08:00"));
        assert_eq!(at("1581517074000").as_deref(), Some("2020-02-12T22:17:54+08:00"));
    }

    #[test]
    fn addresses() {
        let day = Date::new(2025, 2, 15).ok();
        for path in [
            "/news/content/2025-02/15/content_31466616.htm",
            "/PC/content/202502/15/content_1.html",
            "/n1/2025/0215/c1004-40232587.html",
            "/gn/2025/02-15/10133192.shtml",
            "/gn/202502/t20250215_15249693.htm",
            "/politics/20250215/abc/c.html",
            "/c/2025-02-15/doc-abc.shtml",
        ] {
            assert_eq!(in_url(path), day, "{path}");
        }
        assert_eq!(in_url("/rain/a/20240513A00GCM00"), Date::new(2024, 5, 13).ok());
        assert_eq!(in_url("/article/4033021920250.html"), None);
    }
}
