//! Regexes that are tried on many short texts and match few of them.
//!
//! A news page has thousands of lines, and selector files hundreds of patterns. Nearly every line is refused by its first
//! character, its last one, or by a word that is not in it, which the pattern's syntax tree tells beforehand (`Glance`).
//! What is left runs in two stages. A pattern is first read by an engine that takes characters one by one and is ready at
//! once (`regex_lite`); one that has read much text is compiled to automata over bytes (`regex`), which read ten times
//! faster and cost more to make than cleaning a page. Both engines are given the same syntax tree, and find the same.

mod found;
mod glance;
mod readable;

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, Look};

pub use found::{Captures, Match};
use found::{Names, Spans};
use glance::Glance;
use readable::readable;

/// Most memory that one regex's lazily built automaton may take in one thread, in bytes; beyond it, it starts afresh.
/// The crate's own limit is eight times this, and a site has some hundred regexes.
const AUTOMATON: usize = 256 << 10;

/// Text, in bytes, that a pattern reads before it is compiled, if it stands at the beginning of a text or nowhere.
const WARM: u32 = 48 << 10;
/// … and if it has to be tried at every character.
const WARM_ANYWHERE: u32 = 6 << 10;
/// Spans of time so far, where someone tells them.
static SPAN: AtomicU32 = AtomicU32::new(0);

/// Texts so long, in bytes, are read by the compiled regex only.
const LONG: usize = 2 << 10;
/// … and so are patterns whose tree is longer than this when written out: it has large classes, which are slow one
/// character at a time.
const LARGE: usize = 6 << 10;

/// A regex that is compiled when it has work to do.
#[derive(Debug)]
pub struct Pattern {
    text: Box<str>,
    /// What is made of it when it is first tried.
    first: OnceLock<First>,
    /// None where only the compiled regex will do.
    light: OnceLock<Option<regex_lite::Regex>>,
    regex: OnceLock<Regex>,
    /// Bytes read before it was compiled, in this span of time.
    read: AtomicU32,
    span: AtomicU32,
}

/// Begins another span of time: what patterns read before no longer counts. A process that reads little for months would
/// otherwise compile one after another, for which the memory is worth more than the time.
pub fn begin_span() {
    SPAN.fetch_add(1, Ordering::Relaxed);
}

#[derive(Debug, Default)]
struct First {
    /// What most texts are refused by.
    glance: Glance,
    /// The syntax tree written out for the engine that is ready at once; none where that would not find the same, or be slow.
    light: Option<Box<str>>,
    names: Names,
    /// Text that it reads before it is compiled.
    warm: u32,
}

