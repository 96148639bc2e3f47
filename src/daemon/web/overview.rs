//! `/`: all sites at a glance.

use axum::extract::State;
use axum::http::header::HeaderMap;
use jiff::Timestamp;
use maud::{Markup, html};

use super::words::{Words, clock};
use super::{Shared, layout};
use crate::daemon::book::{Entry, Outcome};
use crate::daemon::live::Live;
use crate::daemon::model::SiteStat;
use crate::daemon::rhythm::hour_of;
use crate::lock::lock;

/// How a site does, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Failed,
    Silent,
    Drifted,
    ListsFail,
    HeldBack,
    Running,
    Waiting,
    Ok,
    Paused,
}

impl Health {
    /// Of a site.
    pub fn of(entry: &Entry, stat: &SiteStat) -> Self {
        if entry.memory.paused {
            Self::Paused
        } else if entry.memory.outcome == Some(Outcome::Failed) {
            Self::Failed
        } else if stat.silent {
            Self::Silent
        } else if !stat.drift.is_empty() {
            Self::Drifted
        } else if stat.lists.starting_points().next().is_some() {
            Self::ListsFail
        } else if !stat.held_back.is_empty() {
            Self::HeldBack
        } else if entry.runs() {
            Self::Running
        } else if entry.memory.ended.is_none() {
            Self::Waiting
        } else {
            Self::Ok
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Failed | Self::Silent => "bad",
            Self::Drifted | Self::ListsFail | Self::HeldBack => "warn",
            Self::Running | Self::Ok => "good",
            Self::Waiting | Self::Paused => "idle",
        }
    }

    fn word(self, words: &Words) -> &'static str {
        match self {
            Self::Failed => words.failed,
            Self::Silent => words.silent,
            Self::Drifted => words.drifted,
            Self::ListsFail => words.lists_fail,
            Self::HeldBack => words.held_back,
            Self::Running => words.running,
            Self::Waiting => words.waiting,
            Self::Ok => words.ok,
            Self::Paused => words.paused,
        }
    }

    /// A word with a colour.
    pub fn badge(self, words: &Words) -> Markup {
        html! { span class=(format!("badge {}", self.class())) { (self.word(words)) } }
    }
}

/// The page.
pub async fn page(State(app): Shared, headers: HeaderMap) -> Markup {
    let words = Words::of(&headers);
    let now = Timestamp::now();
    let live = app.daemon.live();
    let book: Vec<(String, Entry)> =
        lock(&app.daemon.book).sites().iter().map(|(id, entry)| (id.clone(), entry.clone())).collect();
    let body = html! {
        div.wide role="region" aria-label=(words.sites) tabindex="0" {
            table {
                thead {
                    tr {
                        th scope="col" { (words.site) }
                        th scope="col" { (words.health) }
                        th scope="col" { (words.last_run) }
                        th scope="col" { (words.next_run) }
                        th.n scope="col" { (words.today) }
                        th scope="col" { (words.two_days) }
                        th.n scope="col" { (words.warnings) }
                    }
                }
                tbody {
                    @for (id, entry) in &book {
                        (app.daemon.model.with(id, |stat| row(&live, words, id, entry, stat, now)))
                    }
                }
            }
        }
    };
    let touched = app.daemon.touched_output().await;
    let body = html! {
        @if !touched.is_empty() {
            section.bad role="alert" {
                p { strong { (words.output_touched) } }
                ul { @for what in &touched { li { (what) } } }
            }
        }
        (body)
    };
    layout::page(&app, &headers, words.sites, body)
}

fn row(live: &Live, words: &Words, id: &str, entry: &Entry, stat: &SiteStat, now: Timestamp) -> Markup {
    let zone = live.zone(id);
    let name = live.site(id).map_or(id, |site| site.name.as_str());
    let (today, usual) = today(live, id, stat, now);
    html! {
        tr {
            th scope="row" { a href=(format!("/sites/{id}")) { (name) } " " span.id { (id) } }
            td { (Health::of(entry, stat).badge(words)) }
            td {
                @match entry.memory.ended {
                    Some(at) => time datetime=(at) title=(clock(at, &zone)) { (words.ago(at, now)) },
                    None => "–",
                }
            }
            td {
                @match entry.next() {
                    Some(at) => time datetime=(at) title=(clock(at, &zone)) { (words.until(at, now)) },
                    None => "–",
                }
            }
            td.n {
                (today)
                @if let Some(usual) = usual { span.usual { " / " (words.usual) " " (format!("{usual:.0}")) } }
            }
            td { (layout::sparkline(&stat.rhythm, now, words.two_days)) }
            td.n { (warnings(live, id, stat)) }
        }
    }
}

/// How much of a site wants to be looked at.
fn warnings(live: &Live, id: &str, stat: &SiteStat) -> usize {
    let unchecked = live.site(id).is_some_and(|site| site.crawl.requests.accept_invalid_certs);
    stat.drift.len() + stat.held_back.len() + stat.lists.starting_points().count() + usize::from(unchecked)
}

/// Articles since midnight at the site, and how many are usual by now.
pub fn today(live: &Live, id: &str, stat: &SiteStat, now: Timestamp) -> (u64, Option<f64>) {
    let here = now.to_zoned_datetime(live.zone(id));
    let midnight = here.start_of_day().map_or(now, |at| at.timestamp());
    stat.rhythm.today(hour_of(midnight), hour_of(now))
}
