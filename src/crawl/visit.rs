//! One visit: ask for a page, react to what comes, clean it, find its links.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use url::Url;

use super::ask::{Asked, Clean, ask, cleaned};
use super::commit::{Finished, Line};
use super::context::{Context, Host};
use super::discover::{Link, Why};
use super::fetch::{Request, Response};
use super::host::{PageAdvice, Turn};
use super::lists::{self, Entry, ListOutcome, ListProblem, Source};
use super::parts;
use super::rhythm;
use super::sketch::Sketch;
use super::store::Brief;
use crate::clean::links::Base;
use crate::clean::redirect::refresh_target;
use crate::clean::{self, Cleaned, PageKind};
use crate::frontier::{Fate, Kind, Millis, NewUrl, Recent, Task, now};
use crate::record::Reason;
use crate::sites::JsonRule;
use crate::urls::hash64;

/// Bytes that a record takes beside its text, mostly.
const MOST_FIELDS: usize = 2 << 10;

/// Links followed from pages of hosts without a selector file: only from those given by hand.
const OPEN_DEPTH: u32 = 0;

/// `ETag` and `Last-Modified`.
type Validators = (Option<String>, Option<String>);

/// A visit under way.
pub struct Visit {
    /// The run.
    pub context: Arc<Context>,
    /// The host.
    pub host: Arc<Host>,
    /// The page.
    pub task: Task,
    /// What will be committed.
    pub out: Finished,
}

impl Visit {
    /// Makes the visit; nothing comes of it if the run is ending.
    pub async fn make(mut self, turn: Turn) -> Option<Finished> {
        let task = self.task.clone();
        let response = match self.page(&task, turn).await? {
            Some(response) => response,
            None => return Some(self.finished()),
        };
        if task.kind == Kind::Recheck && response.0.status == 304 {
            self.out.counts.rechecked += 1;
            self.out.recent = task.content.map(|text| self.recent(task.etag.clone(), task.modified.clone(), text));
            self.out.visit = Some((task.key, Fate::Done));
            return Some(self.out);
        }
        if task.kind.recurs() && response.0.status == 304 {
            self.out.counts.unchanged += 1;
            let (etag, modified) =
                (response.0.etag.or_else(|| task.etag.clone()), response.0.modified.or_else(|| task.modified.clone()));
            self.out.visit = Some((task.key, self.again(etag, modified, task.content)));
            return Some(self.out);
        }
        let (response, turn) = response;
        match task.kind {
            Kind::Sitemap | Kind::Feed => self.list(response, turn).await,
            Kind::List if self.json_rule().is_some() => self.list(response, turn).await,
            _ => self.html(response, turn).await?,
        }
        Some(self.finished())
    }

    /// What is to be committed. An article that is none any more is not looked at again.
    fn finished(mut self) -> Finished {
        if self.task.kind == Kind::Recheck
            && let Line::Rejected(line) = &mut self.out.line
        {
            line.detail.push_str("; there was an article before");
            self.out.gone = Some(self.task.key);
        }
        self.out
    }

    fn recent(&self, etag: Option<String>, modified: Option<String>, text: i64) -> Recent {
        let path = self.context.scope.canonical(&self.task.url).path_and_query().to_owned();
        // One of the two is enough to ask by; the tag is the more exact.
        let modified = modified.filter(|_| etag.is_none());
        Recent { key: self.task.key, looked: now(), path, etag, modified, text }
    }

    /// The page is not asked for at all.
    pub fn refuse(mut self, reason: Reason, detail: String) -> Finished {
        self.give_up(reason, detail);
        self.finished()
    }

