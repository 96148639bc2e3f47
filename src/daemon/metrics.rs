//! `/metrics`: what is known at this moment, in the text format of Prometheus (exposition format 0.0.4). Names and
//! meanings are in `docs/metrics.md`.
//!
//! Everything is in the model already, so this only writes it down. Labels are bounded: two hundred sites by name, the
//! others as `other`; of a site thirty templates.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::Daemon;
use super::book::{Entry, Outcome};
use super::lists::ListFault;
use super::model::SiteStat;
use crate::crawl::report::{LATENCY_MS, Latency};
use crate::lock::lock;

/// Most sites that have a label of their own.
const SITES: usize = 200;
/// Most templates of a site that have a label of their own.
const TEMPLATES: usize = 30;

/// Families of metrics, in the order in which they were first written to.
#[derive(Default)]
struct Page {
    families: Vec<(&'static str, &'static str, &'static str, String)>,
}

impl Page {
    fn family(&mut self, name: &'static str, kind: &'static str, help: &'static str) -> &mut String {
        let at = self.families.iter().position(|family| family.0 == name).unwrap_or_else(|| {
            self.families.push((name, kind, help, String::new()));
            self.families.len() - 1
        });
        &mut self.families[at].3
    }

    fn write(
        &mut self,
        name: &'static str,
        kind: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        value: f64,
    ) {
        sample(self.family(name, kind, help), name, labels, value);
    }

    fn counter(&mut self, name: &'static str, help: &'static str, labels: &[(&str, &str)], value: u64) {
        self.write(name, "counter", help, labels, value as f64);
    }

    fn gauge(&mut self, name: &'static str, help: &'static str, labels: &[(&str, &str)], value: f64) {
        self.write(name, "gauge", help, labels, value);
    }

    fn text(self) -> String {
        let mut out = String::new();
        for (name, kind, help, samples) in self.families {
            // Writing to a String cannot fail, so results are dropped here and below.
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
            out.push_str(&samples);
        }
        out
    }
}

fn sample(out: &mut String, name: &str, labels: &[(&str, &str)], value: f64) {
    out.push_str(name);
    for (n, (key, value)) in labels.iter().enumerate() {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(out, "{}{key}=\"{value}\"", if n == 0 { '{' } else { ',' });
    }
    let _ = writeln!(out, "{} {value}", if labels.is_empty() { "" } else { "}" });
}

fn seconds(at: Option<Timestamp>) -> Option<f64> {
    at.map(|at| at.as_millisecond() as f64 / 1000.0)
}

impl Daemon {
    /// Everything, as Prometheus reads it.
    pub(super) async fn metrics(&self, ready: bool) -> String {
        let now = Timestamp::now();
        let mut page = Page::default();
        page.gauge(
            "jingwen_build_info",
            "The program's version; always 1.",
            &[("version", env!("CARGO_PKG_VERSION"))],
            1.0,
        );
        let started = seconds(Some(self.started)).unwrap_or(0.0);
        page.gauge("process_start_time_seconds", "When the program began, Unix time.", &[], started);
        page.gauge("jingwen_ready", "1 if /readyz says so.", &[], f64::from(u8::from(ready)));
        self.of_files(&mut page).await;
        self.of_configuration(&mut page);
        self.of_notifications(&mut page).await;

        let book: BTreeMap<String, Entry> = lock(&self.book).sites().clone();
        let live = self.live();
        let mut other = SiteStat::default();
        for (n, (id, entry)) in book.iter().enumerate() {
            if n < SITES {
                self.model.with(id, |stat| of_counts(&mut page, id, stat));
                let unchecked = live.site(id).is_some_and(|site| site.crawl.requests.accept_invalid_certs);
                let site = Named { id, entry, accepts_invalid_certs: unchecked };
                self.model.with(id, |stat| of_moment(&mut page, &site, stat, now));
            } else {
                self.model.with(id, |stat| {
                    other.totals.add(&stat.totals);
                    stat.runs.iter().for_each(|(outcome, n)| *other.runs.entry(*outcome).or_default() += n);
                });
            }
        }
        if book.len() > SITES {
            of_counts(&mut page, "other", &other);
        }
        page.text()
    }

