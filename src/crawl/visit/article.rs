//! A page of HTML: an article, a list, or neither.

use std::collections::HashSet;

use url::Url;

use super::super::ask::{Clean, RequestFailure, cleaned};
use super::super::commit::Line;
use super::super::discover::Why;
use super::super::fetch::Response;
use super::super::host::{PageAdvice, PageState, Turn};
use super::super::lists;
use super::super::parts;
use super::super::rhythm;
use super::super::sketch::Sketch;
use super::super::store::Brief;
use super::list::{LinkCounts, NO_VALIDATORS};
use super::{Validators, Visit};
use crate::clean::links::Base;
use crate::clean::redirect::refresh_target;
use crate::clean::{self, Cleaned, PageKind};
use crate::frontier::{Fate, Kind, LeftOut, now};
use crate::record::{Reason, Record};
use crate::retry::FailureClass;
use crate::urls::hash64;

/// Bytes that a record takes beside its text, mostly.
const MOST_FIELDS: usize = 2 << 10;

impl Visit {
    /// A page of HTML: an article, a list, or neither.
    pub(super) async fn html(&mut self, response: Response, turn: Turn) -> Option<()> {
        if response.is_binary() && response.body.is_empty() {
            let what = response.content_type.as_deref().unwrap_or_default();
            self.give_up(Reason::Binary, format!("not a page: {what}"));
            return Some(());
        }
        let sets_cookies = response.sets_cookies;
        if let Some(to) = self.refresh_header(&response) {
            self.redirect(&to, sets_cookies);
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
            self.challenged();
            return Some(());
        }
        if let Some(redirect) = cleaned.redirect.take()
            && self.context.scope.canonical(&redirect.to).url() != &self.task.url
        {
            self.redirect(&redirect.to, sets_cookies);
            return Some(());
        }
        if self.is_outside() {
            self.forget_door();
            return Some(());
        }
        let is_article = match self.task.kind {
            Kind::Article | Kind::Recheck => true,
            Kind::Unknown => matches!(cleaned.kind, PageKind::Content(_)) && !is_list_of_links(&cleaned),
            _ => false,
        };
        let links = std::mem::take(&mut cleaned.links);
        // Of an article given by hand only itself is wanted.
        let counts = match !is_article || self.context.focus.is_none() {
            true => self.links(&links),
            false => LinkCounts::default(),
        };
        if cleaned.links_left_out > 0 && (!is_article || self.context.focus.is_none()) {
            self.links_left_out(cleaned.links_left_out);
        }
        if !is_article {
            self.list_page(cleaned, &links, counts, validators);
            return Some(());
        }
        self.article(cleaned, warc, validators).await
    }

    /// Where the `Refresh:` header sends the browser, if that is another page.
    fn refresh_header(&self, response: &Response) -> Option<Url> {
        let to = refresh_target(response.refresh.as_deref()?, &Base::utf8(&self.task.url))?;
        (self.context.scope.canonical(&to).url() != &self.task.url).then_some(to)
    }

    /// A firewall's page came in place of the page.
    fn challenged(&mut self) {
        let page = PageState::of(self.task.kind, &self.task.history);
        let advice = self.host.gate.challenged(page);
        self.out.updates.extend(advice.host);
        match advice.page {
            PageAdvice::Postpone { at } => self.postpone(at),
            PageAdvice::Failed { earliest, .. } => self.fail(RequestFailure {
                class: FailureClass::Unconfirmed,
                reason: Reason::Challenge,
                what: "a firewall's page in place of the page".to_owned(),
                earliest,
            }),
            PageAdvice::Use | PageAdvice::Reject => {
                self.give_up(Reason::Challenge, "a firewall's page in place of the page")
            }
        }
    }