    /// The page itself, with redirects settled: `Some(None)` if there is nothing more to do, `None` if interrupted.
    async fn page(&mut self, task: &Task, mut turn: Turn) -> Option<Option<(Response, Turn)>> {
        let mut url = task.url.clone();
        let mut been = HashSet::new();
        loop {
            let truncate = matches!(task.kind, Kind::Sitemap | Kind::Feed).then_some(lists::MAX_BYTES);
            let (etag, modified) = (task.etag.as_deref(), task.modified.as_deref());
            let request = Request { etag, modified, truncate, ..Request::new(&url) };
            let response = match ask(&self.context, &self.host, request, task.tries, &mut self.out).await {
                Asked::Answer(response) => *response,
                Asked::Reject(reason, detail) => {
                    self.give_up(reason, detail);
                    return Some(None);
                }
                Asked::Retry { at, tries } => {
                    self.retry(at, tries);
                    return Some(None);
                }
                Asked::Not => return None,
            };
            if !response.is_redirect() {
                self.task.url = url;
                return Some(Some((response, turn)));
            }
            been.insert(url.clone());
            let to = match response.location {
                Some(Ok(to)) => to,
                Some(Err(text)) => {
                    self.give_up(Reason::Redirect, format!("leads to `{text}`, which is no address"));
                    return Some(None);
                }
                None => return Some(None),
            };
            if self.context.scope.canonical(&to).url() != &task.url {
                self.redirect(&to);
                return Some(None);
            }
            // Another spelling of the same page, which the server insists on.
            if been.contains(&to) || been.len() as u32 > self.context.settings.max_redirects {
                self.give_up(Reason::Redirect, format!("leads in a circle: {to}"));
                return Some(None);
            }
            url = to;
            drop(turn);
            turn = tokio::select! {
                () = self.context.stop.cancelled() => return None,
                turn = self.host.gate.turn() => turn?,
            };
        }
    }

    /// Passes a redirect on to the frontier: its target is asked for in its own host's turn, under its own host's
    /// robots.txt, and only if it was not before.
    fn redirect(&mut self, to: &Url) {
        let context = self.context.clone();
        let (scope, task) = (&context.scope, self.task.clone());
        if !context.fetch.is_replay()
            && let Err(refused) = context.guard.check(to)
        {
            return self.give_up(Reason::AddressRefused, format!("leads to {to}: {refused}"));
        }
        if task.hops >= context.settings.max_redirects {
            return self.give_up(Reason::Redirect, format!("more than {} redirects", context.settings.max_redirects));
        }
        if !scope.covers(to) {
            return self.give_up(Reason::Redirect, format!("leads to {to}, which is not of the sites crawled"));
        }
        let canonical = scope.canonical(to);
        match scope.kind(&canonical) {
            Err(Why::Denied) => {
                return self.give_up(Reason::Redirect, format!("leads to {to}, which the selector file denies"));
            }
            Ok(Kind::List) if matches!(task.kind, Kind::Article | Kind::Recheck) => {
                return self.give_up(Reason::Redirect, format!("leads to a list: {to}"));
            }
            _ => {}
        }
        let kind = if task.kind == Kind::Recheck { Kind::Article } else { task.kind };
        let mut target = NewUrl::new(canonical, kind, task.depth, now());
        target.hops = task.hops + 1;
        context.focus_on(std::iter::once(target.key));
        self.out.visit = Some((task.key, self.after_visit(None, None, None)));
        self.out.redirect = Some((task, target));
    }

    /// Sitemaps, feeds and JSON lists.
    async fn list(&mut self, response: Response, turn: Turn) {
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
        let mut content = None;
        if list.is_failure() {
            tracing::warn!(url = %self.task.url, why = %list.problems, "a list gave no links");
            self.out.counts.list_errors += 1;
        } else {
            if !list.problems.is_empty() {
                tracing::warn!(url = %self.task.url, what = %list.problems, "not all of a list could be used");
            }
            self.out.counts.lists += 1;
            content = Some(rhythm::content(list.entries.iter().map(|entry| &entry.url)));
            self.entries(list.entries);
        }
        let fate = self.after_visit(validators.0, validators.1, content);
        self.out.visit = Some((self.task.key, fate));
    }

    fn entries(&mut self, entries: Vec<Entry>) {
        let context = self.context.clone();
        let due = now();
        for entry in entries {
            if let Some(why) = context.scope.outside(&entry.url, entry.at) {
                self.leave(why);
                continue;
            }
            let link = match entry.is_sitemap {
                true if context.scope.covers(&entry.url) => {
                    Link::Follow(context.scope.canonical(&entry.url), Kind::Sitemap)
                }
                true => Link::Leave(Why::OffSite),
                false => context.scope.sort(&entry.url),
            };
            match link {
                Link::Follow(url, kind) => {
                    let is_dated = entry.is_sitemap || (kind == Kind::Article && context.settings.recheck.is_some());
                    let dated = entry.changed.filter(|_| is_dated).map(Timestamp::as_millisecond);
                    self.follow(NewUrl { dated, ..NewUrl::new(url, kind, self.task.depth + 1, due) });
                }
                Link::Leave(why) => self.leave(why),
            }
        }
        context.focus_on(self.out.links.iter().map(|link| link.key));
    }

