//! One task for each host held: takes its addresses in order, waits for its turn, starts visits.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use url::Url;

use super::ask::{asked, begin, end, forbidden, is_outage, wants_claim};
use super::commit::Finished;
use super::context::{Context, Host};
use super::fetch::{FetchError, Request};
use super::robots::{MAX_BYTES, Robots};
use super::run::CrawlError;
use super::visit::Visit;
use crate::frontier::{Cursor, Frontier, HostUpdate, Kind, Millis, NewUrl, RobotsCopy, StoredRobots, Task, now};
use crate::record::Reason;
use crate::sites::requests::product_token;

/// Addresses taken from the frontier at a time.
const BATCH: u32 = 64;
/// How long a robots.txt is good for (RFC 9309, 2.4).
const ROBOTS_AGE_MS: i64 = 24 * 3_600_000;
/// Redirects followed for robots.txt (RFC 9309, 2.3.1.2: at least five).
const ROBOTS_HOPS: usize = 5;
/// Times that robots.txt is asked for in one run before the host is left alone.
const ROBOTS_TRIES: u32 = 4;

/// When a page whose visit panicked is tried again.
const PANIC_MS: i64 = 3_600_000;

/// Works through what a host has, then ends; the host's state says whether it should come back.
pub async fn work(context: Arc<Context>, host: Arc<Host>) -> Result<(), CrawlError> {
    if context.settings.per_address
        && !context.fetch.is_replay()
        && let Some(ip) = context.guard.address(&host.lease.origin).await
    {
        host.gate.share(&context.store.addresses, ip);
    }
    let result = match robots(&context, &host).await {
        true => Queue::new(&context, &host).run().await,
        false => Ok(()),
    };
    if let Some(update) = host.gate.left_for_later() {
        let mut out = Finished::new(host.clone());
        out.updates.push(update);
        begin(&context, &host);
        end(&context, &host, Some(out)).await;
    }
    // What is under way belongs to this lease.
    while host.outstanding.load(Ordering::Acquire) > 0 {
        host.wake.notified().await;
    }
    result
}

struct Queue<'a> {
    context: &'a Arc<Context>,
    host: &'a Arc<Host>,
    tasks: VecDeque<Task>,
    after: Cursor,
    /// Something was started since the queue was last read from its beginning.
    moved: bool,
}

impl<'a> Queue<'a> {
    fn new(context: &'a Arc<Context>, host: &'a Arc<Host>) -> Self {
        Self { context, host, tasks: VecDeque::new(), after: Cursor::START, moved: false }
    }

    async fn run(mut self) -> Result<(), CrawlError> {
        // With robots.txt a day old the host is given back; whoever takes it up again asks for the file anew.
        let is_old = || now() - self.host.robots_at.load(Ordering::Relaxed) >= ROBOTS_AGE_MS;
        while !self.context.closing.is_cancelled() && !self.host.gate.is_shut() && !is_old() {
            match self.tasks.pop_front() {
                Some(task) => {
                    self.moved = true;
                    if self.start(task).await.is_none() {
                        break;
                    }
                }
                None if self.fill().await? => {}
                None => break,
            }
        }
        Ok(())
    }

    /// Reads on in the frontier; false if there is nothing left to do or to wait for.
    async fn fill(&mut self) -> Result<bool, CrawlError> {
        let (context, host) = (self.context, self.host);
        let idle = host.outstanding.load(Ordering::Acquire) == 0;
        if idle && self.moved {
            // Nothing is under way, so nothing can be taken twice: what came meanwhile may stand before the cursor.
            (self.after, self.moved) = (Cursor::START, false);
        }
        let tasks = context.frontier.next(&host.lease, self.after, now(), context.began, BATCH).await?;
        if let Some(last) = tasks.last() {
            self.after = Cursor::after(last);
            self.tasks.extend(tasks.into_iter().filter(|task| context.in_focus(&task.key)));
            return Ok(true);
        }
        if !idle {
            tokio::select! {
                () = host.wake.notified() => {}
                () = context.closing.cancelled() => {}
            }
            return Ok(true);
        }
        if self.moved {
            return Ok(true);
        }
        let Some(at) = context.frontier.next_retry(host.lease.id).await? else { return Ok(false) };
        let wait = Duration::from_millis(u64::try_from(at - now()).unwrap_or(0) + 1);
        if wait > context.settings.patience {
            return Ok(false);
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = host.wake.notified() => {}
            () = context.closing.cancelled() => {}
        }
        (self.after, self.moved) = (Cursor::START, false);
        Ok(true)
    }

