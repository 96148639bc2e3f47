//! One visit: ask for a page, react to what comes, clean it, find its links.

mod article;
mod ending;
mod list;

use std::collections::HashSet;
use std::sync::Arc;

use url::Url;

use super::ask::{RequestFailure, RequestOutcome, ask};
use super::commit::{Finished, Line};
use super::context::{Context, Host};
use super::cookies::registered_domain;
use super::discover::Why;
use super::fetch::{Request, Response};
use super::host::{PageState, Turn};
use super::lists;
use super::validators;
use crate::frontier::{Fate, Kind, NewUrl, Recent, Task, UrlKey, now};
use crate::record::Reason;
use crate::urls::CanonicalUrl;

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

/// What asking for a page came to, redirects included.
enum Fetched {
    /// A page to be read.
    Page(Box<Response>, Turn),
    /// What is to be committed is settled already.
    Settled,
    /// The run is ending.
    Interrupted,
}

impl Visit {
    /// Makes the visit; nothing comes of it if the run is ending.
    pub async fn make(mut self, turn: Turn) -> Option<Finished> {
        let task = self.task.clone();
        let (response, turn) = match self.page(&task, turn).await {
            Fetched::Page(response, turn) => (*response, turn),
            Fetched::Settled => return Some(self.finished()),
            Fetched::Interrupted => return None,
        };
        if task.kind == Kind::Recheck && response.status == 304 {
            self.out.counts.rechecked += 1;
            self.out.recent = task.content.map(|text| self.recent(task.etag.clone(), task.modified.clone(), text));
            self.out.visit = Some((task.key, Fate::Done));
            return Some(self.out);
        }
        if task.kind.recurs() && response.status == 304 {
            self.out.counts.unchanged += 1;
            self.list_answered();
            let (etag, modified) =
                (response.etag.or_else(|| task.etag.clone()), response.modified.or_else(|| task.modified.clone()));
            self.out.visit = Some((task.key, self.again((etag, modified), task.content, task.full_at)));
            return Some(self.out);
        }
        match task.kind {
            // A door is not a list, whatever led to it.
            _ if self.is_outside() => self.html(response, turn).await?,
            Kind::Sitemap | Kind::Feed => self.list(response, turn).await,
            Kind::List if self.json_rule().is_some() || lists::is_list(&response.body) => {
                self.list(response, turn).await
            }
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
        let canonical = self.context.scope.canonical(&self.task.url);
        // One of the two is enough to ask by; the tag is the more exact.
        let modified = modified.filter(|_| etag.is_none());
        let (key, path) = (UrlKey::new(&canonical), canonical.path_and_query().to_owned());
        Recent { key, looked: now(), path, etag, modified, text }
    }

    /// The page is not asked for at all.
    pub fn refuse(mut self, reason: Reason, detail: String) -> Finished {
        self.give_up(reason, detail);
        self.finished()
    }

    /// The page itself, with redirects settled.
    async fn page(&mut self, task: &Task, mut turn: Turn) -> Fetched {
        let mut url = task.url.clone();
        let (mut been, mut hops) = (HashSet::new(), 0);
        let (etag, modified) = validators::to_send(task, now());
        let state = PageState::of(task.kind, &task.history);
        loop {
            let truncate = matches!(task.kind, Kind::Sitemap | Kind::Feed).then_some(lists::MAX_BYTES);
            let needs_new_connection = task.history.count > 0;
            let request = Request { etag, modified, truncate, needs_new_connection, ..Request::new(&url) };
            let response = match ask(&self.context, &self.host, request, state, &mut self.out).await {
                RequestOutcome::Response(response) => response,
                RequestOutcome::Reject(reason, detail) => {
                    self.give_up(reason, detail);
                    return Fetched::Settled;
                }
                RequestOutcome::Failed(failure) => {
                    self.fail(failure);
                    return Fetched::Settled;
                }
                RequestOutcome::Postpone(at) => {
                    self.postpone(at);
                    return Fetched::Settled;
                }
                RequestOutcome::Interrupted => return Fetched::Interrupted,
            };
            if let Some(what) = unusable(&response, etag.is_some() || modified.is_some()) {
                let reason = if (200..300).contains(&response.status) { Reason::Empty } else { Reason::HttpStatus };
                self.fail(RequestFailure::unconfirmed(reason, what));
                return Fetched::Settled;
            }
            if !response.is_redirect() {
                if self.is_detour(&self.context.scope.canonical(&url)) {
                    // It ends where it should only have passed through.
                    self.redirect(&url, false);
                    return Fetched::Settled;
                }
                self.task.url = url;
                return Fetched::Page(response, turn);
            }
            been.insert(url.clone());
            hops += 1;
            let to = match response.location {
                Some(Ok(to)) => to,
                Some(Err(text)) => {
                    self.give_up(Reason::Redirect, format!("leads to `{text}`, which is not an address"));
                    return Fetched::Settled;
                }
                None => return Fetched::Settled,
            };
            let canonical = self.context.scope.canonical(&to);
            let is_here = UrlKey::new(&canonical).host == task.key.host;
            let is_same = canonical.url() == &task.url || (is_here && self.is_detour(&canonical));
            if !is_same {
                self.redirect(&to, response.sets_cookies);
                return Fetched::Settled;
            }
            // Else another spelling of the same page, which the server insists on.
            if (been.contains(&to) && !response.sets_cookies) || hops > self.context.settings.max_redirects {
                self.give_up(Reason::Redirect, format!("leads in a circle: {to}"));
                return Fetched::Settled;
            }
            url = to;
            let next = tokio::select! {
                () = self.context.stop.cancelled() => None,
                turn = self.host.gate.next_turn(turn) => turn,
            };
            match next {
                Some(next) => turn = next,
                None => return Fetched::Interrupted,
            }
        }
    }

    /// True for an address that carries the page's own to lead back to it, as doors that set a cookie do.
    fn is_detour(&self, to: &CanonicalUrl) -> bool {
        let own = &self.task.url;
        let path = own.path();
        let host = own.host_str().map(|host| format!("//{host}")).unwrap_or_default();
        let carries = |value: &str| value == path || (path.len() > 1 && value.contains(path)) || value.contains(&host);
        to.url() != own && to.url().query_pairs().any(|(_, value)| carries(&value))
    }

    /// True for a host of the same owner that is not crawled and seems to be the site's door: it sets a cookie, or is given
    /// the page's address to lead back to.
    fn is_door(&self, to: &Url, sets_cookies: bool) -> bool {
        let is_same_owner =
            |own: &str| to.host_str().is_some_and(|host| registered_domain(host) == registered_domain(own));
        self.task.url.host_str().is_some_and(is_same_owner)
            && (sets_cookies || self.is_detour(&self.context.scope.canonical(to)))
    }

    /// True for a door on a host that is not crawled.
    fn is_outside(&self) -> bool {
        !self.context.scope.covers(&self.task.url)
    }

    /// A door led back to the page that had led to it: the page is asked once more.
    fn pass_door(&mut self, page: CanonicalUrl) {
        let task = &self.task;
        self.out.counts.redirected += 1;
        let requested = task.requested.clone().filter(|requested| requested != page.as_str());
        self.out.again.push(NewUrl { requested, ..NewUrl::new(page, task.kind, task.depth, now()) });
        let fate = if task.kind.recurs() { Fate::Forget } else { Fate::Done };
        self.out.visit = Some((task.key, fate));
    }

    /// Passes a redirect on to the frontier: its target is asked for in its own host's turn, under its own host's
    /// robots.txt, and only if it was not before. `sets_cookies`: the answer did.
    fn redirect(&mut self, to: &Url, sets_cookies: bool) {
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
        let is_outside = !scope.covers(to);
        if is_outside && !self.is_door(to, sets_cookies) {
            return self.give_up(Reason::Redirect, not_of_the_sites(to));
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
        if context.detours.pass(&task.key, UrlKey::new(&canonical), sets_cookies) {
            return self.pass_door(canonical);
        }
        if task.requested.as_deref() == Some(canonical.as_str()) {
            self.give_up(Reason::Redirect, format!("leads in a circle: {to}"));
            if task.kind.recurs() {
                // Only the redirect had named it; the address asked for stays.
                self.out.visit = Some((task.key, Fate::Forget));
            }
            return;
        }
        let kind = if task.kind == Kind::Recheck { Kind::Article } else { task.kind };
        let mut target = NewUrl::new(canonical, kind, task.depth, now());
        target.hops = task.hops + 1;
        target.requested = Some(task.requested.clone().unwrap_or_else(|| task.url.to_string()));
        context.focus_on(std::iter::once(target.key));
        context.detours.leave(task.key, target.key, sets_cookies);
        if is_outside {
            // Until the door leads back the page counts as failed; the door itself is not one of our pages.
            self.fail(RequestFailure::unconfirmed(Reason::Redirect, not_of_the_sites(to)));
            return self.out.links.push(target);
        }
        let fate = match task.kind.recurs() {
            true if self.is_outside() => Fate::Forget,
            true => self.again((None, None), task.content, now()),
            false => Fate::Done,
        };
        self.out.visit = Some((task.key, fate));
        self.out.redirect = Some((task, target));
    }
}

fn not_of_the_sites(to: &Url) -> String {
    format!("leads to {to}, which is not of the sites crawled")
}

/// What is wrong with an answer that has a usable status and nothing to use. `conditional`: the request was.
fn unusable(response: &Response, conditional: bool) -> Option<String> {
    match response.status {
        304 if conditional => None,
        304 => Some("status 304 (not modified), though nothing was said of an earlier copy".to_owned()),
        300..=399 if !response.is_redirect() => Some(format!("status {} without an address to go to", response.status)),
        200..=299 if !response.is_binary() && response.body.trim_ascii().is_empty() => {
            Some(format!("status {} with an empty body", response.status))
        }
        _ => None,
    }
}