enum Engine<'p> {
    Light(&'p regex_lite::Regex),
    Full(&'p Regex),
}

impl Pattern {
    /// Compiles a regex at once.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        Ok(Self { text: text.into(), ..Self::from(regex(text)?) })
    }

    /// A regex that is known to be sound, compiled later. What is not sound matches nothing.
    pub fn later(text: impl Into<Box<str>>) -> Self {
        Self {
            text: text.into(),
            first: OnceLock::new(),
            light: OnceLock::new(),
            regex: OnceLock::new(),
            read: AtomicU32::new(0),
            span: AtomicU32::new(0),
        }
    }

    /// The regex as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True if it matches anywhere.
    pub fn is_match(&self, text: &str) -> bool {
        self.may_match(text)
            && match self.engine(text) {
                Engine::Light(regex) => regex.is_match(text),
                Engine::Full(regex) => regex.is_match(text),
            }
    }

    /// True if it matches an address, in the one form that addresses have (Punycode, escaped), or, where it holds other than
    /// ASCII characters itself, as people read it.
    pub fn is_match_of_address(&self, address: &str) -> bool {
        self.is_match(address)
            || (!self.text.is_ascii() && readable(address).is_some_and(|readable| self.is_match(&readable)))
    }

    /// The first match.
    pub fn find<'t>(&self, text: &'t str) -> Option<Match<'t>> {
        if self.may_match(text) { self.find_at(text, 0) } else { None }
    }

    /// The first match that begins at or after an offset, which is a character boundary.
    pub fn find_at<'t>(&self, text: &'t str, start: usize) -> Option<Match<'t>> {
        let (from, to) = match self.engine(text) {
            Engine::Light(regex) => regex.find_at(text, start).map(|m| (m.start(), m.end()))?,
            Engine::Full(regex) => regex.find_at(text, start).map(|m| (m.start(), m.end()))?,
        };
        Some(Match::new(text, from, to))
    }

    /// The first match with its groups.
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        if !self.may_match(text) {
            return None;
        }
        let spans = match self.engine(text) {
            Engine::Light(regex) => Spans::light(&regex.captures(text)?),
            Engine::Full(regex) => Spans::full(&regex.captures(text)?),
        };
        Some(Captures::new(text, spans, self.first().names.clone()))
    }

    /// All matches with their groups, none within another.
    pub fn captures_iter<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Captures<'t>> {
        let engine = self.may_match(text).then(|| self.engine(text));
        let (light, full) = match engine {
            Some(Engine::Light(regex)) => (Some(regex), None),
            Some(Engine::Full(regex)) => (None, Some(regex)),
            None => (None, None),
        };
        let light = light.into_iter().flat_map(|regex| regex.captures_iter(text)).map(|c| Spans::light(&c));
        let full = full.into_iter().flat_map(|regex| regex.captures_iter(text)).map(|c| Spans::full(&c));
        light.chain(full).map(|spans| Captures::new(text, spans, self.first().names.clone()))
    }

    /// The names of its groups, in order; none for those without.
    pub fn capture_names(&self) -> impl Iterator<Item = Option<&str>> {
        self.first().names.iter().map(|name| name.as_deref())
    }

    /// The text without what it matches.
    pub fn without<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.may_match(text) {
            return Cow::Borrowed(text);
        }
        match self.engine(text) {
            Engine::Light(regex) => regex.replace_all(text, ""),
            Engine::Full(regex) => regex.replace_all(text, ""),
        }
    }

    /// The text with something else in place of the first match; `$name`, `${name}` and `$1` stand for its groups.
    pub fn replace<'t>(&self, text: &'t str, with: &str) -> Cow<'t, str> {
        if !self.may_match(text) {
            return Cow::Borrowed(text);
        }
        match self.engine(text) {
            Engine::Light(regex) => regex.replace(text, with),
            Engine::Full(regex) => regex.replace(text, with),
        }
    }

    /// False only if the regex cannot match.
    fn may_match(&self, text: &str) -> bool {
        let glance = &self.first().glance;
        // Once it is compiled, a search is as cheap as looking for more than a few words.
        glance.allows_ends(text) && ((self.regex.get().is_some() && !glance.is_quick()) || glance.allows_words(text))
    }

    fn first(&self) -> &First {
        // What is not sound matches nothing; the compiled regex sees to that.
        self.first.get_or_init(|| regex_syntax::parse(&plain(&self.text)).map_or_else(|_| First::default(), First::of))
    }

    /// What reads this text.
    fn engine(&self, text: &str) -> Engine<'_> {
        if self.regex.get().is_none()
            && text.len() <= LONG
            && let Some(light) = self.light()
        {
            let span = SPAN.load(Ordering::Relaxed);
            if self.span.load(Ordering::Relaxed) != span {
                self.span.store(span, Ordering::Relaxed);
                self.read.store(0, Ordering::Relaxed);
            }
            // The least that a search costs counts as well.
            let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX).saturating_add(16);
            if self.read.fetch_add(bytes, Ordering::Relaxed) < self.first().warm {
                return Engine::Light(light);
            }
        }
        Engine::Full(self.compiled())
    }

    fn light(&self) -> Option<&regex_lite::Regex> {
        let text = self.first().light.as_deref();
        self.light.get_or_init(|| text.and_then(|text| regex_lite::Regex::new(text).ok())).as_ref()
    }

    /// The compiled regex.
    #[allow(clippy::expect_used)]
    pub fn compiled(&self) -> &Regex {
        // Not in a released program, whose tests compile all its patterns; a class without members matches nothing.
        self.regex.get_or_init(|| {
            regex(&self.text).unwrap_or_else(|error| {
                debug_assert!(false, "{error}");
                Regex::new("[a&&b]").expect("a constant that the tests compile")
            })
        })
    }

    /// True if texts that cannot match are told by their first character.
    #[cfg(test)]
    pub fn knows_beginning(&self) -> bool {
        self.first().glance.knows_beginning()
    }
}

impl From<Regex> for Pattern {
    fn from(regex: Regex) -> Self {
        let pattern = Self::later(regex.as_str());
        Self { regex: regex.into(), ..pattern }
    }
}

impl First {
    fn of(hir: Hir) -> Self {
        let anchored = hir.properties().look_set_prefix().contains(Look::Start);
        let warm = if anchored { WARM } else { WARM_ANYWHERE };
        Self { glance: Glance::of(&hir), light: light(&hir), names: found::names(&hir), warm }
    }
}

/// The engine that is ready at once knows neither Unicode's classes nor classes within classes, so it gets what the syntax
/// tree made of them; and no words of other scripts.
fn light(hir: &Hir) -> Option<Box<str>> {
    let words = [Look::WordUnicode, Look::WordUnicodeNegate, Look::WordStartUnicode, Look::WordEndUnicode];
    let halves = [Look::WordStartHalfUnicode, Look::WordEndHalfUnicode];
    let looks = hir.properties().look_set();
    if words.iter().chain(&halves).any(|look| looks.contains(*look)) {
        return None;
    }
    let text = hir.to_string();
    (text.len() <= LARGE).then(|| text.into())
}

