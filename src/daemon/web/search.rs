//! `/search` and `/notices`.

use axum::extract::{Query, State};
use axum::http::header::HeaderMap;
use maud::{Markup, html};
use serde::Deserialize;

use super::words::{Words, clock};
use super::{Shared, Trouble, layout};
use crate::daemon::history::PastArticle;
use crate::daemon::live::Live;

/// Most articles shown.
const MOST: u32 = 100;

/// What is searched for.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
}

/// The search page.
pub async fn page(State(app): Shared, headers: HeaderMap, Query(asked): Query<Asked>) -> Result<Markup, Trouble> {
    let words = Words::of(&headers);
    let text = asked.q.trim();
    let found = match text {
        "" => None,
        text => Some(app.daemon.history.articles(None, Some(text), MOST).await?),
    };
    let live = app.daemon.live();
    let body = html! {
        form role="search" action="/search" {
            label for="q" { (words.search_recent) }
            input id="q" name="q" type="search" value=(text);
            button { (words.search) }
        }
        @if let Some(found) = &found {
            @if found.is_empty() { p { (words.no_results) } } @else { (articles(words, &live, found, true)) }
        }
    };
    Ok(layout::page(&app, &headers, words.search, body))
}

/// A table of articles.
pub fn articles(words: &Words, live: &Live, found: &[PastArticle], with_site: bool) -> Markup {
    html! {
        div.wide role="region" aria-label=(words.recent_articles) tabindex="0" {
            table {
                thead {
                    tr {
                        th scope="col" { (words.written) }
                        @if with_site { th scope="col" { (words.site) } }
                        th scope="col" { (words.title) }
                        th scope="col" { (words.published) }
                        th scope="col" { (words.template) }
                        th.n scope="col" { (words.chars) }
                    }
                }
                tbody {
                    @for article in found {
                        tr {
                            td { (clock(article.at, &live.zone(&article.site))) }
                            @if with_site { td { a href=(format!("/sites/{}", article.site)) { (article.site) } } }
                            td.text { (outside(&article.url, if article.title.is_empty() { &article.url } else { &article.title })) }
                            td { (article.published_at.as_deref().unwrap_or("–")) }
                            td { (article.template.as_deref().unwrap_or("generic")) }
                            td.n { (article.chars) }
                        }
                    }
                }
            }
        }
    }
}

/// A link to a page that was crawled. Only web addresses become links.
pub fn outside(url: &str, text: &str) -> Markup {
    html! {
        @if url.starts_with("https://") || url.starts_with("http://") {
            a href=(url) rel="noreferrer noopener nofollow" { (text) }
        } @else { (text) }
    }
}

/// What people were told, and whether it reached them.
pub async fn notices(State(app): Shared, headers: HeaderMap) -> Result<Markup, Trouble> {
    let words = Words::of(&headers);
    let recent = app.daemon.notifier.recent(MOST).await?;
    let live = app.daemon.live();
    let body = html! {
        @if recent.is_empty() { p { (words.nothing_yet) } }
        @for notice in &recent {
            article.notice {
                h2 { span.badge.idle { (notice.event.kind) } " " (notice.event.title) }
                p.id { (clock(notice.said_at, &live.zone(notice.event.site.as_deref().unwrap_or_default()))) }
                p.pre { (notice.event.detail) }
                dl {
                    @if let Some(text) = &notice.event.looked_for { dt { (words.looked_for) } dd { (text) } }
                    @if let Some(text) = &notice.event.since { dt { (words.since) } dd { (text) } }
                    @if !notice.event.evidence.is_empty() {
                        dt { (words.evidence) }
                        dd { @for url in &notice.event.evidence { (outside(url, url)) br; } }
                    }
                    @if !notice.event.silence.is_empty() { dt { (words.silence_how) } dd { (notice.event.silence) } }
                    @for attempt in &notice.deliveries {
                        dt { (words.deliveries) ": " (attempt.hook) }
                        dd { (format!("{:?}", attempt.outcome).to_lowercase()) " · " (attempt.tries)
                             @if let Some(result) = &attempt.result { " · " (result) } }
                    }
                }
            }
        }
    };
    Ok(layout::page(&app, &headers, words.notices, body))
}