    async fn of_files(&self, page: &mut Page) {
        let (articles, rejected) = {
            let outputs = self.store.outputs.lock().await;
            (outputs.articles.lines.state().1, outputs.rejected.lines.state().1)
        };
        for (file, bytes) in [("articles.jsonl", articles), ("rejected.jsonl", rejected)] {
            let help = "Committed length of an output file; falls to 0 when a part is cut off.";
            page.gauge("jingwen_output_bytes", help, &[("file", file)], bytes as f64);
        }
        let state = &self.store.state;
        let sizes = std::fs::read_dir(state).into_iter().flatten().flatten().filter_map(|entry| entry.metadata().ok());
        let bytes: u64 = sizes.filter(|meta| meta.is_file()).map(|meta| meta.len()).sum();
        page.gauge("jingwen_state_bytes", "Bytes of the files in the state folder.", &[], bytes as f64);
        let touched = self.store.outputs.lock().await.touched.clone();
        for file in ["articles.jsonl", "rejected.jsonl"] {
            let help = "How often another program was found to have changed an output file.";
            let times = touched.get(file).map_or(0, |touched| touched.times);
            page.counter("jingwen_output_touched_total", help, &[("file", file)], times);
        }
        for (dir, path) in [("out", &self.store.out), ("state", state)] {
            if let Some(free) = free(path) {
                let help = "Bytes free on the file system of a folder.";
                page.gauge("jingwen_disk_free_bytes", help, &[("dir", dir)], free as f64);
            }
        }
    }

    fn of_configuration(&self, page: &mut Page) {
        let reload = lock(&self.reload).clone();
        let good = f64::from(u8::from(reload.error.is_none()));
        let help = "1 if the files as they are now are in force, 0 if they cannot be used.";
        page.gauge("jingwen_config_last_reload_successful", help, &[], good);
        let help = "When the files in force were read, Unix time.";
        let since = seconds(Some(reload.since)).unwrap_or(0.0);
        page.gauge("jingwen_config_last_reload_success_timestamp_seconds", help, &[], since);
    }

    async fn of_notifications(&self, page: &mut Page) {
        for (hook, counts) in self.notifier.counts() {
            let all = [("sent", counts.sent), ("failed", counts.failed), ("given-up", counts.given_up)];
            for (result, n) in all {
                let labels = [("hook", hook.as_str()), ("result", result)];
                page.counter("jingwen_notifications_total", "Tries to deliver a notification.", &labels, n);
            }
        }
        if let Ok(pending) = self.notifier.pending().await {
            let help = "Notifications that wait to be delivered.";
            page.gauge("jingwen_notifications_pending", help, &[], pending as f64);
        }
    }
}

/// What only grows, and can be summed over sites.
fn of_counts(page: &mut Page, site: &str, stat: &SiteStat) {
    let totals = &stat.totals;
    let of = [("site", site)];
    page.counter("jingwen_fetches_total", "Requests answered, robots.txt included.", &of, totals.fetched);
    page.counter("jingwen_articles_total", "Articles written.", &of, totals.articles);
    page.counter("jingwen_duplicates_total", "Articles with the text of an earlier one.", &of, totals.duplicates);
    page.counter("jingwen_retries_total", "Tries that failed and are made again.", &of, totals.retried);
    page.counter("jingwen_bytes_total", "Bytes of answers, decoded.", &of, totals.bytes);
    page.counter(
        "jingwen_postponed_total",
        "Pages asked for in vain because their host refuses us or nothing can be reached.",
        &of,
        totals.postponed,
    );
    page.counter("jingwen_revisited_total", "Rejected pages that were looked at again.", &of, totals.revisited);
    for (reason, n) in &totals.left {
        let labels = [("site", site), ("reason", *reason)];
        page.counter("jingwen_links_left_total", "Links that were not followed.", &labels, *n);
    }
    for (reason, n) in &totals.rejected {
        let labels = [("site", site), ("reason", reason.as_str())];
        page.counter("jingwen_rejected_total", "Pages that gave no article.", &labels, *n);
    }
    let lists = [("read", totals.lists), ("unchanged", totals.unchanged), ("failed", totals.list_errors)];
    for (result, n) in lists {
        let labels = [("site", site), ("result", result)];
        page.counter("jingwen_lists_total", "Lists, feeds and sitemaps asked for.", &labels, n);
    }
    histogram(page, site, &totals.took);
    let mut rest = 0;
    let mut templates: Vec<_> = stat.templates.iter().collect();
    templates.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    for (n, (template, pages)) in templates.into_iter().enumerate() {
        if n < TEMPLATES {
            let labels = [("site", site), ("template", template.as_str())];
            page.counter("jingwen_template_pages_total", "Articles by template.", &labels, *pages);
        } else {
            rest += pages;
        }
    }
    if rest > 0 {
        let labels = [("site", site), ("template", "other")];
        page.counter("jingwen_template_pages_total", "Articles by template.", &labels, rest);
    }
    // Zeros too: a rate cannot see a series' first value.
    for outcome in [Outcome::Done, Outcome::Failed, Outcome::Interrupted] {
        let labels = [("site", site), ("outcome", outcome.as_str())];
        let n = stat.runs.get(&outcome).copied().unwrap_or(0);
        page.counter("jingwen_runs_total", "Runs that ended.", &labels, n);
    }
}

fn histogram(page: &mut Page, site: &str, took: &Latency) {
    let out = page.family("jingwen_fetch_seconds", "histogram", "Time until an answer was there as a whole.");
    let mut sum = 0;
    for (n, count) in took.buckets.iter().enumerate() {
        sum += count;
        let bound = LATENCY_MS.get(n).map_or("+Inf".to_owned(), |ms| (*ms as f64 / 1000.0).to_string());
        sample(out, "jingwen_fetch_seconds_bucket", &[("site", site), ("le", &bound)], sum as f64);
    }
    sample(out, "jingwen_fetch_seconds_sum", &[("site", site)], took.sum_ms as f64 / 1000.0);
    sample(out, "jingwen_fetch_seconds_count", &[("site", site)], sum as f64);
}

/// A site that has a label of its own.
struct Named<'a> {
    id: &'a str,
    entry: &'a Entry,
    accepts_invalid_certs: bool,
}