    /// A page of HTML: an article, a list, or neither.
    async fn html(&mut self, response: Response, turn: Turn) -> Option<()> {
        if response.is_binary() && response.body.is_empty() {
            let what = response.content_type.as_deref().unwrap_or_default();
            self.give_up(Reason::Binary, format!("not a page: {what}"));
            return Some(());
        }
        if let Some(to) = self.refresh_header(&response) {
            self.redirect(&to);
            return Some(());
        }
        let validators = (response.etag.clone(), response.modified.clone());
        let cleaned = cleaned(&self.context, &self.task.url, self.task.kind, response, turn).await;
        let (mut cleaned, warc) = match cleaned {
            Ok(Clean { cleaned, warc, look, copy }) => {
                self.out.look = look;
                if self.context.store.observer.is_some() {
                    self.out.brief = Some(Box::new(Brief { page: copy, ..Brief::default() }));
                }
                (cleaned, warc)
            }
            Err(panic) => {
                self.give_up(Reason::OverLimit, format!("the cleaner failed: {panic}"));
                return Some(());
            }
        };
        if matches!(&cleaned.article, Err(rejection) if rejection.reason == Reason::Challenge) {
            let advice = self.host.gate.challenged(self.task.tries);
            self.out.updates.extend(advice.host);
            match advice.page {
                PageAdvice::Retry { at, tries } => self.retry(at, tries),
                _ => self.give_up(Reason::Challenge, "a firewall's page in place of the page"),
            }
            return Some(());
        }
        if let Some(redirect) = cleaned.redirect.take()
            && self.context.scope.canonical(&redirect.to).url() != &self.task.url
        {
            self.redirect(&redirect.to);
            return Some(());
        }
        let is_article = match self.task.kind {
            Kind::Article | Kind::Recheck => true,
            Kind::Unknown => matches!(cleaned.kind, PageKind::Content(_)) && !is_list_of_links(&cleaned),
            _ => false,
        };
        let links = std::mem::take(&mut cleaned.links);
        // Of an article given by hand only itself is wanted.
        if !is_article || self.context.focus.is_none() {
            self.links(&links);
        }
        if !is_article {
            self.out.counts.lists += 1;
            if links.is_empty() {
                tracing::warn!(url = %self.task.url, "a list without links");
            }
            let of_site = links.iter().map(|link| &link.url).filter(|url| self.context.scope.covers(url));
            let content = Some(rhythm::content(of_site));
            self.out.visit = Some((self.task.key, self.again(validators.0, validators.1, content)));
            return Some(());
        }
        self.article(cleaned, warc, validators).await
    }

    /// Where the `Refresh:` header sends the browser, if that is another page.
    fn refresh_header(&self, response: &Response) -> Option<Url> {
        let to = refresh_target(response.refresh.as_deref()?, &Base::utf8(&self.task.url))?;
        (self.context.scope.canonical(&to).url() != &self.task.url).then_some(to)
    }

    /// An article: further pages are joined, then it is written, or rejected with the cleaner's reason.
    async fn article(&mut self, cleaned: Cleaned, warc: Option<String>, validators: Validators) -> Option<()> {
        let joined = match cleaned.article.is_ok() {
            true => parts::join(self, cleaned).await?,
            false => parts::Joined::Whole(Box::new(cleaned), 1),
        };
        let (cleaned, pages) = match joined {
            parts::Joined::Whole(cleaned, pages) => (cleaned, pages),
            parts::Joined::Retry { at, tries } => {
                self.out.seen.clear();
                self.retry(at, tries);
                return Some(());
            }
        };
        self.out.visit = Some((self.task.key, Fate::Done));
        let seen = &self.out.seen;
        self.out.links.retain(|link| !seen.contains(&link.key));
        match cleaned.article {
            Err(rejection) => self.out.reject(&self.task.url, rejection.reason, rejection.detail),
            Ok(mut record) => {
                let text = hash64(&record.text_hash);
                if self.task.kind == Kind::Recheck {
                    self.out.counts.rechecked += 1;
                    record.corrected = self.task.content != Some(text);
                    self.out.counts.corrected += u64::from(record.corrected);
                } else if let Some(at) = record.published_at.as_deref()
                    && let Some(why) = self.context.scope.outside(&self.task.url, lists::date(at))
                {
                    let bound = if why == Why::Old { "before --since" } else { "after --until" };
                    self.out.reject(&self.task.url, Reason::Skipped, format!("published {at}, {bound}"));
                    return Some(());
                }
                self.out.recent = Some(self.recent(validators.0, validators.1, text));
                if self.task.kind == Kind::Recheck && !record.corrected {
                    return Some(());
                }
                record.provenance.warc = record.provenance.warc.or(warc);
                if let Some(brief) = &mut self.out.brief {
                    **brief = Brief { page: brief.page.take(), ..Brief::of(&record) };
                }
                // The text is most of it; what stands escaped there has hardly any length.
                let mut line = Vec::with_capacity(record.text.len() + MOST_FIELDS);
                match serde_json::to_writer(&mut line, &record) {
                    Ok(()) => {
                        line.push(b'\n');
                        let sketch = Sketch::of(&record.text);
                        self.out.line = Line::Article { line, text, sketch, id: std::mem::take(&mut record.id) };
                        self.out.counts.articles += 1;
                        self.out.counts.joined += u64::from(pages > 1);
                    }
                    Err(error) => self.out.reject(&self.task.url, Reason::BadInput, error.to_string()),
                }
            }
        }
        Some(())
    }

