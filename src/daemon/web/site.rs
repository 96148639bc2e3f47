//! `/sites/ID`: one site, its last page, its buttons.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, LOCATION};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::{Markup, html};
use url::Url;

use super::auth::{self, Pressed};
use super::overview::{Health, today};
use super::search::{articles, outside};
use super::words::{Words, clock};
use super::{App, Shared, Trouble, layout, lists};
use crate::clean::{Body, Options, Page, clean};
use crate::crawl::confidence::ConfidenceReport;
use crate::daemon::history::{PastReject, PastRun};
use crate::daemon::live::Live;
use crate::daemon::model::SiteStat;
use crate::frontier::HeldBack;
use crate::inspect;
use crate::lock::lock;

/// Rows of each table.
const ROWS: u32 = 25;

/// What the report may do: show its own style, and nothing else, not even where it is looked at by itself.
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                             frame-ancestors 'self'; sandbox";

fn unknown(app: &App, headers: &HeaderMap) -> Response {
    let words = Words::of(headers);
    let body = html! { p { a href="/" { (words.sites) } } };
    (StatusCode::NOT_FOUND, layout::page(app, headers, words.no_such_site, body)).into_response()
}

/// The page of a site.
pub async fn page(State(app): Shared, headers: HeaderMap, Path(id): Path<String>) -> Result<Response, Trouble> {
    let words = Words::of(&headers);
    let live = app.daemon.live();
    let Some(entry) = lock(&app.daemon.book).sites().get(&id).cloned() else { return Ok(unknown(&app, &headers)) };
    let history = &app.daemon.history;
    let recent = history.articles(Some(&id), None, ROWS).await?;
    let rejects = history.rejects(&id, ROWS).await?;
    let runs = history.runs(&id, ROWS).await?;
    let [reasons, templates] = history.tallies(&id).await?;
    let secret = app.sessions.secret(&headers, live.token.as_deref());
    let now = Timestamp::now();
    let stat = app.daemon.model.with(&id, Clone::clone);
    let (today, usual) = today(&live, &id, &stat, now);
    let site = live.site(&id);
    let name = site.map_or(id.as_str(), |site| site.name.as_str());
    let interval = site.and_then(|site| site.crawl.interval);
    let body = html! {
        p {
            (Health::of(&entry, &stat).badge(words))
            @if let Some(site) = site { " " span.id { (site.file) " · " (site.hash) } }
        }
        @if let Some(secret) = &secret {
            p.buttons {
                (layout::button(secret, &format!("/sites/{id}/run"), words.run_now))
                @if entry.memory.paused {
                    (layout::button(secret, &format!("/sites/{id}/resume"), words.resume))
                } @else {
                    (layout::button(secret, &format!("/sites/{id}/pause"), words.pause))
                }
            }
        }
        dl.facts {
            dt { (words.last_run) }
            dd { @match entry.memory.ended { Some(at) => (words.ago(at, now)), None => "–" } }
            dt { (words.next_run) }
            dd { @match entry.next() { Some(at) => { (words.until(at, now)) " · " (clock(at, &live.zone(&id))) }, None => "–" } }
            dt { (words.missed) " / " (words.overlapped) }
            dd { (entry.memory.missed) " / " (entry.memory.overlapped) }
            dt { (words.today) }
            dd { (today) @if let Some(usual) = usual { " / " (words.usual) " " (format!("{usual:.1}")) } }
            @if let Some(expected) = stat.rhythm.expected(now) {
                dt { (words.expected_since) }
                dd { (format!("{expected:.1}")) }
            }
            dt { (words.queue) }
            dd { (stat.queue) }
            @if stat.retries > 0 { dt { (words.retries) } dd { (stat.retries) " · " code { "jingwen state retries" } } }
            @if let Some(interval) = interval { dt { (words.rate) } dd { "1/" (crate::units::Span(interval)) } }
            @if stat.robots_unavailable > 0 { dt { (words.robots) } dd { (stat.robots_unavailable) } }
        }
        p { (layout::sparkline(&stat.rhythm, now, words.two_days)) }
        @if let Some(site) = site && site.crawl.requests.accept_invalid_certs {
            section.warn { p { (words.unchecked_certs) " " code { (site.file) } } }
        }
        (drift(words, &stat))
        (lists::table(words, &live, &id, &stat.lists))
        (hosts(words, &live, &id, &stat.held_back, now))
        @if let Some(counts) = &stat.last_run { (lists::last_run(words, counts)) }
        section { h2 { (words.last_page) } p { a href=(format!("/sites/{id}/last")) { (words.last_page) } } }
        section {
            h2 { (words.recent_articles) }
            @if recent.is_empty() { p { (words.nothing_yet) } } @else { (articles(words, &live, &recent, false)) }
        }
        (confidence(words, &stat.totals.confidence))
        section { h2 { (words.templates) } (tally(words, words.template, &templates)) }
        section { h2 { (words.reasons) } (tally(words, words.reason, &reasons)) }
        section { h2 { (words.recent_rejects) } (rejected(words, &live, &id, &rejects)) }
        section { h2 { (words.runs) } (past(words, &live, &id, &runs)) }
    };
    Ok(layout::page(&app, &headers, name, body).into_response())
}

