//! What people are told, each time with what was looked for, where, since when, and how to silence it rightly.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::mpsc;

use super::Daemon;
use super::history::PastRun;
use super::runs::refused;
use crate::crawl::report::SiteReport;
use crate::drift::Warning;
use crate::notify::{Event, EventKind};
use crate::output::parts::Closed;
use crate::sites::Site;

impl Daemon {
    pub(super) async fn tell(&self, event: Event) {
        if let Err(error) = self.notifier.send(event).await {
            tracing::error!("{error}");
        }
    }

    /// Tells what the watch on changes notices, for as long as somebody may notice anything.
    pub(super) async fn tell_of_drift(self: Arc<Self>, mut warnings: mpsc::UnboundedReceiver<Warning>) {
        loop {
            let warning = tokio::select! {
                warning = warnings.recv() => warning,
                // Runs may still be committing; what they notice is in the state and is told of by `jingwen drift`.
                () = self.closing.cancelled() => None,
            };
            let Some(warning) = warning else { return };
            let site = warning.site.clone();
            self.model.change(&site, |stat| {
                let same =
                    |w: &Warning| (w.kind, &w.field, &w.template) == (warning.kind, &warning.field, &warning.template);
                stat.drift.retain(|w| !same(w));
                stat.drift.push(warning.clone());
            });
            let template = warning.template.as_deref().unwrap_or("-");
            self.tell(Event {
                site: Some(site.clone()),
                detail: warning.to_string(),
                looked_for: Some(warning.looked_for.clone()),
                since: Some(warning.since.clone()),
                evidence: warning.evidence.clone(),
                silence: format!(
                    "mend the selector file (`jingwen drift {site} --propose`), or take the pages as they are now for \
                     normal: `jingwen drift --forget {site}`"
                ),
                data: serde_json::to_value(&warning).unwrap_or_default(),
                ..Event::new(
                    EventKind::Drift,
                    format!("{site}: {} ({} of {template})", warning.kind.as_str(), warning.field),
                )
            })
            .await;
        }
    }

    pub(super) async fn tell_missed(&self, site: &str, times: u64, overlapped: bool) {
        let (title, detail, silence) = match overlapped {
            true => (
                format!("{site}: a run was left out"),
                "the run before it still went on; it goes on to its end".to_owned(),
                "give the site a schedule that leaves it time, or a higher `rate` if the site bears it",
            ),
            false => (
                format!("{site}: runs were missed"),
                format!("{times} scheduled times passed while the program did not run; one run makes up for them"),
                "nothing is to be done; leave `missed` out of the hook's `kinds` not to hear of it",
            ),
        };
        tracing::warn!(site, times, overlapped, "{detail}");
        self.tell(Event {
            site: Some(site.to_owned()),
            detail,
            silence: silence.to_owned(),
            data: json!({ "times": times, "overlapped": overlapped }),
            ..Event::new(EventKind::Missed, title)
        })
        .await;
    }

    /// Tells of a run's end; of hosts that are newly blocked, and of a failure.
    pub(super) async fn tell_run(&self, run: &PastRun, counts: &SiteReport) {
        let site = run.site.as_str();
        let data = json!({
            "begun": run.begun, "ended": run.ended, "outcome": run.outcome, "counts": counts,
        });
        self.tell(Event {
            site: Some(site.to_owned()),
            detail: format!("{} articles of {} pages fetched, {} rejected", run.articles, run.fetched, run.rejected),
            data: data.clone(),
            silence: "leave `run` out of the hook's `kinds`".to_owned(),
            ..Event::new(EventKind::Run, format!("{site}: a run ended at {}", run.ended.strftime("%Y-%m-%d %H:%M:%SZ")))
        })
        .await;
        for (host, why) in refused(counts) {
            self.tell(Event {
                site: Some(site.to_owned()),
                detail: format!("{host} is left alone: {why}; it is asked again then, by itself"),
                looked_for: Some(format!("pages of {host}")),
                since: Some(run.ended.to_string()),
                silence: format!("ask more slowly (`rate` in the site's file), or pause {site} on the status page"),
                ..Event::new(EventKind::Blocked, format!("{site}: {host} is left alone"))
            })
            .await;
        }
        if run.outcome == "failed" {
            self.tell(Event {
                site: Some(site.to_owned()),
                detail: run.detail.clone(),
                since: Some(run.begun.to_string()),
                silence: format!("pause {site} on the status page, or take it out of `sites`"),
                data,
                ..Event::new(EventKind::Failed, format!("{site}: a run failed"))
            })
            .await;
        }
    }

