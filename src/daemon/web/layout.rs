//! What all pages have.

use axum::http::header::HeaderMap;
use maud::{DOCTYPE, Markup, html};

use super::App;
use super::words::{Words, clock};
use crate::daemon::rhythm::{Rhythm, hour_of};
use crate::lock::lock;

/// A whole page.
pub fn page(app: &App, headers: &HeaderMap, title: &str, body: Markup) -> Markup {
    let words = Words::of(headers);
    let live = app.daemon.live();
    let secret = app.sessions.secret(headers, live.token.as_deref());
    let reload = lock(&app.daemon.reload).clone();
    html! {
        (DOCTYPE)
        html lang=(words.lang) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · jingwen" }
                link rel="stylesheet" href="/style.css";
                link rel="icon" href="data:,";
            }
            body {
                a.skip href="#main" { (words.skip) }
                header {
                    nav aria-label="jingwen" {
                        a.name href="/" { "净文 jingwen" }
                        a href="/search" { (words.search) }
                        a href="/notices" { (words.notices) }
                        @match &secret {
                            Some(secret) => {
                                (button(secret, "/reload", words.reload))
                                (button(secret, "/logout", words.log_out))
                            }
                            None => a href="/login" { (words.log_in) }
                        }
                    }
                }
                @if let Some(error) = &reload.error {
                    section.bad role="alert" {
                        p {
                            strong { (words.bad_files) }
                            @if let Some(at) = reload.failed_at { " " (words.since) " " (clock(at, &live.zone(""))) }
                        }
                        pre tabindex="0" { (error) }
                    }
                }
                main id="main" {
                    h1 { (title) }
                    (body)
                }
            }
        }
    }
}

/// A button that changes something.
pub fn button(secret: &str, action: &str, text: &str) -> Markup {
    html! {
        form.button method="post" action=(action) {
            input type="hidden" name="csrf" value=(secret);
            button { (text) }
        }
    }
}

/// The articles of the last 48 hours as a row of bars.
pub fn sparkline(rhythm: &Rhythm, now: jiff::Timestamp, label: &str) -> Markup {
    let last = hour_of(now);
    let counts: Vec<u64> = (last - 47..=last).map(|hour| rhythm.hour(hour).articles).collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let sum: u64 = counts.iter().sum();
    html! {
        svg.spark viewBox="0 0 96 20" role="img" aria-label=(format!("{label}: {sum}")) {
            @for (n, count) in counts.iter().enumerate() {
                @if *count > 0 {
                    @let height = (count * 20).div_ceil(most);
                    rect x=(n * 2) y=(20 - height) width="1.5" height=(height) {}
                }
            }
        }
    }
}
