//! `/healthz`, `/readyz` and `/metrics`.

use std::path::Path;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use jiff::Timestamp;

use super::Shared;
use crate::daemon::Daemon;
use crate::lock::lock;

/// How much later than its schedule and jitter a site's run may begin before the program is not ready.
const LATE: Duration = Duration::from_secs(120);

/// How long the program is not ready after somebody else has touched its output.
const TOUCHED: Duration = Duration::from_secs(600);

/// Lists and hosts that `/readyz` names: enough to see what is wrong, and not a page for each probe.
const MOST_LINES: usize = 50;

/// It lives: the leading loop comes round.
pub async fn healthz(State(app): Shared) -> impl IntoResponse {
    match app.daemon.is_alive() {
        true => (StatusCode::OK, "ok\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "the loop that starts runs hangs\n"),
    }
}

/// It does its work; else what does not. Either way what is wrong with single sites.
pub async fn readyz(State(app): Shared) -> impl IntoResponse {
    let mut lines = app.daemon.failing().await;
    let status = if lines.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if lines.is_empty() {
        lines.push("ready".to_owned());
    }
    lines.extend(app.daemon.degraded());
    (status, lines.join("\n") + "\n")
}

/// For Prometheus.
pub async fn metrics(State(app): Shared) -> impl IntoResponse {
    let ready = app.daemon.failing().await.is_empty();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.daemon.metrics(ready).await)
}

impl Daemon {
    /// What keeps it from its work, each with the reason.
    pub(in crate::daemon) async fn failing(&self) -> Vec<String> {
        let mut parts = Vec::new();
        if !self.is_alive() {
            parts.push("schedule: the loop that starts runs hangs".to_owned());
        }
        let (state, out) = (self.store.state.clone(), self.store.out.clone());
        let written = tokio::task::spawn_blocking(move || {
            [("state", state), ("output", out)].map(|(name, path)| {
                is_writable(&path).err().map(|error| format!("{name}: {} cannot be written: {error}", path.display()))
            })
        });
        match written.await {
            Ok(found) => parts.extend(found.into_iter().flatten()),
            Err(error) => parts.push(format!("state: {error}")),
        }
        parts.extend(lock(&self.unwritten).clone().map(|error| format!("state: {error}")));
        parts.extend(self.touched_output().await.into_iter().map(|what| format!("output: {what}")));
        if let Err(error) = self.history.is_writable().await {
            parts.push(format!("state: {error}"));
        }
        let now = Timestamp::now();
        let tolerance = self.live().config.daemon.jitter.0 + LATE;
        let late: Vec<String> = {
            let book = lock(&self.book);
            let late = book.sites().iter().filter(|(_, entry)| entry.is_overdue(now, tolerance));
            late.map(|(id, _)| id.clone()).collect()
        };
        if !late.is_empty() {
            parts.push(format!("schedule: no run within its schedule: {}", late.join(", ")));
        }
        parts
    }

    /// What other programs did to the output files, with the time: for as long as nothing can be written, and afterwards
    /// long enough to be seen.
    pub(in crate::daemon) async fn touched_output(&self) -> Vec<String> {
        let outputs = self.store.outputs.lock().await;
        let now = Timestamp::now();
        let is_news = |at: Timestamp| outputs.doubtful || at.duration_until(now).unsigned_abs() < TOUCHED;
        let recent = outputs.touched.values().filter(|touched| is_news(touched.at));
        recent.map(|touched| format!("{} ({:.0})", touched.what, touched.at)).collect()
    }

    /// What is wrong with sites, a line each. None of it is cured by a restart or by sending nobody here, so the program is
    /// ready all the same.
    pub(in crate::daemon) fn degraded(&self) -> Vec<String> {
        let book: Vec<String> = {
            let book = lock(&self.book);
            book.sites().iter().filter(|(_, entry)| !entry.memory.paused).map(|(id, _)| id.clone()).collect()
        };
        let mut lines = Vec::new();
        for id in &book {
            self.model.with(id, |stat| {
                for (url, list) in stat.lists.starting_points() {
                    let (verb, since, why) = (list.fault.verb(), list.since, &list.why);
                    lines.push(format!("degraded: {id}: list {url} {verb} since {since:.0}: {why}"));
                }
                for (host, why) in stat.blocked() {
                    let until = Timestamp::from_millisecond(host.until).unwrap_or_default();
                    let (origin, waiting) = (&host.origin, host.waiting);
                    lines.push(format!(
                        "degraded: {id}: {origin} is left alone: {why}; {waiting} pages wait until {until:.0}"
                    ));
                }
            });
        }
        let more = lines.len().saturating_sub(MOST_LINES);
        lines.truncate(MOST_LINES);
        if more > 0 {
            lines.push(format!("degraded: {more} more lists and hosts; the status page names them"));
        }
        lines
    }
}

/// Tries it: rights and mount options say less than a file that was written.
fn is_writable(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(".ready");
    std::fs::write(&path, b"ready")?;
    std::fs::remove_file(&path)
}
