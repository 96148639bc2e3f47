//! The quick way from text to tree against the full one: the same records, whatever the page.
//!
//! Over every page of `tests/pages`, over the real pages of `../shared/corpus` (left out, saying so, where absent), and
//! over seeded mutations of both. `JINGWEN_DIFFERENTIAL=N` makes N mutations a page in place of 3.

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/mutate.rs"]
mod mutate;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use corpus::{Saved, own, real, setting};
use jingwen::clean::{self, Body, Options, Page, blocks, decode, dom};
use jingwen::sites::Sites;
use mutate::{Dice, markup};
use rayon::prelude::*;
use scraper::Html;
use url::Url;

static SITES: LazyLock<Sites> = LazyLock::new(Sites::builtin);

/// A comment that is left out of either tree, and that the quick way does not take.
const FULL: &str = "<!--\0-->";

/// Everything that a page gives, as text.
fn cleaned(text: &str, url: Option<&Url>, generic_only: bool, full: bool) -> String {
    // With a byte order mark neither a label nor a selector file has a say in the decoding.
    let bytes = ["\u{feff}", if full { FULL } else { "" }, text].concat();
    let page = Page { url, body: Body::Html(bytes.as_bytes()), content_type: None, fetched_at: None };
    let found = clean::clean(&page, &SITES, &Options { generic_only, links: true, ..Options::default() });
    format!("{found:#?}")
}

/// Lines as a reader sees them, and what the tree says of each.
fn lines(html: &Html) -> String {
    let all = blocks::blocks(html, html.tree.root().id(), &|_| false);
    let mut out = String::new();
    for l in &all.lines {
        out.push_str(&format!(
            "{}|{}|{}|{}|{}|{:?}|{}\n",
            l.text, l.chars, l.linked, l.strong, l.hidden, l.hints, l.links
        ));
    }
    for p in &all.pictures {
        out.push_str(&format!("{}@{}\n", p.src, p.before));
    }
    out
}

/// Where two answers part, if they do.
fn parted(quick: &str, full: &str) -> Option<String> {
    if quick == full {
        return None;
    }
    let at = quick.lines().zip(full.lines()).position(|(a, b)| a != b);
    let line = |s: &str| at.and_then(|n| s.lines().nth(n)).unwrap_or("(ends)").chars().take(200).collect::<String>();
    Some(format!("quick: {}\n full: {}", line(quick), line(full)))
}

fn record_differs(text: &str, url: Option<&Url>) -> Option<String> {
    [false, true].into_iter().find_map(|generic| {
        parted(&cleaned(text, url, generic, false), &cleaned(text, url, generic, true))
            .map(|d| format!("generic only: {generic}\n{d}"))
    })
}

/// The smallest page that still differs, as far as leaving out runs of its pieces goes.
fn smallest(text: &str, differs: &dyn Fn(&str) -> bool) -> String {
    let mut pieces: Vec<&str> = text.split_inclusive(['>', '\n']).collect();
    let mut run = pieces.len() / 2;
    while run > 0 {
        let mut at = 0;
        while at < pieces.len() {
            let less = [&pieces[..at], &pieces[(at + run).min(pieces.len())..]].concat();
            if differs(&less.concat()) {
                pieces = less;
            } else {
                at += run;
            }
        }
        run /= 2;
    }
    pieces.concat()
}

/// The page's text, and `n` mutations of it, each with a name that says how to make it again.
fn variants(page: &Saved, n: usize) -> Vec<(String, String)> {
    let text = decode::decode(&page.bytes, None, None).text.trim_start_matches('\u{feff}').to_owned();
    let seed = page.name.bytes().fold(7_u64, |s, b| s.wrapping_mul(31).wrapping_add(b.into()));
    let mut out = Vec::with_capacity(n + 1);
    for k in 0..n as u64 {
        let mut dice = Dice::new(seed.wrapping_add(k));
        let mut mutant = text.clone();
        for _ in 0..1 + dice.below(4) {
            mutant = markup(&mutant, &mut dice);
        }
        if dice.below(6) == 0 {
            let end = dice.below(mutant.len() + 1);
            mutant.truncate((0..=end).rev().find(|at| mutant.is_char_boundary(*at)).unwrap_or(0));
        }
        out.push((format!("{} #{k}", page.name), mutant));
    }
    out.push((page.name.clone(), text));
    out
}

