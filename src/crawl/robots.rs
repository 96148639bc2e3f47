//! robots.txt (RFC 9309): one file's bytes in, a decision with the rule that made it out.
//!
//! Written here and not taken from a crate because each crate looked at misses some of the cases that the parser of
//! google/robotstxt is tested with, and because `explain` wants the line of the rule.

use std::borrow::Cow;

use memchr::memmem;

use crate::sites::requests::product_token;

/// Bytes of robots.txt that are read; the rest is ignored (RFC 9309, 2.5).
pub const MAX_BYTES: usize = 500 * 1024;
/// Longest line that is read, in bytes; longer ones are cut off there.
const MAX_LINE: usize = 2083 * 8;

/// What one robots.txt says to one product token.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Robots {
    rules: Vec<Rule>,
    /// Seconds between two requests that the site asks for.
    pub crawl_delay: Option<f64>,
    /// Sitemaps it names, as written.
    pub sitemaps: Vec<String>,
}

/// One `Allow` or `Disallow` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `Allow` or `Disallow`.
    pub allow: bool,
    /// Line number, from 1.
    pub line: usize,
    /// The pattern as written, percent-encoded.
    pub pattern: String,
}

/// Whether an address may be fetched, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// True if it may.
    pub allowed: bool,
    /// The rule that decided; none if no rule matched.
    pub rule: Option<&'a Rule>,
}

/// Path and query of an address as it was typed, without normalising anything: `/` if there is none.
pub fn path_of(url: &str) -> String {
    let after_scheme = match url.find("://") {
        Some(at) if !url[..at].contains(['/', '?', ';']) => &url[at + 3..],
        _ => url.strip_prefix("//").unwrap_or(url),
    };
    let after_scheme = after_scheme.split('#').next().unwrap_or_default();
    match after_scheme.find(['/', '?', ';']) {
        None => "/".to_owned(),
        Some(at) if after_scheme[at..].starts_with('/') => after_scheme[at..].to_owned(),
        Some(at) => format!("/{}", &after_scheme[at..]),
    }
}

impl Robots {
    /// Reads a robots.txt for one product token.
    pub fn parse(bytes: &[u8], token: &str) -> Self {
        let bytes = &*plain(&bytes[..bytes.len().min(MAX_BYTES)]);
        let mut own = Group::default();
        let mut any = Group::default();
        let mut sitemaps = Vec::new();
        // Which groups the lines now being read belong to, and whether a rule has closed the list of agents.
        let (mut in_own, mut in_any, mut closed) = (false, false, false);
        for (number, line) in lines(without_bom(bytes)) {
            let Some((key, value)) = key_value(line) else { continue };
            match directive(key) {
                Some(Directive::Agent) => {
                    if closed {
                        (in_own, in_any, closed) = (false, false, false);
                    }
                    if value.first() == Some(&b'*') && value.get(1).is_none_or(u8::is_ascii_whitespace) {
                        in_any = true;
                    } else {
                        let agent = String::from_utf8_lossy(value);
                        if !token.is_empty() && product_token(&agent).eq_ignore_ascii_case(token) {
                            in_own = true;
                            own.named = true;
                        }
                    }
                }
                Some(Directive::Rule { allow }) => {
                    closed = true;
                    if in_own || in_any {
                        let rule = Rule { allow, line: number, pattern: encoded(&path_pattern(value)) };
                        if in_own {
                            own.rules.push(rule.clone());
                        }
                        if in_any {
                            any.rules.push(rule);
                        }
                    }
                }
                Some(Directive::CrawlDelay) => {
                    let seconds = std::str::from_utf8(value).ok().and_then(leading_number);
                    if let Some(seconds) = seconds.filter(|s| s.is_finite() && *s >= 0.0) {
                        if in_own {
                            own.delay = Some(seconds);
                        }
                        if in_any {
                            any.delay = Some(seconds);
                        }
                    }
                }
                Some(Directive::Sitemap) => sitemaps.push(String::from_utf8_lossy(value).into_owned()),
                None => {}
            }
        }
        let group = if own.named { own } else { any };
        // An empty pattern matches nothing.
        let rules = group.rules.into_iter().filter(|rule| !rule.pattern.is_empty()).collect();
        Self { rules, crawl_delay: group.delay, sitemaps }
    }