    /// Starts a visit when its turn comes; `None` if the host is to be left.
    async fn start(&mut self, task: Task) -> Option<()> {
        let (context, host) = (self.context.clone(), self.host.clone());
        let closing = &context.closing;
        let mut out = Finished::new(host.clone());
        if let Some((reason, detail)) = forbidden(&context, &host, &task.url) {
            begin(&context, &host);
            let visit = Visit { context: context.clone(), host: host.clone(), task, out };
            end(&context, &host, Some(visit.refuse(reason, detail))).await;
            return Some(());
        }
        if !context.traps.page(host.lease.id) {
            return None;
        }
        if let Some(wanted) = context.wanted.clone().filter(|_| wants_claim(&task)) {
            out.claim = tokio::select! {
                () = closing.cancelled() => return None,
                claim = wanted.acquire_owned() => claim.ok(),
            };
        }
        let slot = tokio::select! {
            () = closing.cancelled() => return None,
            slot = context.store.in_flight.clone().acquire_owned() => slot.ok(),
        };
        let turn = tokio::select! {
            () = closing.cancelled() => return None,
            turn = host.gate.turn() => turn?,
        };
        if !context.take_page() {
            return None;
        }
        begin(&context, &host);
        tokio::spawn(async move {
            let task_again = task.clone();
            out.depth = task.depth;
            let visit = Visit { context: context.clone(), host: host.clone(), task, out };
            let finished = AssertUnwindSafe(visit.make(turn)).catch_unwind().await.unwrap_or_else(|_| {
                // Said on stderr by the panic itself. The page is left for a later run.
                let out = Finished::new(host.clone());
                let visit = Visit { context: context.clone(), host: host.clone(), task: task_again, out };
                Some(visit.panicked(now() + PANIC_MS))
            });
            drop(slot);
            end(&context, &host, finished).await;
        });
        Some(())
    }
}

/// Sees to robots.txt; false if the host is to be left alone.
async fn robots(context: &Arc<Context>, host: &Arc<Host>) -> bool {
    if !context.settings.respect_robots {
        return true;
    }
    // A site that is asked under another name is obeyed under it.
    let own = host.site.as_ref().and_then(|site| site.crawl.requests.user_agent.as_deref());
    let token = own.map_or(context.settings.token.as_str(), product_token);
    if let Some(copy) = &host.lease.robots
        && (0..ROBOTS_AGE_MS).contains(&(now() - copy.at))
    {
        match &copy.stored {
            StoredRobots::Free => return know(context, host, Robots::default(), copy.at),
            StoredRobots::File(bytes) => return know(context, host, Robots::parse(bytes, token), copy.at),
            StoredRobots::Unavailable => {}
        }
    }
    let mut out = Finished::new(host.clone());
    let mut tries = 0;
    let known = loop {
        let why = match robots_once(context, host, &mut out).await {
            Some(Ok(copy)) => {
                let robots = match &copy.stored {
                    StoredRobots::File(bytes) => Robots::parse(bytes, token),
                    _ => Robots::default(),
                };
                sitemaps(context, host, &robots, &mut out);
                let known = know(context, host, robots, copy.at);
                out.updates.push(HostUpdate {
                    failures: Some(0),
                    blocked: Some(None),
                    robots: Some(copy),
                    ..HostUpdate::default()
                });
                break known;
            }
            Some(Err(why)) => why,
            None => return false,
        };
        let (reason, detail, retry_after, is_outage) = why;
        if is_outage {
            out.updates.push(host.gate.suspend(&detail));
            if host.gate.is_shut() {
                break false;
            }
            continue;
        }
        tries += 1;
        let mut update = host.gate.robots_unavailable(tries, retry_after, &detail);
        update.robots = Some(copy(StoredRobots::Unavailable));
        out.updates.push(update);
        if tries >= ROBOTS_TRIES || host.gate.is_shut() {
            let url = robots_url(&host.lease.origin);
            let why = format!("robots.txt could not be had ({detail}), so nothing is asked of the host");
            out.updates.push(host.gate.block(&why));
            if let Some(url) = url {
                out.reject(&url, None, reason, why);
            }
            break false;
        }
    };
    begin(context, host);
    end(context, host, Some(out)).await;
    known
}

