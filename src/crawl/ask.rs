//! One request within a visit, what its answer means, and the cleaning of what came.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use url::Url;

use super::commit::{Finished, may_be_article};
use super::context::{Context, Host};
use super::fetch::{FetchError, Request, Response};
use super::host::{PageAdvice, Turn};
use super::pool::{self, PoolError};
use super::store::{Observer, RawCopy};
use crate::clean::{self, Body, Cleaned, Options, Page};
use crate::drift::{Observation, Raw};
use crate::frontier::{Kind, Millis, Task};
use crate::record::Reason;

/// Whole pages on their way to the committer, for `jingwen drift --propose`, at most (about: threads may look at once).
const MOST_RAW: usize = 8;

/// What asking for one address gave.
pub enum Asked {
    /// An answer that can be used.
    Answer(Box<Response>),
    /// Give up.
    Reject(Reason, String),
    /// Ask again later.
    Retry {
        /// When.
        at: Millis,
        /// Failures so far.
        tries: u32,
    },
    /// The run is ending, or the host asks for a longer wait than it has patience for.
    Not,
}

/// Asks for one address: robots.txt, then the request, then what the answer means for page and host.
pub async fn ask(context: &Context, host: &Host, request: Request<'_>, tries: u32, out: &mut Finished) -> Asked {
    if let Some((reason, detail)) = forbidden(context, host, request.url) {
        return Asked::Reject(reason, detail);
    }
    let result = tokio::select! {
        () = context.stop.cancelled() => return Asked::Not,
        result = asked(context, host, request) => result,
    };
    let rules = host.site.as_ref().map(|site| &site.crawl);
    let (advice, result) = match result {
        Ok(response) => {
            out.counts.fetched += 1;
            out.counts.bytes += response.body.len() as u64;
            out.counts.took.note(response.took);
            tracing::debug!(url = %request.url, status = response.status, bytes = response.body.len(), "fetched");
            (host.gate.answered(&response, tries, rules), Ok(response))
        }
        Err(FetchError::Interrupted) => return Asked::Not,
        Err(error) => {
            tracing::debug!(url = %request.url, %error, "not fetched");
            (host.gate.failed(&error, tries), Err(error))
        }
    };
    out.updates.extend(advice.host);
    match (advice.page, result) {
        (PageAdvice::Use, Ok(response)) => Asked::Answer(Box::new(response)),
        (PageAdvice::Retry { at, tries }, _) => Asked::Retry { at, tries },
        (_, Ok(response)) => Asked::Reject(Reason::HttpStatus, format!("status {}", response.status)),
        (_, Err(error)) => Asked::Reject(error.reason(), error.to_string()),
    }
}

/// Makes a request in its host's turn, and tells the host's gate when the server must have seen it.
pub async fn asked(context: &Context, host: &Host, request: Request<'_>) -> Result<Response, FetchError> {
    let begun = Instant::now();
    let result = context.fetch.fetch(request).await;
    host.gate.heard(result.as_ref().map_or_else(|_| Instant::now(), |response| begun + response.waited));
    result
}

/// The robots.txt rule that forbids an address of a host, if one does.
pub fn forbidden(context: &Context, host: &Host, url: &Url) -> Option<(Reason, String)> {
    if !context.settings.respect_robots {
        return None;
    }
    let robots = host.robots.get()?;
    let verdict = robots.check(&url[url::Position::BeforePath..url::Position::AfterQuery]);
    match (verdict.allowed, verdict.rule) {
        (false, Some(rule)) => {
            Some((Reason::RobotsDenied, format!("robots.txt line {}: Disallow: {}", rule.line, rule.pattern)))
        }
        _ => None,
    }
}

/// A page that was cleaned, with what goes along with it.
pub struct Clean {
    /// What the cleaner made of it.
    pub cleaned: Cleaned,
    /// `WARC-Record-ID` where it came from an archive.
    pub warc: Option<String>,
    /// What it says about its site's selector file.
    pub look: Option<Box<Observation>>,
    /// The page itself, where the observer wants it.
    pub copy: Option<Box<RawCopy>>,
}

/// Largest page that is cleaned where it arrived, in bytes: it takes less than a millisecond, and handing it to another
/// thread and back a tenth of that.
const SMALL: usize = 48 << 10;

/// Cleans a page, a large one on a thread that may take its time; the host's turn ends when the page has its place in the
/// queue.
pub async fn cleaned(
    context: &Arc<Context>,
    url: &Url,
    kind: Kind,
    response: Response,
    turn: Turn,
) -> Result<Clean, PoolError> {
    let small = response.body.len() <= SMALL;
    let place = if small { None } else { Some(context.store.cleaning.place().await) };
    drop(turn);
    let (url, context) = (url.clone(), context.clone());
    let job = move || {
        let page = Page {
            url: Some(&url),
            body: Body::Html(&response.body),
            content_type: response.content_type.as_deref(),
            fetched_at: Some(response.at),
        };
        let (list, frames) = (kind == Kind::List, context.store.frames.known());
        // Nobody looks at the other links of articles.
        let lately = matches!(kind, Kind::Article | Kind::Recheck).then(|| context.lately.clone());
        let options = Options { list, lately, frames, ..context.settings.clean.clone() };
        let cleaned = clean::clean(&page, &context.scope.sites, &options);
        cleaned.outline.iter().for_each(|outline| context.store.frames.learn(outline));
        let site = context.scope.sites.for_url(&url);
        let mut look = site.and_then(|site| Observation::of(site, &url, response.at, &cleaned)).map(Box::new);
        let wanted = |observer: &Arc<dyn Observer>| site.is_some_and(|site| observer.wants_page(&site.id));
        // Seldom, so that the copy does not matter.
        let copy = (cleaned.article.is_ok() && context.store.observer.as_ref().is_some_and(wanted))
            .then(|| Box::new(RawCopy { body: response.body.clone(), content_type: response.content_type.clone() }));
        // A few at a time are evidence enough.
        let is_wanted =
            |site: &str| context.store.drift.wants_page(site) && Arc::strong_count(&context.raw) <= MOST_RAW;
        if let Some(look) = look.as_mut().filter(|look| is_wanted(&look.site.id)) {
            look.raw = Some(Raw {
                bytes: response.body,
                content_type: response.content_type,
                alive: Some(context.raw.clone()),
            });
        }
        Clean { cleaned, warc: response.warc, look, copy }
    };
    match place {
        None => pool::here(job),
        Some(place) => place.run(job).await,
    }
}

/// Marks a visit as begun.
pub fn begin(context: &Context, host: &Host) {
    host.outstanding.fetch_add(1, Ordering::AcqRel);
    context.active.fetch_add(1, Ordering::AcqRel);
}

/// Hands a visit to the committer, or gives it up.
pub async fn end(context: &Context, host: &Host, finished: Option<Finished>) {
    let sent = match finished {
        Some(finished) => context.finished.send(finished).await.is_ok(),
        None => false,
    };
    context.active.fetch_sub(1, Ordering::AcqRel);
    if !sent {
        host.settled();
    }
}

/// True if a task may give an article.
pub fn wants_claim(task: &Task) -> bool {
    may_be_article(task.kind)
}
