//! A page being studied: its tree, its lines, and what the generic extractor makes of it.
//!
//! The generic extractor is the teacher: what it takes for the body on each page says where to look for a container that
//! all pages share. Several pages together then know more than it does of any single one.

use std::collections::{HashMap, HashSet};

use ego_tree::NodeId;
use jiff::Timestamp;
use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::text::squash;
use crate::clean::blocks::{self, Elem};
use crate::clean::meta::Meta;
use crate::clean::{Body, Cleaned, Options, Page, clean, decode, dom};
use crate::record::Record;
use crate::sites::Sites;

/// A page as it was given.
#[derive(Debug, Clone)]
pub struct Input {
    /// What people call it: the file's name, or the address.
    pub name: String,
    /// Its bytes, undecoded.
    pub bytes: Vec<u8>,
    /// Its address, if the caller knows it.
    pub url: Option<Url>,
    /// `Content-Type` it came with.
    pub content_type: Option<String>,
    /// When it was fetched, if that is known: relative dates are read against it.
    pub fetched_at: Option<Timestamp>,
}

/// A visible line of a page.
#[derive(Debug)]
pub struct Line {
    /// Text as a reader sees it.
    pub text: String,
    /// Without white space.
    pub squashed: String,
    /// Characters that are no white space.
    pub chars: u32,
    /// Index of the block element that holds it.
    pub block: usize,
    /// Part of the body.
    pub body: bool,
}

/// A page with all that learning needs to know of it.
pub struct Study {
    /// The page as given.
    pub input: Input,
    /// Address: given, declared by the page, or made up from a prefix.
    pub url: Option<Url>,
    /// The page itself or the caller said so; otherwise only the host can be trusted.
    pub url_is_known: bool,
    /// Its tree, with all attributes.
    pub html: Html,
    /// Its declarations.
    pub meta: Meta,
    /// Elements in document order.
    pub elems: Vec<Elem>,
    /// Index in `elems` by node.
    pub index: HashMap<NodeId, usize>,
    /// Lines in document order.
    pub lines: Vec<Line>,
    /// What the generic extractor made of it.
    pub record: Box<Record>,
    /// The body as taught: the generic extractor's, without the lines that other pages have as well.
    pub text: String,
    /// Lines of the generic extractor's body that other pages have too.
    pub repeated: Vec<String>,
}

/// Cleans a page as given.
pub fn cleaned(input: &Input, url: Option<&Url>, sites: &Sites, generic: bool) -> Cleaned {
    let page = Page {
        url,
        body: Body::Html(&input.bytes),
        content_type: input.content_type.as_deref(),
        fetched_at: input.fetched_at,
    };
    clean(&page, sites, &Options { generic_only: generic, ..Options::default() })
}

impl Study {
    /// Reads a page whose generic record is known.
    pub fn new(input: Input, url: Option<Url>, url_is_known: bool, record: Box<Record>) -> Self {
        let decoded = decode::decode(&input.bytes, input.content_type.as_deref(), None);
        let html = dom::document(&decoded.text, &dom::Keep { all: true, ..dom::Keep::default() });
        let meta = Meta::of(&html);
        let all = blocks::blocks(&html, html.tree.root().id(), &|_| false);
        let lines = all
            .lines
            .iter()
            .map(|l| Line {
                squashed: squash(&l.text),
                text: l.text.to_string(),
                chars: l.chars,
                block: l.block as usize,
                body: false,
            })
            .collect();
        let elems = all.elems.clone();
        drop(all);
        let index = elems.iter().enumerate().map(|(i, e)| (e.node, i)).collect();
        let text = record.text.clone();
        let mut study =
            Self { input, url, url_is_known, html, meta, elems, index, lines, record, text, repeated: Vec::new() };
        study.mark();
        study
    }

    /// Marks the lines that make up the body.
    fn mark(&mut self) {
        let paragraphs: Vec<String> = self.text.lines().map(squash).filter(|p| !p.is_empty()).collect();
        let whole: HashSet<&str> = paragraphs.iter().map(String::as_str).collect();
        let mut hits: Vec<bool> = self
            .lines
            .iter()
            .map(|l| {
                whole.contains(l.squashed.as_str())
                    // What is glued to a paragraph's end was cut off it.
                    || paragraphs.iter().any(|p| p.len() * 2 > l.squashed.len() && l.squashed.starts_with(p.as_str()))
            })
            .collect();
        // A paragraph may also stand elsewhere (a summary, a share text): only those in the container count.
        if let Some(at) = self.deepest(&hits) {
            let range = self.range(at);
            for (i, hit) in hits.iter_mut().enumerate() {
                *hit &= range.contains(&i);
            }
        }
        for (line, hit) in self.lines.iter_mut().zip(hits) {
            line.body = hit;
        }
    }

