//! `/healthz`, `/readyz` and `/metrics`.

use std::path::Path;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use jiff::Timestamp;

use super::Shared;
use crate::crawl::context::lock;
use crate::daemon::Daemon;

/// How much later than its schedule and jitter a site's run may begin before the program is not ready.
const LATE: Duration = Duration::from_secs(120);

/// How long the program is not ready after somebody else has touched its output.
const TOUCHED: Duration = Duration::from_secs(600);

/// It lives: the leading loop comes round.
pub async fn healthz(State(app): Shared) -> impl IntoResponse {
    match app.daemon.is_alive() {
        true => (StatusCode::OK, "ok\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "the loop that starts runs hangs\n"),
    }
}

/// It does its work; else what does not.
pub async fn readyz(State(app): Shared) -> impl IntoResponse {
    match app.daemon.failing().await {
        parts if parts.is_empty() => (StatusCode::OK, "ready\n".to_owned()),
        parts => (StatusCode::SERVICE_UNAVAILABLE, parts.join("\n") + "\n"),
    }
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
        let touched = {
            let outputs = self.store.outputs.lock().await;
            // For as long as nothing can be written, and afterwards long enough to be seen.
            let is_news =
                |at: &Timestamp| outputs.doubtful || at.duration_until(Timestamp::now()).unsigned_abs() < TOUCHED;
            outputs.touched.as_ref().filter(|(at, _)| is_news(at)).map(|(at, what)| format!("output: {what} ({at:.0})"))
        };
        parts.extend(touched);
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
}

/// Tries it: rights and mount options say less than a file that was written.
fn is_writable(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(".ready");
    std::fs::write(&path, b"ready")?;
    std::fs::remove_file(&path)
}