/// Compiles a regex, with bounded memory when it runs. `\d` is a digit as news pages write it, ASCII or full-width, and
/// `\p{Han}` means blocks of characters that are Han: Unicode's own classes hold digits of 70 scripts, and cost more to
/// compile than all else.
///
/// # Errors
///
/// What is wrong with it.
pub fn regex(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&plain(text)).dfa_size_limit(AUTOMATON).build()
}

/// Han in few ranges: radicals, 々〇〡, the basic block with extension A, compatibility, the supplementary planes.
const HAN: &str = r"[\u{2e80}-\u{2fd5}々〇〡-〩\u{3400}-\u{4dbf}\u{4e00}-\u{9fff}\u{f900}-\u{fad9}\u{20000}-\u{323af}]";

/// The regex with lighter classes.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(r"\d") && !text.contains(r"\p{Han}") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (put, len) = match () {
            () if rest.starts_with(r"\d") => ("[0-9０-９]", 2),
            () if rest.starts_with(r"\p{Han}") => (HAN, 7),
            // Whatever is escaped, a backslash too.
            () => {
                let len = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                (&rest[..len], len)
            }
        };
        out.push_str(put);
        rest = &rest[len..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_regex_is_compiled_for_a_text_that_it_may_match() {
        let pattern = Pattern::later("^(?:来源|记者).*摄$");
        assert!(
            !pattern.is_match("本报记者 某某 摄") && !pattern.is_match("记者某某") && pattern.captures("摄").is_none()
        );
        assert_eq!(pattern.read.load(Ordering::Relaxed), 0);
        assert!(pattern.is_match("记者 某某 摄") && pattern.without("记者摄").is_empty());
        assert!(pattern.regex.get().is_none());
        // What was read in another span of time does not count.
        for _ in 0..4 {
            (0..WARM / 128).for_each(|_| assert!(pattern.is_match("记者 某某 摄")));
            begin_span();
        }
        assert!(pattern.regex.get().is_none());
        (0..WARM / 16).for_each(|_| assert!(pattern.is_match("记者 某某 摄")));
        assert!(pattern.regex.get().is_some());
        assert!(pattern.is_match("记者 某某 摄") && pattern.without("记者摄").is_empty());
    }

    proptest::proptest! {
        /// Both engines find the same, in the same places.
        #[test]
        fn as_the_compiled_regex_finds_it(
            text in r"(\^|\\b)?[甲a]?(\((\?P<x>)?[甲乙]\|[丙a-c]?\))?[甲乙.][*+?]?\??(\[\^?[a-c丁][\\d\\s]?\])?(\(\\p\{Han\}\{1,2\}\))?(\$)?",
            on in "[甲乙丙丁a-d1１\u{3000} \n]{0,8}",
        ) {
            if let Ok(full) = regex(&text) {
                let pattern = Pattern::later(text.as_str());
                let spans = |c: &Captures<'_>| c.iter().map(|m| m.map(|m| m.range())).collect::<Vec<_>>();
                let expected: Vec<Vec<_>> =
                    full.captures_iter(&on).map(|c| c.iter().map(|m| m.map(|m| m.range())).collect()).collect();
                let found: Vec<Vec<_>> = pattern.captures_iter(&on).map(|c| spans(&c)).collect();
                proptest::prop_assert_eq!(&found, &expected, "{} on {:?}", text, on);
                proptest::prop_assert_eq!(pattern.is_match(&on), full.is_match(&on));
                proptest::prop_assert_eq!(pattern.captures(&on).map(|c| spans(&c)), expected.first().cloned());
                proptest::prop_assert_eq!(pattern.find(&on).map(|m| m.range()), full.find(&on).map(|m| m.range()));
                proptest::prop_assert_eq!(pattern.without(&on), full.replace_all(&on, ""));
                proptest::prop_assert_eq!(pattern.replace(&on, "<$1>"), full.replace(&on, "<$1>"));
                proptest::prop_assert!(pattern.capture_names().eq(full.capture_names()));
            }
        }
    }

    #[test]
    fn lighter_classes() {
        assert_eq!(plain(r"[\d年]\\d\D"), r"[[0-9０-９]年]\\d\D");
        assert!(regex(r"^\d{4}[\d/]\p{Han}+[^\p{Han}]$").unwrap().is_match("202６/年〇𠮷a"));
        assert!(regex(r"\p{Latin}").unwrap().is_match("a"));
        assert_eq!(plain("a\\"), "a\\");
    }

    #[test]
    fn nothing_is_matched_by_the_class_without_members() {
        assert!(!Regex::new("[a&&b]").unwrap().is_match("ab"));
    }
}