/// How sure the extractor was of the articles written since the process began.
fn confidence(words: &Words, report: &ConfidenceReport) -> Markup {
    html! {
        @if !report.is_empty() {
            section {
                h2 { (words.confidence) }
                p { (report) }
                @for (url, confidence) in &report.least_sure { p { (confidence) " " (outside(url, url)) } }
            }
        }
    }
}

fn drift(words: &Words, stat: &SiteStat) -> Markup {
    html! {
        @if !stat.drift.is_empty() {
            section.warn {
                h2 { (words.drift) }
                @for warning in &stat.drift {
                    p { strong { (warning.kind.as_str()) } " " (warning.field) ": " (warning.detail) }
                    dl {
                        dt { (words.looked_for) } dd { code { (warning.looked_for) } }
                        dt { (words.since) } dd { (warning.since) }
                        dt { (words.evidence) }
                        dd { @for url in &warning.evidence { (outside(url, url)) br; } }
                        dt { (words.silence_how) }
                        dd { code { "jingwen drift " (warning.site) " --propose" } " · " code { "jingwen drift --forget " (warning.site) } }
                    }
                }
            }
        }
    }
}

fn hosts(words: &Words, live: &Live, id: &str, held: &[HeldBack], now: Timestamp) -> Markup {
    html! {
        section {
            h2 { (words.hosts) }
            @if held.is_empty() { p { (words.none_held) } } @else {
                div.wide role="region" aria-label=(words.hosts) tabindex="0" {
                    table {
                        thead { tr {
                            th scope="col" { (words.address) }
                            th scope="col" { (words.reason) }
                            th scope="col" { (words.next_try) }
                            th.n scope="col" { (words.queue) }
                        } }
                        tbody {
                            @for host in held {
                                @let at = Timestamp::from_millisecond(host.until).unwrap_or(now);
                                tr {
                                    td { (host.origin) }
                                    td.text { (host.why.as_deref().unwrap_or("Retry-After")) }
                                    td { (words.until(at, now)) " · " (clock(at, &live.zone(id))) }
                                    td.n { (host.waiting) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn tally(words: &Words, what: &str, counts: &[(String, i64)]) -> Markup {
    let sum: i64 = counts.iter().map(|(_, n)| n).sum();
    html! {
        @if counts.is_empty() { p { (words.nothing_yet) } } @else {
            table {
                thead { tr {
                    th scope="col" { (what) }
                    th.n scope="col" { (words.count) }
                    th.n scope="col" { (words.share) }
                } }
                tbody {
                    @for (name, n) in counts {
                        tr { td { (name) } td.n { (n) } td.n { (format!("{:.1} %", *n as f64 * 100.0 / sum.max(1) as f64)) } }
                    }
                }
            }
        }
    }
}

fn rejected(words: &Words, live: &Live, id: &str, rejects: &[PastReject]) -> Markup {
    html! {
        @if rejects.is_empty() { p { (words.nothing_yet) } } @else {
            div.wide role="region" aria-label=(words.recent_rejects) tabindex="0" {
                table {
                    thead { tr {
                        th scope="col" { (words.when) }
                        th scope="col" { (words.reason) }
                        th scope="col" { (words.detail) }
                        th scope="col" { (words.address) }
                    } }
                    tbody {
                        @for reject in rejects {
                            tr {
                                td { (clock(reject.at, &live.zone(id))) }
                                td { (reject.reason) }
                                td.text { (reject.detail) }
                                td.text { (outside(&reject.url, &reject.url)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn past(words: &Words, live: &Live, id: &str, runs: &[PastRun]) -> Markup {
    html! {
        @if runs.is_empty() { p { (words.nothing_yet) } } @else {
            div.wide role="region" aria-label=(words.runs) tabindex="0" {
                table {
                    thead { tr {
                        th scope="col" { (words.began) }
                        th scope="col" { (words.took) }
                        th scope="col" { (words.outcome) }
                        th.n scope="col" { (words.articles) }
                        th.n scope="col" { (words.fetched) }
                        th.n scope="col" { (words.rejected) }
                        th scope="col" { (words.detail) }
                    } }
                    tbody {
                        @for run in runs {
                            tr {
                                td { (clock(run.begun, &live.zone(id))) }
                                td { (words.span(run.begun, run.ended)) }
                                td { (run.outcome) }
                                td.n { (run.articles) }
                                td.n { (run.fetched) }
                                td.n { (run.rejected) }
                                td.text { (run.detail) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The last page: its record beside its source.
pub async fn last(State(app): Shared, headers: HeaderMap, Path(id): Path<String>) -> Result<Response, Trouble> {
    let words = Words::of(&headers);
    if !lock(&app.daemon.book).sites().contains_key(&id) {
        return Ok(unknown(&app, &headers));
    }
    let record = looked_at(&app, &id, |page, live| {
        clean(page, live.setup.sites(), &Options::default())
            .article
            .ok()
            .and_then(|r| serde_json::to_string_pretty(&r).ok())
    });
    let record = record.await?;
    let body = html! {
        @match record {
            None => p { (words.nothing_yet) },
            Some(record) => {
                div.beside {
                    section {
                        h2 { (words.record) }
                        pre tabindex="0" { (record.unwrap_or_default()) }
                    }
                    section {
                        h2 { (words.source) }
                        iframe src=(format!("/sites/{id}/last/report")) title=(words.source) sandbox="" {}
                    }
                }
            }
        }
    };
    Ok(layout::page(&app, &headers, words.last_page, body).into_response())
}

/// The report of the last page, for the frame.
pub async fn report(State(app): Shared, headers: HeaderMap, Path(id): Path<String>) -> Result<Response, Trouble> {
    let html = looked_at(&app, &id, |page, live| {
        let name = page.url.map(Url::to_string).unwrap_or_default();
        inspect::report(&inspect::inspect(&name, page, live.setup.sites(), live.written(), false))
    });
    Ok(match html.await? {
        None => unknown(&app, &headers),
        Some(html) => {
            let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, REPORT_POLICY)];
            (headers, html).into_response()
        }
    })
}

/// Looks at the last page of a site, on a thread that may take its time; none if there is no such page.
async fn looked_at<T: Send + 'static>(
    app: &Arc<App>,
    id: &str,
    look: impl FnOnce(&Page<'_>, &Live) -> T + Send + 'static,
) -> Result<Option<T>, Trouble> {
    let Some(kept) = app.daemon.history.page(id).await? else { return Ok(None) };
    let live = app.daemon.live();
    let work = move || {
        let body = kept.raw.unpack()?;
        let url = Url::parse(&kept.url).ok();
        let content_type = kept.raw.content_type.as_deref();
        let page = Page { url: url.as_ref(), body: Body::Html(&body), content_type, fetched_at: Some(kept.at) };
        Some(look(&page, &live))
    };
    Ok(tokio::task::spawn_blocking(work).await?)
}

/// `POST /sites/ID/run`, `pause` and `resume`.
pub async fn act(
    State(app): Shared,
    headers: HeaderMap,
    Path((id, action)): Path<(String, String)>,
    Form(pressed): Form<Pressed>,
) -> Response {
    if let Err(why) = auth::may(&app, &headers, &pressed).await {
        return auth::refused(&app, &headers, &why);
    }
    let now = Timestamp::now();
    let done = {
        let mut book = lock(&app.daemon.book);
        match action.as_str() {
            "run" => book.ask(&id),
            "pause" => book.pause(&id, true, now),
            "resume" => book.pause(&id, false, now),
            _ => false,
        }
    };
    if !done {
        return unknown(&app, &headers);
    }
    tracing::info!(site = id, action, "a button of the status page was pressed");
    app.daemon.remember();
    app.daemon.wake.notify_one();
    (StatusCode::SEE_OTHER, [(LOCATION, format!("/sites/{id}"))]).into_response()
}

/// `POST /reload`.
pub async fn reload(State(app): Shared, headers: HeaderMap, Form(pressed): Form<Pressed>) -> Response {
    if let Err(why) = auth::may(&app, &headers, &pressed).await {
        return auth::refused(&app, &headers, &why);
    }
    app.daemon.reload();
    (StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response()
}
