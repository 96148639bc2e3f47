//! Authors in Latin letters: by-lines such as `By Anne Smith and Juan Ortega, staff writers`, and what `meta` says.

use std::sync::LazyLock;

use super::blocks::Blocks;
use super::meta::Meta;
use super::site_name::names_site;
use super::title::Headline;
use crate::pattern::Pattern;

/// Lines above and below the headline in which a by-line may stand.
const ABOVE: usize = 4;
/// See [`ABOVE`].
const BELOW: usize = 10;

/// Longest by-line, in characters.
const MAX_LINE: u32 = 120;

/// Most names of one by-line.
const MAX_NAMES: usize = 8;

/// Returns the authors that a line about the headline names, else those that `meta` does.
pub fn authors(blocks: &Blocks<'_>, headline: Option<&Headline>, meta: &Meta) -> Vec<String> {
    let at = headline.and_then(|h| h.line);
    let from = at.map_or(0, |at| at.saturating_sub(ABOVE));
    let reach = at.map_or(0, |at| at + headline.map_or(1, |h| h.lines.max(1)) + BELOW - from);
    let lines = blocks.lines.iter().skip(from).take(reach).filter(|l| !l.hidden && l.chars <= MAX_LINE);
    let shown = lines.map(|l| by_line(&l.text)).find(|names| !names.is_empty()).unwrap_or_default();
    if !shown.is_empty() {
        return shown;
    }
    let keys = ["author", "article:author", "dc.creator", "parsely-author", "sailthru.author", "citation_author"];
    let declared = keys.iter().filter_map(|key| meta.get(key)).map(names);
    let mut own = declared.map(|all| all.into_iter().filter(|n| !names_site(n, meta)).collect::<Vec<_>>());
    own.find(|all| !all.is_empty()).unwrap_or_default()
}

/// Names behind the word that opens a by-line.
fn by_line(text: &str) -> Vec<String> {
    static OPENS: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::later(
            r"^(?i:by|written by|words by|story by|reported by|authors?|von|par|por|door|text|texte)(?:[:]| )[: ]*(?P<names>\p{Lu}.*)$",
        )
    });
    let text = text.trim();
    OPENS.captures(text).map(|c| names(&c["names"])).unwrap_or_default()
}

/// Splits names at commas and `and`, up to the first part that is not a name: a title, a place, a date.
fn names(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let text = text.split(['|', '•', '·', '(', '\t']).next().unwrap_or_default();
    for part in text.split([',', ';', '&']).flat_map(|p| p.split(" and ")).flat_map(|p| p.split(" und ")) {
        let name = part.trim().trim_end_matches('.');
        if !is_name(name) {
            break;
        }
        if out.len() < MAX_NAMES && !out.iter().any(|o| o == name) {
            out.push(name.to_owned());
        }
    }
    out
}

/// Two to four words, each with a capital but for particles: `Anne Smith`, `Ludwig van der Berg`, `J. K. Ortega`.
fn is_name(text: &str) -> bool {
    const PARTICLES: [&str; 12] = ["van", "von", "der", "den", "de", "da", "di", "del", "la", "le", "bin", "al"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let of_name = |w: &&str| {
        w.chars().next().is_some_and(char::is_uppercase)
            && w.chars().all(|c| c.is_alphabetic() || matches!(c, '.' | '\'' | '’' | '-'))
    };
    (2..=5).contains(&words.len())
        && text.chars().count() <= 48
        && words.iter().all(|w| of_name(w) || PARTICLES.contains(w))
        && words.iter().filter(|w| of_name(w)).count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_lines() {
        for (line, want) in [
            ("By Anne Smith", vec!["Anne Smith"]),
            ("By Anne Smith and Juan P. Ortega, staff writers", vec!["Anne Smith", "Juan P. Ortega"]),
            ("Written by Ludwig van der Berg | 3 March 2026", vec!["Ludwig van der Berg"]),
            ("Author: Mary O’Neill", vec!["Mary O’Neill"]),
            ("By the end of the week the wall was dry", vec![]),
            ("By Monday, the wall was dry", vec![]),
            ("Par Élodie Martin", vec!["Élodie Martin"]),
        ] {
            assert_eq!(by_line(line), want, "{line}");
        }
    }
}