    /// Decides about a path with its query (`/a/b?c=d`): the longest pattern wins, `Allow` where two are as long.
    pub fn check(&self, path_and_query: &str) -> Verdict<'_> {
        let path = path_and_query.as_bytes();
        let mut best: Option<&Rule> = None;
        for rule in &self.rules {
            let longer = best.is_none_or(|b| {
                rule.pattern.len() > b.pattern.len()
                    || (rule.pattern.len() == b.pattern.len() && rule.allow && !b.allow)
            });
            if longer && matches(rule.pattern.as_bytes(), path) {
                best = Some(rule);
            }
        }
        Verdict { allowed: best.is_none_or(|rule| rule.allow), rule: best }
    }

    /// Number of rules that concern this agent.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// True if nothing is forbidden.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

#[derive(Default)]
struct Group {
    named: bool,
    rules: Vec<Rule>,
    delay: Option<f64>,
}

enum Directive {
    Agent,
    Rule { allow: bool },
    CrawlDelay,
    Sitemap,
}

/// The directive a key means; common misspellings of those that keep us out are understood.
fn directive(key: &[u8]) -> Option<Directive> {
    let key = key.to_ascii_lowercase();
    Some(match key.as_slice() {
        b"user-agent" | b"useragent" | b"user agent" => Directive::Agent,
        b"allow" => Directive::Rule { allow: true },
        b"disallow" | b"dissallow" | b"dissalow" | b"disalow" | b"diasllow" | b"disallaw" => {
            Directive::Rule { allow: false }
        }
        b"crawl-delay" | b"crawldelay" => Directive::CrawlDelay,
        b"sitemap" | b"site-map" => Directive::Sitemap,
        _ => return None,
    })
}

/// The number that a value begins with: `10`, `0.5s`, `5 seconds`.
fn leading_number(value: &str) -> Option<f64> {
    let end = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    value[..end].parse().ok()
}

/// A pattern as it was hardly meant otherwise: a whole address stands for its path, and a name for one below the top.
fn path_pattern(value: &[u8]) -> Cow<'_, [u8]> {
    let is_address = [&b"http://"[..], b"https://"]
        .iter()
        .any(|scheme| value.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    match value.first() {
        None | Some(b'/' | b'*' | b'$') => Cow::Borrowed(value),
        // Patterns hold no other `//` before their path.
        Some(_) if is_address => Cow::Owned(path_of(&String::from_utf8_lossy(value)).into_bytes()),
        Some(_) => Cow::Owned([b"/", value].concat()),
    }
}

/// The bytes as ASCII or UTF-8: text in UTF-16 is decoded, with a byte order mark or, where it is ASCII, without. Else NULs
/// would hide what a site forbids.
fn plain(bytes: &[u8]) -> Cow<'_, [u8]> {
    match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, _)) if encoding != encoding_rs::UTF_8 => {
            Cow::Owned(encoding.decode_with_bom_removal(bytes).0.into_owned().into_bytes())
        }
        _ if bytes.contains(&0) => Cow::Owned(bytes.iter().copied().filter(|byte| *byte != 0).collect()),
        _ => Cow::Borrowed(bytes),
    }
}

/// Without the blanks around, also those that editors and input methods put there: no-break and ideographic spaces, zero-width
/// ones, byte order marks of files that were put together.
fn trimmed(mut text: &[u8]) -> &[u8] {
    const WIDE: [&str; 4] = ["\u{a0}", "\u{3000}", "\u{200b}", "\u{feff}"];
    loop {
        let ascii = text.trim_ascii();
        let cut = WIDE.iter().fold(ascii, |text, blank| {
            let text = text.strip_prefix(blank.as_bytes()).unwrap_or(text);
            text.strip_suffix(blank.as_bytes()).unwrap_or(text)
        });
        if cut.len() == text.len() {
            return cut;
        }
        text = cut;
    }
}

/// The byte order mark, or as much of it as is there.
fn without_bom(bytes: &[u8]) -> &[u8] {
    let bom = [0xEF, 0xBB, 0xBF];
    let same = bytes.iter().zip(bom).take_while(|(a, b)| **a == *b).count();
    &bytes[same..]
}

