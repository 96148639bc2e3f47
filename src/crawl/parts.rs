//! Articles over several pages: the further ones are fetched in their host's turn and joined.

use std::collections::HashSet;

use url::Url;

use super::ask::{Clean, RequestFailure, RequestOutcome, ask, cleaned};
use super::fetch::Request;
use super::host::PageState;
use super::visit::Visit;
use crate::clean::{Cleaned, confidence, text_hash};
use crate::frontier::{Millis, UrlKey};
use crate::record::{Doubt, Record};
use crate::retry::FailureClass;

/// Most pages joined where the template does not say.
const MOST: u32 = 20;

/// An article with its further pages.
pub enum Joined {
    /// With the number of pages.
    Whole(Box<Cleaned>, u32),
    /// A further page could not be had now: all of it is to be tried again.
    Failed(RequestFailure),
    /// The same, and it is not the page's fault.
    Postpone(Millis),
}

/// Follows `whole` or `next`; `None` if the run is ending.
pub async fn join(visit: &mut Visit, mut first: Cleaned) -> Option<Joined> {
    let mut been: HashSet<UrlKey> = [visit.task.key].into();
    if let Some(twin) = first.whole.take() {
        match further(visit, &twin, &mut been).await {
            Further::Page(page) if page.article.is_ok() => return Some(Joined::Whole(page, 1)),
            Further::Retry(failure) if visit.may_retry(&failure) => return Some(Joined::Failed(failure)),
            Further::Postpone(at) => return Some(Joined::Postpone(at)),
            Further::Interrupted => return None,
            // The twin gives no more than this page does.
            Further::Page(_) | Further::End | Further::Failed(_) | Further::Retry(_) => {}
        }
    }
    let most = most(visit, &first);
    let mut pages = 1;
    let mut next = first.next.take();
    while let Some(url) = next.take() {
        if pages >= most {
            tracing::warn!(url = %visit.task.url, pages, "more pages than are joined");
            truncate(&mut first);
            break;
        }
        match further(visit, &url, &mut been).await {
            Further::Page(mut page) => {
                next = page.next.take();
                match (&mut first.article, page.article) {
                    (Ok(record), Ok(part)) => {
                        pages += 1;
                        append(record, *part, pages);
                    }
                    (_, Err(rejection)) => {
                        tracing::warn!(%url, reason = %rejection.reason, "a further page gave no text");
                        truncate(&mut first);
                        break;
                    }
                    _ => break,
                }
            }
            // A link to itself or in a circle: the last page.
            Further::End => break,
            Further::Failed(why) => {
                tracing::warn!(%url, why, "a further page could not be had");
                truncate(&mut first);
                break;
            }
            Further::Retry(failure) if visit.may_retry(&failure) => return Some(Joined::Failed(failure)),
            Further::Retry(failure) => {
                tracing::warn!(%url, why = failure.what, "a further page could not be had");
                truncate(&mut first);
                break;
            }
            Further::Postpone(at) => return Some(Joined::Postpone(at)),
            Further::Interrupted => return None,
        }
    }
    Some(Joined::Whole(Box::new(first), pages))
}

enum Further {
    Page(Box<Cleaned>),
    /// Known already.
    End,
    Failed(String),
    Retry(RequestFailure),
    Postpone(Millis),
    Interrupted,
}

/// One further page of the same host.
async fn further(visit: &mut Visit, url: &Url, been: &mut HashSet<UrlKey>) -> Further {
    let canonical = visit.context.scope.canonical(url);
    let key = UrlKey::new(&canonical);
    if !been.insert(key) {
        return Further::End;
    }
    if key.host != visit.host.lease.id {
        return Further::Failed("it is on another host".into());
    }
    let turn = tokio::select! {
        () = visit.context.stop.cancelled() => return Further::Interrupted,
        turn = visit.host.gate.turn() => turn,
    };
    let Some(turn) = turn else { return Further::Interrupted };
    let (context, host) = (visit.context.clone(), visit.host.clone());
    let page = PageState::of(visit.task.kind, &visit.task.history);
    let response = match ask(&context, &host, Request::new(canonical.url()), page, &mut visit.out).await {
        RequestOutcome::Response(response) => response,
        RequestOutcome::Reject(reason, detail) => return Further::Failed(format!("{reason}: {detail}")),
        RequestOutcome::Failed(failure) if failure.class == FailureClass::Transient => return Further::Retry(failure),
        RequestOutcome::Failed(failure) => return Further::Failed(failure.what),
        RequestOutcome::Postpone(at) => return Further::Postpone(at),
        RequestOutcome::Interrupted => return Further::Interrupted,
    };
    if response.status != 200 {
        return Further::Failed(format!("status {}", response.status));
    }
    match cleaned(&context, canonical.url(), visit.task.kind, *response, turn).await {
        Ok(Clean { cleaned: page, .. }) => {
            // Not an article of its own, whoever links to it.
            visit.out.seen.push(key);
            Further::Page(Box::new(page))
        }
        Err(panic) => Further::Failed(format!("the cleaner failed: {panic}")),
    }
}

fn most(visit: &Visit, first: &Cleaned) -> u32 {
    let template = first.template.as_deref();
    let site = visit.host.site.as_ref();
    site.and_then(|site| site.templates.iter().find(|t| Some(t.name.as_str()) == template))
        .and_then(|template| template.next.as_ref())
        .map_or(MOST, |rule| rule.max)
}

fn truncate(cleaned: &mut Cleaned) {
    if let Ok(record) = &mut cleaned.article {
        record.truncated = true;
        confidence::doubt(record, Doubt::Truncated);
    }
}

/// Joins a further page to a record.
fn append(record: &mut Record, part: Record, pages: u32) {
    if !part.text.is_empty() {
        record.text.push('\n');
        record.text.push_str(&part.text);
    }
    for (role, names) in part.editors {
        let known = record.editors.entry(role).or_default();
        for name in names {
            if !known.contains(&name) {
                known.push(name);
            }
        }
    }
    for author in part.authors {
        if !record.authors.contains(&author) {
            record.authors.push(author);
        }
    }
    for image in part.images {
        if !record.images.contains(&image) {
            record.images.push(image);
        }
    }
    record.blocks.extend(part.blocks);
    // As sure as of the part that is least sure.
    record.confidence = record.confidence.zip(part.confidence).map(|(a, b)| a.min(b));
    // Later pages need not repeat date and headline.
    let own = |doubt: &&Doubt| !matches!(doubt, Doubt::NoDate | Doubt::NoTitle);
    part.doubts.iter().filter(own).for_each(|doubt| confidence::doubt(record, *doubt));
    record.source = record.source.take().or(part.source);
    record.pages = pages;
    record.text_hash = text_hash(&record.text);
}