    pub(super) async fn tell_silence(&self, site: &Site, silent: bool, expected: Option<f64>, last: Option<Timestamp>) {
        let id = &site.id;
        let since = last.map(|at| at.to_string());
        let event = match silent {
            true => Event {
                detail: format!(
                    "no new article since {}; in such a time the site usually has {:.0}",
                    since.as_deref().unwrap_or("ever"),
                    expected.unwrap_or(0.0)
                ),
                looked_for: Some(format!("articles linked from {}", starting_points(site))),
                evidence: site.crawl.seeds.iter().take(3).map(ToString::to_string).collect(),
                silence: format!(
                    "look whether its lists still give links (`jingwen crawl {id}`), or pause {id} if it is rightly silent"
                ),
                data: json!({ "expected": expected, "last_article": last }),
                ..Event::new(EventKind::Silent, format!("{id} is silent against its own rhythm"))
            },
            false => Event {
                detail: "articles come again, or the site was paused".to_owned(),
                silence: "leave `recovered` out of the hook's `kinds`".to_owned(),
                ..Event::new(EventKind::Recovered, format!("{id} is silent no more"))
            },
        };
        tracing::warn!(site = id, silent, "{}", event.detail);
        self.tell(Event { site: Some(id.clone()), since, ..event }).await;
    }

    pub(super) async fn tell_bad_reload(&self, error: &str) {
        self.tell(Event {
            detail: error.to_owned(),
            since: Some(Timestamp::now().to_string()),
            silence: "mend the file, or put the old one back: it is read anew by itself".to_owned(),
            // It names the place, so that another mistake is told at once.
            ..Event::new(EventKind::BadReload, format!("files cannot be used: {}", place(error)))
        })
        .await;
    }

    pub(super) async fn tell_reloaded(&self, restart: &[&str]) {
        let detail = match restart.is_empty() {
            true => "all of it is in force".to_owned(),
            false => format!("{} is taken over at the next start only", restart.join(", ")),
        };
        self.tell(Event {
            detail,
            silence: "leave `reloaded` out of the hook's `kinds`".to_owned(),
            ..Event::new(EventKind::Reloaded, format!("files were read anew at {}", Timestamp::now()))
        })
        .await;
    }

    /// Tells of a finished part of the output.
    pub(super) async fn tell_part(&self, part: &Closed) {
        let Closed { name, records, stored, sha256, .. } = part;
        self.tell(Event {
            detail: format!("{records} records, {stored} bytes, SHA-256 {sha256}"),
            evidence: vec![name.clone()],
            silence: "leave `part` out of the hook's `kinds`".to_owned(),
            data: serde_json::to_value(part).unwrap_or_default(),
            ..Event::new(EventKind::Part, format!("{name} is finished"))
        })
        .await;
    }
}

/// `selectors/sznews.toml:12:3` of a rendered error, or its first line.
fn place(error: &str) -> &str {
    let framed = error.lines().find_map(|line| line.split_once("─[")?.1.strip_suffix(']'));
    framed.or_else(|| error.lines().next()).unwrap_or_default()
}

fn starting_points(site: &Site) -> String {
    let crawl = &site.crawl;
    let all = crawl.seeds.iter().chain(&crawl.feeds).chain(&crawl.sitemaps);
    all.take(3).map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