/// Lines with their numbers; ended by LF, CR or CRLF.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut rest = bytes;
    let mut number = 0;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        number += 1;
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = &rest[..end.min(MAX_LINE)];
        rest = match &rest[end..] {
            [b'\r', b'\n', after @ ..] | [b'\n' | b'\r', after @ ..] => after,
            _ => &[],
        };
        Some((number, line))
    })
}

/// `key: value`, or `key value` where exactly two words stand on the line; the comment is cut off.
fn key_value(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = trimmed(line.split(|c| *c == b'#').next().unwrap_or_default());
    // Full-width colons come from Chinese input methods.
    let wide = memmem::find(line, "：".as_bytes()).map(|at| (at, "：".len()));
    let colon = memchr::memchr(b':', line).map(|at| (at, 1));
    let first = wide.into_iter().chain(colon).min();
    let (key, value) = match first {
        Some((at, len)) => (&line[..at], &line[at + len..]),
        None => {
            let at = line.iter().position(|c| matches!(c, b' ' | b'\t'))?;
            let value = line[at..].trim_ascii();
            if value.iter().any(|c| matches!(c, b' ' | b'\t')) {
                return None;
            }
            (&line[..at], value)
        }
    };
    let key = trimmed(key);
    (!key.is_empty()).then(|| (key, trimmed(value)))
}

/// The pattern with bytes outside ASCII percent-encoded and the digits of encoded ones in capitals.
fn encoded(value: &[u8]) -> String {
    let mut out = String::with_capacity(value.len());
    let mut at = 0;
    while at < value.len() {
        match value[at..] {
            [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push('%');
                out.push(char::from(high.to_ascii_uppercase()));
                out.push(char::from(low.to_ascii_uppercase()));
                at += 3;
            }
            [byte, ..] if byte.is_ascii() => {
                out.push(char::from(byte));
                at += 1;
            }
            [byte, ..] => {
                out.push_str(&format!("%{byte:02X}"));
                at += 1;
            }
            [] => break,
        }
    }
    out
}