    /// A page of links.
    fn list_page(&mut self, cleaned: Cleaned, links: &[clean::Link], counts: LinkCounts, validators: Validators) {
        if self.task.kind == Kind::Unknown && self.out.links.is_empty() && counts.useful == 0 {
            // Given by hand, and neither an article nor a list.
            let (reason, detail) = match cleaned.article {
                Err(rejection) => (rejection.reason, rejection.detail),
                Ok(_) => (Reason::List, "mostly links, none of them to an article".to_owned()),
            };
            return self.reject(reason, detail);
        }
        self.out.counts.lists += 1;
        self.list_answered();
        if counts.useful == 0 {
            let of_page = match &cleaned.article {
                Err(rejection) if rejection.reason != Reason::List => {
                    format!(" ({}: {})", rejection.reason, rejection.detail)
                }
                _ => String::new(),
            };
            let why = match counts.all {
                0 => format!("there is no link on it{of_page}"),
                n => format!("none of its {n} links leads to an article or a list of the site{of_page}"),
            };
            self.list_empty(why);
        }
        let validators = if counts.useful == 0 { NO_VALIDATORS } else { validators };
        let of_site = links.iter().map(|link| &link.url).filter(|url| self.context.scope.covers(url));
        let content = Some(rhythm::content(of_site));
        self.out.visit = Some((self.task.key, self.again(validators, content, now())));
    }

    /// An article: further pages are joined, then it is written, or rejected with the cleaner's reason.
    async fn article(&mut self, cleaned: Cleaned, warc: Option<String>, validators: Validators) -> Option<()> {
        let joined = match cleaned.article.is_ok() {
            true => parts::join(self, cleaned).await?,
            false => parts::Joined::Whole(Box::new(cleaned), 1),
        };
        let (cleaned, pages) = match joined {
            parts::Joined::Whole(cleaned, pages) => (cleaned, pages),
            parts::Joined::Failed(failure) => {
                self.out.seen.clear();
                self.fail(failure);
                return Some(());
            }
            parts::Joined::Postpone(at) => {
                self.out.seen.clear();
                self.postpone(at);
                return Some(());
            }
        };
        self.out.visit = Some((self.task.key, Fate::Done));
        let seen = &self.out.seen;
        self.out.links.retain(|link| !seen.contains(&link.key));
        match cleaned.article {
            Err(rejection) => self.reject(rejection.reason, rejection.detail),
            Ok(record) => self.write(record, warc, validators, pages),
        }
        Some(())
    }

    /// Hands a record to the committer, unless it is left out, or was written before and has not changed.
    fn write(&mut self, mut record: Box<Record>, warc: Option<String>, validators: Validators, pages: u32) {
        let text = hash64(&record.text_hash);
        if self.task.kind == Kind::Recheck {
            self.out.counts.rechecked += 1;
            record.corrected = self.task.content != Some(text);
            self.out.counts.corrected += u64::from(record.corrected);
        } else if let Some(at) = record.published_at.as_deref()
            && let Some(published) = lists::date(at)
            && let Some(why) = self.context.scope.outside(&self.task.url, Some(published))
        {
            self.out.left_out.push(LeftOut {
                key: self.task.key,
                path: self.context.scope.canonical(&self.task.url).path_and_query().to_owned(),
                kind: self.task.kind,
                depth: self.task.depth,
                published: published.as_millisecond(),
                was_fetched: true,
            });
            let bound = if why == Why::Old { "before --since" } else { "after --until" };
            return self.reject(Reason::Skipped, format!("published {at}, {bound}"));
        }
        self.out.recent = Some(self.recent(validators.0, validators.1, text));
        if self.task.kind == Kind::Recheck && !record.corrected {
            return;
        }
        if self.task.revisits > 0 {
            self.out.counts.revisited += 1;
            self.out.recovered.push(self.task.key);
        }
        record.provenance.warc = record.provenance.warc.or(warc);
        record.requested = self.task.requested.clone().filter(|requested| record.url.as_deref() != Some(requested));
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
                if let Some(confidence) = record.confidence {
                    let url = record.url.as_deref().unwrap_or_default();
                    self.out.counts.confidence.note(url, confidence);
                }
                self.out.counts.joined += u64::from(pages > 1);
            }
            Err(error) => self.reject(Reason::BadInput, error.to_string()),
        }
    }
}

/// True where the text found is mostly the texts of links: a section page that looked like an article.
fn is_list_of_links(cleaned: &Cleaned) -> bool {
    let Ok(record) = &cleaned.article else { return true };
    let links: HashSet<&str> = cleaned.links.iter().map(|link| link.text.trim()).collect();
    let is_link = |line: &&str| line.chars().count() >= 8 && links.contains(line.trim());
    record.text.lines().filter(is_link).count() >= 3
}