/// Runs a check over pages and their mutations, and fails with the smallest page of each kind of difference.
fn over(pages: &[Saved], check: impl Fn(&str, Option<&Url>) -> Option<String> + Sync) {
    let n = setting("JINGWEN_DIFFERENTIAL", 3);
    let found: Vec<String> = pages
        .par_iter()
        .flat_map_iter(|page| {
            let url = page.url.as_deref().and_then(|u| Url::parse(u).ok());
            let check = &check;
            variants(page, n).into_iter().filter_map(move |(name, text)| {
                let said = check(&text, url.as_ref())?;
                let small = smallest(&text, &|t| check(t, url.as_ref()).is_some());
                Some(format!("{name}\n{said}\nsmallest: {small:?}"))
            })
        })
        .collect();
    let shown: Vec<&str> = found.iter().map(String::as_str).take(12).collect();
    assert!(found.is_empty(), "{} of {} pages differ\n\n{}", found.len(), pages.len() * (n + 1), shown.join("\n\n"));
}

#[test]
fn the_comment_forces_the_full_parser_and_changes_nothing() {
    for text in ["<p>一</p>", "<!DOCTYPE html><html><head><title>二</title></head><body>三</body></html>"] {
        let keep = dom::Keep::default();
        assert_eq!(dom::irregular(text, &keep), None);
        assert!(dom::irregular(&[FULL, text].concat(), &keep).is_some());
        assert_eq!(lines(&dom::document(&[FULL, text].concat(), &keep)), lines(&dom::document(text, &keep)));
    }
}

#[test]
fn the_quick_way_serves_most_pages() {
    let pages = real();
    let quick = pages
        .iter()
        .filter(|p| dom::irregular(&decode::decode(&p.bytes, None, None).text, &dom::Keep::default()).is_none())
        .count();
    eprintln!("{quick} of {} real pages are built the quick way", pages.len());
    assert!(quick * 2 >= pages.len());
}

#[test]
fn records_of_our_own_pages_are_the_same() {
    over(&own(), record_differs);
}

#[test]
fn records_of_real_pages_are_the_same() {
    over(&real(), record_differs);
}

/// Against html5ever on the whole page, so that what our tokenizer drops before either tree is tested as well.
///
/// Inside `svg` and `math` a script or style is no raw text: there alone what is a tag depends on the tree, which our
/// tokenizer does not know. That matters where one of these is never closed, and such pages are left out here.
#[test]
fn lines_are_those_of_the_plain_parser() {
    let pages: Vec<Saved> = own().into_iter().chain(real()).collect();
    let (compared, left) = (AtomicUsize::new(0), AtomicUsize::new(0));
    over(&pages, |text, _| {
        let lower = text.to_ascii_lowercase();
        let unclosed = |n: &&str| lower.matches(&format!("<{n}")).count() > lower.matches(&format!("</{n}")).count();
        let foreign = lower.contains("<svg") || lower.contains("<math");
        if foreign && ["svg", "math", "script", "style", "title"].iter().any(unclosed) {
            left.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        compared.fetch_add(1, Ordering::Relaxed);
        // The standard reads line breaks as one character; nothing here depends on which.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        parted(&lines(&dom::document(&text, &dom::Keep::default())), &lines(&Html::parse_document(&text)))
    });
    let (compared, left) = (compared.into_inner(), left.into_inner());
    eprintln!("{compared} compared with the plain parser, {left} left out");
    assert!(left * 5 < compared);
}