    /// Sorts the links of a page; what was handled lately is not looked at again.
    fn links(&mut self, links: &[clean::Link]) {
        let context = self.context.clone();
        let closed = context.focus.is_some() || self.host.site.is_none();
        if closed && self.task.depth > OPEN_DEPTH {
            return;
        }
        let due = now();
        for link in links {
            if context.lately.knows(link.key) {
                continue;
            }
            match context.scope.sort(&link.url) {
                // From a page given by hand only its articles.
                Link::Follow(_, kind) if context.focus.is_some() && kind != Kind::Article => {}
                Link::Follow(url, kind) => self.follow(NewUrl::new(url, kind, self.task.depth + 1, due)),
                Link::Leave(why) => self.leave(why),
            }
            context.lately.note(link.key);
        }
        context.focus_on(self.out.links.iter().map(|link| link.key));
    }

    fn follow(&mut self, link: NewUrl) {
        match self.context.traps.catches(&link) {
            true => self.leave(Why::Trap),
            false => self.out.links.push(link),
        }
    }

    fn leave(&mut self, why: Why) {
        *self.out.counts.left.entry(why.as_str()).or_default() += 1;
    }

    fn give_up(&mut self, reason: Reason, detail: impl Into<String>) {
        let detail = detail.into();
        let gone = reason == Reason::HttpStatus && self.task.depth > 0;
        if self.task.kind.recurs() {
            tracing::warn!(url = %self.task.url, %reason, detail, "a list could not be had");
            self.out.counts.list_errors += 1;
            let fate = if gone { Fate::Done } else { self.after_visit(None, None, self.task.content) };
            self.out.visit = Some((self.task.key, fate));
        } else {
            self.out.visit = Some((self.task.key, Fate::Done));
            let url = self.task.url.clone();
            self.out.reject(&url, reason, detail);
        }
    }

    fn retry(&mut self, due: Millis, tries: u32) {
        self.out.counts.retried += 1;
        self.out.visit = Some((self.task.key, Fate::Retry { due, tries }));
    }

    fn after_visit(&self, etag: Option<String>, modified: Option<String>, content: Option<i64>) -> Fate {
        match self.task.kind.recurs() {
            true => self.again(etag, modified, content),
            false => Fate::Done,
        }
    }

    /// A list is looked at again, the sooner the more often it changes.
    fn again(&self, etag: Option<String>, modified: Option<String>, content: Option<i64>) -> Fate {
        let refresh = self.host.site.as_ref().and_then(|site| site.crawl.refresh);
        let rhythm = rhythm::next(refresh, self.task.rhythm, content != self.task.content);
        let wait = if self.task.dated { rhythm.max(rhythm::DATED) } else { rhythm };
        Fate::Again { due: now() + wait, etag, modified, rhythm, content }
    }

    fn json_rule(&self) -> Option<Arc<JsonRule>> {
        let site = self.host.site.as_ref()?;
        let text = self.task.url.as_str();
        site.crawl.lists.iter().find(|rule| rule.url.is_match(text))?.json.clone()
    }
}

/// True where the text found is mostly the texts of links: a section page that looked like an article.
fn is_list_of_links(cleaned: &Cleaned) -> bool {
    let Ok(record) = &cleaned.article else { return true };
    let links: HashSet<&str> = cleaned.links.iter().map(|link| link.text.trim()).collect();
    let is_link = |line: &&str| line.chars().count() >= 8 && links.contains(line.trim());
    record.text.lines().filter(is_link).count() >= 3
}
