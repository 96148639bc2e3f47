//! `jingwen crawl --dry-run`: what a run would ask first, and why.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use miette::miette;

use super::{Failure, Outcome, exit};
use crate::config::StateConfig;
use crate::crawl::context::Context;
use crate::crawl::run::{CrawlError, Plan};
use crate::crawl::store::Store;
use crate::frontier::place::Place;
use crate::frontier::{Cursor, Frontier, Kind, LeasedHost, Task, now};
use crate::output::lock::StateLock;
use crate::output::parts::Rotation;

/// Hosts and addresses that are shown at most.
const MOST: u32 = 10_000;

/// A copy of the state that goes when nobody needs it any more.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        // A folder for temporary files is emptied by others as well.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Prepares the run on a copy of the state and prints what it would ask.
pub async fn show(plan: Plan, state: &StateConfig) -> Outcome {
    let place = Place::of(state).map_err(|e| Failure::usage(miette!("{e}")))?;
    if place.shared.is_some() {
        return Err(Failure::usage(miette!(
            help = "`jingwen state hosts` shows what waits in it",
            "--dry-run works on a copy of the state, and a frontier in PostgreSQL is not copied"
        )));
    }
    let copy = copy(&state.dir)?;
    let config = StateConfig { dir: copy.0.join("state"), ..state.clone() };
    let store = Store::open(&config, &copy.0.join("out"), Rotation::default(), 1, None).await.map_err(failed)?;
    let store = Arc::new(store);
    let run = plan.prepare(store.clone()).await.map_err(failed)?;
    let lines = lines(&run.context).await.map_err(failed);
    drop(run);
    store.close().await.map_err(failed)?;
    let lines = lines?;
    let mut out = anstream::stdout().lock();
    let cannot = |e| Failure::unexpected(miette!("cannot write to stdout: {e}"));
    for line in &lines {
        writeln!(out, "{line}").map_err(cannot)?;
    }
    anstream::eprintln!("{} addresses would be asked first; what they link to is not known before", lines.len());
    Ok(exit::DONE)
}

/// Address and reason of everything that is due.
async fn lines(context: &Context) -> Result<Vec<String>, CrawlError> {
    let mut lines = Vec::new();
    let hosts = context.frontier.lease(context.run, MOST, now(), now() + 60_000).await?;
    for host in &hosts {
        let mut after = Cursor::START;
        loop {
            let tasks = context.frontier.next(host, after, now(), context.began, 1000).await?;
            let Some(last) = tasks.last() else { break };
            after = Cursor::after(last);
            let wanted = tasks.iter().filter(|task| context.in_focus(&task.key));
            lines.extend(wanted.map(|task| format!("{}\t{}", task.url, why(context, host, task))));
            if lines.len() >= MOST as usize {
                return Ok(lines);
            }
        }
    }
    for held in context.frontier.held_back(context.run, now(), MOST).await? {
        let until =
            Timestamp::from_millisecond(held.until).map_or_else(|_| "later".to_owned(), |at| format!("{at:.0}"));
        let why = held.why.unwrap_or_else(|| "it asked to wait".to_owned());
        lines.push(format!("{}\tnot before {until}: {why}; {} pages wait", held.origin, held.waiting));
    }
    Ok(lines)
}

fn why(context: &Context, host: &LeasedHost, task: &Task) -> String {
    let site = context.scope.site(&host.origin);
    let rules = site.map(|site| (&site.crawl, &site.file));
    let named = rules.and_then(|(rules, file)| {
        let kinds = [(&rules.seeds, "a seed"), (&rules.feeds, "a feed"), (&rules.sitemaps, "a sitemap")];
        let (_, what) = kinds.into_iter().find(|(urls, _)| urls.contains(&task.url))?;
        Some(format!("{what} of {file}"))
    });
    let what = named.unwrap_or_else(|| {
        let kind = match task.kind {
            Kind::Article => "an article",
            Kind::List => "a list",
            Kind::Feed => "a feed",
            Kind::Sitemap => "a sitemap",
            Kind::Recheck => "an article, asked again for corrections",
            Kind::Unknown => "given by hand",
        };
        format!("{kind}, queued by an earlier run or named here")
    });
    match task.tries {
        0 => what,
        tries => format!("{what}; tried {tries} times"),
    }
}

/// Copies the state, which nobody may be writing to.
fn copy(state: &Path) -> Result<Copy, Failure> {
    let cannot = |e: std::io::Error| Failure::unexpected(miette!("cannot copy the state {}: {e}", state.display()));
    let copy = Copy(std::env::temp_dir().join(format!("jingwen-dry-run-{}", std::process::id())));
    let folder = copy.0.join("state");
    fs::create_dir_all(&folder).map_err(cannot)?;
    if state.is_dir() {
        let _lock = StateLock::take(state).map_err(|e| Failure::usage(miette!("{e}")))?;
        for name in ["frontier.sqlite", "frontier.sqlite-wal"] {
            let from = state.join(name);
            if from.is_file() {
                fs::copy(&from, folder.join(name)).map_err(cannot)?;
            }
        }
    }
    Ok(copy)
}

fn failed(error: CrawlError) -> Failure {
    Failure::unexpected(miette!("{error}"))
}
