//! `jingwen diff`.

use std::path::PathBuf;

use clap::ValueEnum;
use rayon::prelude::*;
use url::Url;

use super::{Failure, Outcome, exit, pages};
use crate::clean::{Body, Cleaned, Options, Page, clean};
use crate::diff::{Change, Edit, PageDiff, Report};
use crate::learn::Input;
use crate::sites::Sites;

/// Show what changes in the records if the selector files change: per site counts, and the differences page by page.
///
/// Every HTML page of an archive is cleaned twice, by the old and by the new files. Exit code 0 if nothing changes, 3 if
/// something does. Pages are compared one by one; articles over several pages are not joined.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  git stash; cp -r selectors /tmp/old; git stash pop\n  \
                  jingwen diff --archive recent.warc.gz --old /tmp/old --new selectors --site sznews")]
pub struct Args {
    /// WARC file with the pages (`.gz` too)
    #[arg(long, value_name = "WARC")]
    archive: PathBuf,
    /// Selector files before the change, which add to and override the embedded ones [default: the embedded ones]
    #[arg(long, value_name = "DIR")]
    old: Vec<PathBuf>,
    /// Selector files after the change
    #[arg(long, value_name = "DIR", required = true)]
    new: Vec<PathBuf>,
    /// Only pages of this host and those below it, or of this selector file (`sznews`)
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// How differences are shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How differences are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table of sites, then page by page what went (-) and what came (+)
    #[default]
    Text,
    /// `{"sites": {…}, "pages": […]}`, pages that differ only
    Json,
}

/// Pages cleaned at once: enough for all cores, few enough that an archive of any size fits into memory.
const BATCH: usize = 256;

impl Args {
    pub fn run(self) -> Outcome {
        let old = Sites::load(&self.old).map_err(Failure::usage)?;
        let new = Sites::load(&self.new).map_err(Failure::usage)?;
        let mut report = Report::default();
        let mut batch: Vec<Input> = Vec::new();
        let wanted = |url: &Url| {
            let Some(site) = self.site.as_deref() else { return true };
            pages::is_of(url, Some(site)) || [&old, &new].iter().any(|s| s.for_url(url).is_some_and(|s| s.id == site))
        };
        let skipped = pages::each_of_archive(&self.archive, &wanted, &mut |input| {
            batch.push(input);
            if batch.len() >= BATCH {
                compare(&mut report, std::mem::take(&mut batch), &old, &new);
            }
            true
        })?;
        compare(&mut report, batch, &old, &new);
        match self.format {
            Format::Text => text(&report),
            Format::Json => anstream::println!(
                "{}",
                serde_json::to_string_pretty(&report)
                    .map_err(|e| { Failure::unexpected(miette::miette!("cannot write the report: {e}")) })?
            ),
        }
        if skipped > 0 {
            anstream::eprintln!("{skipped} answers of the archive are no HTML pages with status 200: not compared");
        }
        Ok(if report.has_changes() { exit::PARTIAL } else { exit::DONE })
    }
}

fn compare(report: &mut Report, batch: Vec<Input>, old: &Sites, new: &Sites) {
    let results: Vec<(Input, Cleaned, Cleaned)> = batch
        .into_par_iter()
        .map(|input| {
            let page = Page {
                url: input.url.as_ref(),
                body: Body::Html(&input.bytes),
                content_type: input.content_type.as_deref(),
                fetched_at: input.fetched_at,
            };
            let (before, now) = (clean(&page, old, &Options::default()), clean(&page, new, &Options::default()));
            (input, before, now)
        })
        .collect();
    for (input, before, now) in results {
        let site = input.url.as_ref().and_then(|u| new.for_url(u).or_else(|| old.for_url(u)));
        report.add(&input.name, site.map(|s| s.id.as_str()), &before, &now);
    }
}

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

fn text(report: &Report) {
    report.pages.iter().for_each(page);
    anstream::println!(
        "{BOLD}{:<20} {:>6} {:>6} {:>7} {:>6} {:>6} {:>7} {:>6} {:>13} {:>17}{PLAIN}",
        "site",
        "pages",
        "same",
        "gained",
        "lost",
        "text",
        "fields",
        "way",
        "by template",
        "characters"
    );
    for (site, c) in &report.sites {
        let both = |(a, b): (usize, usize)| if a == b { a.to_string() } else { format!("{a} → {b}") };
        anstream::println!(
            "{site:<20} {:>6} {:>6} {:>7} {:>6} {:>6} {:>7} {:>6} {:>13} {:>17}",
            c.pages,
            c.same,
            c.gained,
            c.lost,
            c.text,
            c.fields,
            c.way,
            both(c.by_template),
            both(c.chars)
        );
    }
}

fn page(page: &PageDiff) {
    let site = page.site.as_deref().unwrap_or("-");
    let outcome = format!("{:?}", page.outcome).to_lowercase();
    anstream::println!(
        "{BOLD}{}{PLAIN}  {DIM}{site}, {outcome}, {} → {} characters{PLAIN}",
        page.url,
        page.chars.0,
        page.chars.1
    );
    for Change { what, old, new } in &page.changes {
        anstream::println!("  {what}");
        for line in old.iter().flat_map(|o| o.lines()) {
            anstream::println!("    {RED}- {line}{PLAIN}");
        }
        for line in new.iter().flat_map(|n| n.lines()) {
            anstream::println!("    {GREEN}+ {line}{PLAIN}");
        }
    }
    if !page.text.is_empty() {
        anstream::println!("  text");
    }
    for edit in &page.text {
        match edit {
            Edit::Gone(line) => anstream::println!("    {RED}- {line}{PLAIN}"),
            Edit::New(line) => anstream::println!("    {GREEN}+ {line}{PLAIN}"),
        }
    }
    anstream::println!();
}