/// Matches a pattern with `*` (anything) and a final `$` (end) from the start of a path.
///
/// Taking each part between stars at its first place is enough, as a star stretches over whatever is left; so the
/// work is bounded by the two lengths however many stars a hostile file has.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let (pattern, anchored) = match pattern {
        [rest @ .., b'$'] => (rest, true),
        all => (all, false),
    };
    let mut parts = pattern.split(|c| *c == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return !anchored || rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if anchored && parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match memmem::find(rest, part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(robots: &str, agent: &str, url: &str) -> bool {
        Robots::parse(robots.as_bytes(), product_token(agent)).check(&path_of(url)).allowed
    }

    fn lines_of(text: &[u8]) -> usize {
        Robots::parse(text, "foo").check("/").rule.map_or(0, |r| r.line)
    }

    #[test]
    fn groups() {
        let robots = "allow: /free/\n\nuser-agent: Ours\ndisallow: /\nallow: /one/\nuser-agent: Other\ndisallow: /\n\
                      allow: /two/\n\n\nallow: /three/\nuser-agent: Third\n\nuser-agent: Ours\nallow: /four/\ndisallow: /\n";
        for (agent, path, expected) in [
            ("Ours", "/one/a", true),
            ("Ours", "/four/a", true),
            ("Ours", "/two/a", false),
            ("Other", "/two/a", true),
            ("Other", "/three/a", true),
            ("Other", "/four/a", false),
            ("Third", "/four/a", true),
            ("Ours", "/free/", false),
            ("Other", "/free/", false),
            ("Third", "/free/", false),
            ("Nobody", "/free/", true),
        ] {
            assert_eq!(allowed(robots, agent, &format!("http://a.example{path}")), expected, "{agent} {path}");
        }
    }

    #[test]
    fn other_lines_do_not_close_a_group() {
        let robots = "User-agent: Ours\nSitemap: http://a.example/s.xml\nUser-agent: *\nDisallow: /\n";
        assert!(!allowed(robots, "Ours", "http://a.example/"));
        assert!(!allowed(robots, "Nobody", "http://a.example/"));
        let robots = "User-agent: Ours\nWhatever: 1\nUser-agent: *\nDisallow: /\n";
        assert!(!allowed(robots, "Ours", "http://a.example/"));
    }

    #[test]
    fn the_named_group_hides_the_star() {
        let robots = "User-agent: *\nDisallow: /a/\nUser-agent: Ours\nDisallow: /b/\n";
        assert!(allowed(robots, "Ours", "/a/1"));
        assert!(!allowed(robots, "Ours", "/b/1"));
        assert!(!allowed(robots, "Nobody", "/a/1"));
        let robots = "User-agent: *\nDisallow: /\nUser-agent: Ours\n";
        assert!(allowed(robots, "Ours", "/a"));
    }

    #[test]
    fn agents_are_compared_by_their_token() {
        for line in ["OURS", "ours", "Ours/2.0", "oURs Images"] {
            let robots = format!("User-Agent: {line}\nAllow: /x/\nDisallow: /\n");
            assert!(allowed(&robots, "ours/1.0 (+http://c.example)", "/x/y"), "{line}");
            assert!(!allowed(&robots, "Ours", "/a/b"), "{line}");
        }
        assert!(allowed("User-agent: OursToo\nDisallow: /\n", "Ours", "/"));
        assert!(allowed("", "Ours", "/"));
    }

    #[test]
    fn syntax_is_forgiving() {
        assert!(!allowed("user-agent Ours\ndisallow /\n", "Ours", "/x/y"));
        assert!(allowed("foo: Ours\nbar: /\n", "Ours", "/x/y"));
        assert!(!allowed("USER-AGENT: Ours\nDISALLOW: /\n", "Ours", "/a"));
        assert!(!allowed("User-agent: Ours\n# Disallow: /a\nDisallow: /foo/q#x\nAllow: /\n", "Ours", "/foo/q"));
    }

    #[test]
    fn what_was_hardly_meant_otherwise() {
        for rule in
            ["Disallow: a/", "Disallow: http://a.example/a/", "Disallow：/a/", "disallow : /a/", "Disallow:/a/ # x"]
        {
            let robots = format!("User-agent: *\n{rule}\n");
            assert!(!allowed(&robots, "Ours", "/a/1.htm") && allowed(&robots, "Ours", "/"), "{rule}");
        }
        for (delay, expected) in [("5 seconds", Some(5.0)), ("0.5s", Some(0.5)), ("soon", None)] {
            let robots = format!("User-agent: *\nCrawl-delay: {delay}\n");
            assert_eq!(Robots::parse(robots.as_bytes(), "ours").crawl_delay, expected);
        }
    }

    #[test]
    fn the_longest_pattern_wins_and_allow_on_a_tie() {
        for (rules, path, expected) in [
            ("disallow: /x/page.html\nallow: /x/", "/x/page.html", false),
            ("allow: /x/page.html\ndisallow: /x/", "/x/page.html", true),
            ("disallow: \nallow: ", "/x", true),
            ("disallow: /\nallow: /", "/x", true),
            ("disallow: /x\nallow: /x/", "/x", false),
            ("disallow: /x\nallow: /x/", "/x/", true),
            ("allow: /page\ndisallow: /*.html", "/page.html", false),
            ("allow: /page\ndisallow: /*.html", "/page", true),
            ("allow: /x/page.\ndisallow: /*.html", "/x/page.html", true),
            ("allow: /$\ndisallow: /", "/", true),
            ("allow: /$\ndisallow: /", "/page", false),
            ("disallow: /X/", "/x/y", true),
        ] {
            assert_eq!(allowed(&format!("user-agent: Ours\n{rules}\n"), "Ours", path), expected, "{rules} {path}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, path, expected) in [
            ("/fish", "/fishheads/a?b", true),
            ("/fish", "/catfish", false),
            ("/fish*", "/fish.html", true),
            ("/fish/", "/fish", false),
            ("/*.php", "/a/b.php?c", true),
            ("/*.php", "/index?php", false),
            ("/*.php$", "/a.php", true),
            ("/*.php$", "/a.php.php", true),
            ("/*.php$", "/a.php5", false),
            ("/fish*.php", "/fishheads/c.php?p", true),
            ("/a*b*c$", "/axbxbxc", true),
            ("/a*b*c$", "/axc", false),
            ("*", "/", true),
            ("/a$b", "/a$b", true),
            ("/foo/*/q", "/foo//q", true),
            ("/ツ", "/%E3%83%84", true),
            ("/%e3%83%84", "/%E3%83%84", true),
            ("/%62%61%7A", "/baz", false),
        ] {
            let robots = format!("User-agent: *\nDisallow: {pattern}\n");
            assert_eq!(!allowed(&robots, "Ours", path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn line_ends_and_marks() {
        for text in [
            "User-agent: foo\nAllow: /s\nUser-agent: foo\n\n\nDisallow: /\n",
            "User-agent: foo\r\nAllow: /s\r\nUser-agent: foo\r\n\r\n\r\nDisallow: /\r\n",
            "User-agent: foo\rAllow: /s\rUser-agent: foo\r\r\rDisallow: /",
        ] {
            assert_eq!(lines_of(text.as_bytes()), 6);
        }
        for bom in [&b"\xEF\xBB\xBF"[..], b"\xEF\xBB", b"\xEF"] {
            assert_eq!(lines_of(&[bom, b"User-Agent: foo\nDisallow: /\n"].concat()), 2);
        }
        assert_eq!(lines_of(b"\xEF\x11\xBFUser-Agent: foo\nDisallow: /\n"), 0);
    }

    #[test]
    fn delay_and_sitemaps() {
        let robots = "Sitemap: http://a.example/s.xml\nUser-agent: *\nCrawl-delay: 2.5\nDisallow: /x\nUser-agent: b\nCrawl-delay: 9\n";
        let robots = Robots::parse(robots.as_bytes(), "ours");
        assert_eq!(robots.crawl_delay, Some(2.5));
        assert_eq!(robots.sitemaps, ["http://a.example/s.xml"]);
    }

    #[test]
    fn only_so_much_is_read() {
        let mut text = b"User-agent: *\n".to_vec();
        text.resize(MAX_BYTES - 11, b'#');
        text.extend(b"\nDisallow: /\n");
        assert!(Robots::parse(&text[..], "ours").is_empty());
        text.drain(20..21);
        assert!(!Robots::parse(&text[..], "ours").is_empty());
    }

    #[test]
    fn paths_of_addresses() {
        for (url, path) in [
            ("", "/"),
            ("http://www.example.com", "/"),
            ("http://www.example.com/a/b?c=http://d.e/", "/a/b?c=http://d.e/"),
            ("http://www.example.com/a/b?c=d&e=f#fragment", "/a/b?c=d&e=f"),
            ("example.com/a", "/a"),
            ("a/b", "/b"),
            ("example.com?a", "/?a"),
            ("example.com/a;b#c", "/a;b"),
            ("//a/b/c", "/b/c"),
        ] {
            assert_eq!(path_of(url), path, "{url}");
        }
    }

    #[test]
    fn what_editors_leave_in_the_file_hides_no_rule() {
        let utf16 = |text: &str, is_big: bool| -> Vec<u8> {
            let bytes = |unit: u16| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            text.encode_utf16().flat_map(bytes).collect()
        };
        let rule = "User-agent: *\r\nDisallow: /私/\r\nDisallow: /a/\r\n";
        for bytes in [
            utf16(&format!("\u{feff}{rule}"), false),
            utf16(&format!("\u{feff}{rule}"), true),
            utf16("User-agent: *\nDisallow: /a/\n", false),
            b"User-agent: *\n\0Disallow: /a/\0\n".to_vec(),
            "User-agent:\u{a0}*\nDisallow:\u{a0}\u{a0}/a/\u{a0}\n".into(),
            "\u{3000}User-agent: *\n\u{3000}\u{3000}Disallow: /a/\n".into(),
            "# 1\n\u{feff}User-agent: *\n\u{200b}Disallow: /a/\u{200b}\n".into(),
        ] {
            let robots = Robots::parse(&bytes, "ours");
            assert!(!robots.check("/a/1.htm").allowed, "{:?}", String::from_utf8_lossy(&bytes));
            assert!(robots.check("/b/1.htm").allowed);
        }
        assert!(!Robots::parse(&utf16(&format!("\u{feff}{rule}"), false), "ours").check("/%E7%A7%81/1").allowed);
    }
}