fn know(context: &Context, host: &Host, robots: Robots, at: Millis) -> bool {
    host.robots_at.store(at, Ordering::Relaxed);
    if !context.fetch.is_replay() {
        host.gate.obey(&robots);
    }
    // Set once, here.
    let _ = host.robots.set(robots);
    true
}

fn robots_url(origin: &Url) -> Option<Url> {
    origin.join("/robots.txt").ok()
}

/// Why robots.txt could not be had, when the host wants to be asked again, and whether nothing can be reached at all.
type Unavailable = (Reason, String, Option<Duration>, bool);

/// What came just now, without validators.
fn copy(stored: StoredRobots) -> RobotsCopy {
    RobotsCopy { stored, at: now(), etag: None, modified: None }
}

/// One try, redirects included; `None` if the run is ending.
async fn robots_once(context: &Context, host: &Host, out: &mut Finished) -> Option<Result<RobotsCopy, Unavailable>> {
    let mut url = robots_url(&host.lease.origin)?;
    // The file that a conditional request may confirm.
    let known = host.lease.robots.as_ref().filter(|copy| matches!(copy.stored, StoredRobots::File(_)));
    for hop in 0..=ROBOTS_HOPS {
        let turn = tokio::select! {
            () = context.closing.cancelled() => return None,
            turn = host.gate.turn() => turn?,
        };
        let known = known.filter(|_| hop == 0);
        let request = Request {
            truncate: Some(MAX_BYTES),
            etag: known.and_then(|copy| copy.etag.as_deref()),
            modified: known.and_then(|copy| copy.modified.as_deref()),
            ..Request::new(&url)
        };
        let result = tokio::select! {
            () = context.stop.cancelled() => return None,
            result = asked(context, host, request) => result,
        };
        drop(turn);
        let response = match result {
            Ok(response) => response,
            // Then every page is refused as well, each with this reason.
            Err(FetchError::Refused(_) | FetchError::NotArchived) => return Some(Ok(copy(StoredRobots::Free))),
            Err(FetchError::Interrupted) => return None,
            Err(error) => {
                let is_outage = is_outage(context, host, &error);
                return Some(Err((error.reason(), error.to_string(), None, is_outage)));
            }
        };
        out.counts.fetched += 1;
        context.store.network.answered();
        match response.status {
            200..=299 => {
                // Validators of a redirect's target would be sent to the wrong address.
                let own = |value: Option<String>| value.filter(|_| hop == 0);
                return Some(Ok(RobotsCopy {
                    etag: own(response.etag),
                    modified: own(response.modified),
                    ..copy(StoredRobots::File(response.body))
                }));
            }
            304 => {
                let detail = "status 304 for a file that was never had".to_owned();
                return Some(match known {
                    Some(known) => Ok(RobotsCopy { at: now(), ..known.clone() }),
                    None => Err((Reason::RobotsUnavailable, detail, None, false)),
                });
            }
            300..=399 => match response.location {
                Some(Ok(to)) => url = to,
                _ => return Some(Ok(copy(StoredRobots::Free))),
            },
            429 | 500..=u16::MAX | 0..200 => {
                let detail = format!("status {}", response.status);
                return Some(Err((Reason::RobotsUnavailable, detail, response.retry_after, false)));
            }
            400..=499 => return Some(Ok(copy(StoredRobots::Free))),
        }
    }
    // More redirects than anybody needs: as if there were none (RFC 9309, 2.3.1.2).
    Some(Ok(copy(StoredRobots::Free)))
}

/// Sitemaps that robots.txt names, where the whole site is crawled and its file names none.
fn sitemaps(context: &Context, host: &Host, robots: &Robots, out: &mut Finished) {
    let Some(site) = host.site.as_ref().filter(|site| site.crawl.sitemaps.is_empty()) else { return };
    if !context.settings.sitemaps || context.focus.is_some() || site.crawl.articles.is_empty() {
        return;
    }
    let found = robots.sitemaps.iter().take(100).filter_map(|text| host.lease.origin.join(text).ok());
    for url in found.filter(|url| context.scope.covers(url)) {
        out.links.push(NewUrl::new(context.scope.canonical(&url), Kind::Sitemap, 1, now()));
    }
}