    /// The deepest element that holds (nearly) all different texts among these lines.
    fn deepest(&self, hits: &[bool]) -> Option<usize> {
        let distinct = |range: std::ops::Range<usize>| -> u32 {
            let mut seen = HashSet::new();
            range
                .filter(|&i| hits[i] && seen.insert(self.lines[i].squashed.as_str()))
                .map(|i| self.lines[i].chars)
                .sum()
        };
        let total = distinct(0..self.lines.len());
        if total == 0 {
            return None;
        }
        let mut best = 0;
        for at in 0..self.elems.len() {
            // Only those inside the best so far can be deeper; a child follows its parent.
            if at > best && at < self.elems[best].until as usize && distinct(self.range(at)) * 100 >= total * 98 {
                best = at;
            }
        }
        Some(best)
    }

    /// The element that holds the body.
    pub fn container(&self) -> Option<usize> {
        let hits: Vec<bool> = self.lines.iter().map(|l| l.body).collect();
        self.deepest(&hits)
    }

    /// Lines inside an element.
    pub fn range(&self, elem: usize) -> std::ops::Range<usize> {
        self.elems[elem].first as usize..(self.elems[elem].end.max(self.elems[elem].first)) as usize
    }

    /// Characters of the body inside an element, and other characters inside it.
    pub fn counts(&self, elem: usize) -> (u32, u32) {
        self.range(elem).fold((0, 0), |(body, other), i| {
            let line = &self.lines[i];
            if line.body { (body + line.chars, other) } else { (body, other + line.chars) }
        })
    }

    /// Characters of the body.
    pub fn body_chars(&self) -> u32 {
        self.lines.iter().filter(|l| l.body).map(|l| l.chars).sum()
    }

    /// An element of the tree.
    pub fn element(&self, elem: usize) -> Option<ElementRef<'_>> {
        self.html.tree.get(self.elems[elem].node).and_then(ElementRef::wrap)
    }

    /// The elements a selector finds, as indices; those without a place among the lines (scripts) are left out.
    pub fn select(&self, selector: &Selector) -> Vec<usize> {
        self.html.select(selector).filter_map(|e| self.index.get(&e.id()).copied()).collect()
    }

    /// The first element a selector finds that holds a line: what a body step takes.
    pub fn first_with_text(&self, selector: &Selector) -> Option<usize> {
        self.select(selector).into_iter().find(|&e| !self.range(e).is_empty())
    }

    /// True if some body stands inside of an element, or the element inside a line of body.
    pub fn touches_body(&self, elem: usize) -> bool {
        let range = self.range(elem);
        if range.is_empty() {
            // An inline element inside a line that began before it.
            return self
                .lines
                .get(range.start)
                .is_some_and(|l| l.body && l.block < elem && elem < self.elems[l.block].until as usize);
        }
        range.clone().any(|i| self.lines[i].body)
    }
}

/// Takes out of the taught bodies what several pages have: one article does not repeat another.
pub fn unteach_repeats(studies: &mut [Study]) {
    let mut pages: HashMap<String, usize> = HashMap::new();
    for study in studies.iter() {
        let own: HashSet<&str> = study.text.lines().collect();
        for line in own {
            *pages.entry(squash(line)).or_insert(0) += 1;
        }
    }
    for study in studies {
        let is_repeated = |line: &str| {
            let squashed = squash(line);
            squashed.chars().count() >= 4 && pages.get(&squashed).is_some_and(|n| *n > 1)
        };
        let (gone, kept): (Vec<&str>, Vec<&str>) = study.text.lines().partition(|l| is_repeated(l));
        if gone.is_empty() {
            continue;
        }
        let gone: Vec<String> = gone.into_iter().map(str::to_owned).collect();
        study.text = kept.join("\n");
        let squashed: HashSet<String> = gone.iter().map(|l| squash(l)).collect();
        for line in study.lines.iter_mut().filter(|l| squashed.contains(&l.squashed)) {
            line.body = false;
        }
        study.repeated = gone;
    }
}
