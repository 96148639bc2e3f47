//! Pages that only lead to others: sitemaps, feeds, JSON lists, and the links of all pages.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::discover::{Link, Why};
use super::super::fetch::Response;
use super::super::host::Turn;
use super::super::lists::{self, Entry, ListOutcome, ListProblem, Source};
use super::super::rhythm;
use super::{Validators, Visit};
use crate::clean;
use crate::clean::links::MAX_LINKS;
use crate::frontier::{Kind, LeftOut, NewUrl, now};
use crate::sites::JsonRule;

/// Links followed from pages of hosts without a selector file: only from those given by hand.
const OPEN_DEPTH: u32 = 0;

/// A list that gave nothing is asked for in full the next time: "unchanged" would hide that it still gives nothing.
pub(super) const NO_VALIDATORS: Validators = (None, None);

/// What became of the links of a page.
#[derive(Debug, Default, Clone, Copy)]
pub struct LinkCounts {
    /// All of them.
    pub all: usize,
    /// Lists and articles of the site, new or known.
    pub useful: usize,
}

impl Visit {
    /// Sitemaps, feeds and JSON lists.
    pub(super) async fn list(&mut self, response: Response, turn: Turn) {
        drop(turn);
        let (base, rule) = (self.task.url.clone(), self.json_rule().filter(|_| self.task.kind == Kind::List));
        let validators = (response.etag.clone(), response.modified.clone());
        let parse = move || {
            let content_type = response.content_type.as_deref();
            let source = Source { body: &response.body, content_type, base: &base };
            match rule {
                Some(rule) => lists::read_json(&source, &rule),
                None => lists::read(&source),
            }
        };
        let place = self.context.store.cleaning.place().await;
        let parsed = place.run(parse).await;
        let list = parsed.unwrap_or_else(|panic| ListOutcome::of(ListProblem::Broken, panic.to_string()));
        let content = Some(rhythm::content(list.entries.iter().map(|entry| &entry.url)));
        let problems = list.problems.to_string();
        if list.entries.is_empty() && !list.problems.is_only(ListProblem::NoItems) {
            return self.list_useless(&problems);
        }
        self.out.counts.lists += 1;
        self.list_answered();
        let counts = self.entries(list.entries);
        let validators = if counts.useful == 0 { NO_VALIDATORS } else { validators };
        match (counts.all, counts.useful) {
            (0, _) => self.list_empty("it names no address".to_owned()),
            (n, 0) => self.list_empty(format!("none of its {n} addresses is an article or a list of the site")),
            _ if !problems.is_empty() => self.list_partly_read(problems),
            _ => {}
        }
        self.out.visit = Some((self.task.key, self.again(validators, content, now())));
    }

    fn entries(&mut self, entries: Vec<Entry>) -> LinkCounts {
        let context = self.context.clone();
        let due = now();
        let mut counts = LinkCounts { all: entries.len(), useful: 0 };
        for entry in entries {
            let link = match entry.is_sitemap {
                true if context.scope.covers(&entry.url) => {
                    Link::Follow(context.scope.canonical(&entry.url), Kind::Sitemap)
                }
                true => Link::Leave(Why::OffSite),
                false => context.scope.sort(&entry.url),
            };
            match link {
                Link::Follow(url, kind) => {
                    counts.useful += 1;
                    let is_dated = entry.is_sitemap || (kind == Kind::Article && context.settings.recheck.is_some());
                    let dated = entry.changed.filter(|_| is_dated).map(Timestamp::as_millisecond);
                    let link = NewUrl { dated, ..NewUrl::new(url, kind, self.task.depth + 1, due) };
                    match (context.scope.outside(&entry.url, entry.at), entry.at) {
                        (Some(why), Some(at)) if link.kind == Kind::Article => self.leave_for_later(&link, at, why),
                        (Some(why), _) if link.kind == Kind::Article => self.leave(why),
                        _ => self.follow(link),
                    }
                }
                Link::Leave(why) => self.leave(why),
            }
        }
        context.focus_on(self.out.links.iter().map(|link| link.key));
        counts
    }

    /// An article outside the time that this run is for: a later run with a wider window takes it up.
    fn leave_for_later(&mut self, link: &NewUrl, at: Timestamp, why: Why) {
        self.leave(why);
        self.out.left_out.push(LeftOut {
            key: link.key,
            path: link.url.path_and_query().to_owned(),
            kind: link.kind,
            depth: link.depth,
            published: at.as_millisecond(),
            was_fetched: false,
        });
    }

    /// Sorts the links of a page; what this run has seen is not looked at again.
    pub(super) fn links(&mut self, links: &[clean::Link]) -> LinkCounts {
        let context = self.context.clone();
        let mut counts = LinkCounts { all: links.len(), useful: 0 };
        let closed = context.focus.is_some() || self.host.site.is_none();
        if closed && self.task.depth > OPEN_DEPTH {
            return LinkCounts { useful: links.len(), ..counts };
        }
        let due = now();
        for link in links {
            if context.lately.knows(link.key) {
                counts.useful += 1;
                continue;
            }
            match context.scope.sort(&link.url) {
                // From a page given by hand only its articles.
                Link::Follow(_, kind) if context.focus.is_some() && kind != Kind::Article => counts.useful += 1,
                Link::Follow(url, kind) => {
                    counts.useful += 1;
                    self.follow(NewUrl::new(url, kind, self.task.depth + 1, due));
                }
                Link::Leave(why) => self.leave(why),
            }
            context.lately.note(link.key);
        }
        context.focus_on(self.out.links.iter().map(|link| link.key));
        counts
    }

    fn follow(&mut self, link: NewUrl) {
        if self.context.traps.catches(&link) {
            return self.leave(Why::Trap);
        }
        match self.context.take_revisit(&link.key) {
            true => self.out.revisits.push(link),
            false => self.out.links.push(link),
        }
    }

    /// A page has more links than are taken of one page.
    pub(super) fn links_left_out(&mut self, n: u64) {
        *self.out.counts.left.entry(Why::PageLimit.as_str()).or_default() += n;
        let why = format!("{n} of its links are beyond the {MAX_LINKS} that are taken of one page");
        match self.task.kind.recurs() {
            true => self.list_partly_read(why),
            false => tracing::warn!(url = %self.task.url, why, "not all links of a page are followed"),
        }
    }

    fn leave(&mut self, why: Why) {
        *self.out.counts.left.entry(why.as_str()).or_default() += 1;
    }

    pub(super) fn json_rule(&self) -> Option<Arc<JsonRule>> {
        let site = self.host.site.as_ref()?;
        let text = self.task.url.as_str();
        site.crawl.lists.iter().find(|rule| rule.url.is_match_of_address(text))?.json.clone()
    }
}