/// What is so at this moment.
fn of_moment(page: &mut Page, site: &Named<'_>, stat: &SiteStat, now: Timestamp) {
    let Named { id: site, entry, accepts_invalid_certs: unchecked } = *site;
    let of = [("site", site)];
    let memory = &entry.memory;
    page.counter("jingwen_runs_missed_total", "Scheduled times without a run or its making up.", &of, memory.missed);
    page.counter("jingwen_runs_overlapped_total", "Scheduled times that fell into a run.", &of, memory.overlapped);
    let mut gauge = |name, help, value: Option<f64>| {
        if let Some(value) = value {
            page.gauge(name, help, &of, value);
        }
    };
    let flag = |is: bool| Some(f64::from(u8::from(is)));
    gauge("jingwen_running", "1 while a run goes on.", flag(entry.runs()));
    gauge("jingwen_paused", "1 while somebody has paused it.", flag(memory.paused));
    let begun = seconds(memory.running.or(memory.begun));
    gauge("jingwen_run_last_start_timestamp_seconds", "When the last run began, Unix time.", begun);
    gauge("jingwen_run_last_end_timestamp_seconds", "When the last run ended, Unix time.", seconds(memory.ended));
    gauge("jingwen_run_next_timestamp_seconds", "When the next run is due, Unix time.", seconds(entry.next()));
    let last = seconds(stat.rhythm.last_article);
    gauge("jingwen_last_article_timestamp_seconds", "When the last article was written, Unix time.", last);
    gauge("jingwen_article_lag_seconds", "From publication to record, of the last article.", stat.lag);
    let expected = stat.rhythm.expected(now);
    gauge("jingwen_silence_expected_articles", "Articles usual in the time since the last one.", expected);
    gauge("jingwen_silent", "1 while it has had no article for longer than fits its past.", flag(stat.silent));
    gauge("jingwen_drift_open", "Changes noticed that are still open.", Some(stat.drift.len() as f64));
    gauge("jingwen_queue", "Addresses that wait for their first visit.", Some(stat.queue as f64));
    gauge("jingwen_retry_queue", "Addresses that failed and wait for their next try.", Some(stat.retries as f64));
    gauge("jingwen_hosts_held_back", "Hosts that are left alone.", Some(stat.held_back.len() as f64));
    let blocked = Some(stat.blocked().count() as f64);
    gauge("jingwen_hosts_blocked", "Hosts that are left alone because they refuse us or do not answer.", blocked);
    let seeds = Some(stat.lists.starting_points().count() as f64);
    gauge("jingwen_starting_points_without_links", "Starting points that fail or give nothing.", seeds);
    let since = stat.lists.starting_points().map(|(_, list)| list.since).min();
    let help = "Since when the first of them has, Unix time.";
    gauge("jingwen_starting_points_without_links_since_timestamp_seconds", help, seconds(since));
    gauge("jingwen_certificates_unchecked", "1 if its selector file has certificates not checked.", flag(unchecked));
    let without = Some(stat.robots_unavailable as f64);
    gauge("jingwen_robots_unavailable", "Hosts whose robots.txt cannot be had.", without);
    for fault in ListFault::ALL {
        let labels = [("site", site), ("fault", fault.as_str())];
        let n = stat.lists.count(fault);
        page.gauge("jingwen_faulty_lists", "Lists that fail, give nothing or are broken.", &labels, n as f64);
    }
}

/// Bytes free for this user on the file system of a folder.
fn free(path: &std::path::Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_families_stand_together() {
        let mut page = Page::default();
        page.counter("a_total", "A.", &[("site", "x\"y\\z\n")], 1);
        page.gauge("b", "B.", &[], 2.5);
        page.counter("a_total", "A.", &[("site", "w")], 3);
        let expected = "# HELP a_total A.\n# TYPE a_total counter\na_total{site=\"x\\\"y\\\\z\\n\"} 1\na_total{site=\"w\"} 3\n\
                        # HELP b B.\n# TYPE b gauge\nb 2.5\n";
        assert_eq!(page.text(), expected);
    }
}
