//! One request within a visit, what its answer means, and the cleaning of what came.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use url::Url;

use super::commit::{Finished, may_be_article};
use super::context::{Context, Host};
use super::fetch::{FetchError, Request, Response};
use super::host::{PageAdvice, PageState, Turn};
use super::pool::{self, PoolError};
use super::store::{Observer, RawCopy};
use crate::clean::frames::Known;
use crate::clean::{self, Body, Cleaned, Options, Page};
use crate::drift::{Observation, Raw};
use crate::frontier::{Kind, Millis, Task, now};
use crate::record::Reason;
use crate::retry::FailureClass;

/// Whole pages on their way to the committer, for `jingwen drift --propose`, at most (about: threads may look at once).
const MOST_RAW: usize = 8;

/// What one request came to.
pub enum RequestOutcome {
    /// An answer that can be used.
    Response(Box<Response>),
    /// No further try can change it.
    Reject(Reason, String),
    /// It failed; the retry policy decides.
    Failed(RequestFailure),
    /// Not the page's fault: to be asked again at this time.
    Postpone(Millis),
    /// The run is ending, or the host asks for a longer wait than it has patience for.
    Interrupted,
}

/// A request that failed.
pub struct RequestFailure {
    /// What it says about the page.
    pub class: FailureClass,
    /// As reports name it.
    pub reason: Reason,
    /// What was seen.
    pub what: String,
    /// When the host may be asked again.
    pub earliest: Millis,
}

impl RequestFailure {
    /// A page that may be gone.
    pub fn unconfirmed(reason: Reason, what: impl Into<String>) -> Self {
        Self { class: FailureClass::Unconfirmed, reason, what: what.into(), earliest: now() }
    }
}

/// Asks for one address: robots.txt, then the request, then what the answer means for page and host.
pub async fn ask(
    context: &Context,
    host: &Host,
    request: Request<'_>,
    page: PageState,
    out: &mut Finished,
) -> RequestOutcome {
    if let Some((reason, detail)) = forbidden(context, host, request.url) {
        return RequestOutcome::Reject(reason, detail);
    }
    let result = tokio::select! {
        () = context.stop.cancelled() => return RequestOutcome::Interrupted,
        result = asked(context, host, request) => result,
    };
    let rules = host.site.as_ref().map(|site| &site.crawl);
    let (advice, result) = match result {
        Ok(response) => {
            out.counts.fetched += 1;
            out.counts.bytes += response.body.len() as u64;
            out.counts.took.note(response.took);
            context.store.network.answered();
            tracing::debug!(url = %request.url, status = response.status, bytes = response.body.len(), "fetched");
            (host.gate.answered(&response, page, rules), Ok(response))
        }
        Err(FetchError::Interrupted) => return RequestOutcome::Interrupted,
        Err(error) => {
            let is_outage = is_outage(context, host, &error);
            tracing::debug!(url = %request.url, %error, is_outage, "not fetched");
            (host.gate.failed(&error, page, is_outage), Err(error))
        }
    };
    out.updates.extend(advice.host);
    let (reason, what) = match &result {
        Ok(response) => (Reason::HttpStatus, format!("status {}", response.status)),
        Err(error) => (error.reason(), error.to_string()),
    };
    match (advice.page, result) {
        (PageAdvice::Use, Ok(response)) => RequestOutcome::Response(Box::new(response)),
        (PageAdvice::Failed { class, earliest }, _) => {
            RequestOutcome::Failed(RequestFailure { class, reason, what, earliest })
        }
        (PageAdvice::Postpone { at }, _) => RequestOutcome::Postpone(at),
        _ => RequestOutcome::Reject(reason, what),
    }
}

/// True where a host could not be reached and others cannot be reached either.
pub fn is_outage(context: &Context, host: &Host, error: &FetchError) -> bool {
    let Some(how) = error.unreached() else { return false };
    !context.fetch.is_replay() && context.store.network.failed(host.lease.id, how)
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
        let list = kind == Kind::List;
        let learns = context.settings.clean.outline;
        let frames = if learns { context.store.frames.known() } else { Known::default() };
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
