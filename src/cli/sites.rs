//! `jingwen sites`.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;

use super::{Failure, Outcome, check_config, exit};
use crate::sites::{Confidence, Origin, Site, Sites};

/// List the sites that a crawl from here knows: those embedded in the program, and those of selector files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  jingwen sites\n  jingwen sites --format json | jq '.[].hosts'")]
pub struct Args {
    /// Folder (or file) of selector files that add to and override the embedded ones [default: those of jingwen.toml, if there]
    #[arg(long, value_name = "DIR")]
    selectors: Vec<PathBuf>,
    /// How the list is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How the list is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table
    #[default]
    Text,
    /// An array
    Json,
}

impl Args {
    pub fn run(self) -> Outcome {
        let sites = Sites::load(&check_config::folders(&self.selectors)?).map_err(Failure::usage)?;
        match self.format {
            Format::Text => table(&sites),
            Format::Json => {
                let list: Vec<_> = sites.all().into_iter().map(|s| as_json(s)).collect();
                anstream::println!("{:#}", serde_json::Value::from(list));
            }
        }
        Ok(exit::DONE)
    }
}

fn table(sites: &Sites) {
    let mut rows = vec![["ID", "NAME", "TEMPLATES", "TESTS", "CONFIDENCE", "FROM", "HOSTS"].map(str::to_owned)];
    rows.extend(sites.all().into_iter().map(|site| {
        let hosts = match &site.hosts[..] {
            [first, second, third, rest @ ..] if !rest.is_empty() => {
                format!("{first} {second} {third} +{}", rest.len())
            }
            hosts => hosts.join(" "),
        };
        [
            site.id.clone(),
            site.name.clone(),
            site.templates.len().to_string(),
            site.tests.len().to_string(),
            confidence(site.confidence).to_owned(),
            from(site),
            hosts,
        ]
    }));
    let widths: Vec<usize> = (0..7).map(|i| rows.iter().map(|r| width(&r[i])).max().unwrap_or_default()).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, w)| format!("{cell}{}", " ".repeat(w - width(cell))));
        anstream::println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// Columns of a terminal that a text takes: Chinese signs take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ffdc}' | '\u{20000}'..) { 2 } else { 1 })
        .sum()
}

fn from(site: &Site) -> String {
    match &site.origin {
        Origin::Builtin => "builtin".to_owned(),
        Origin::File(path) => path.display().to_string(),
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}

fn as_json(site: &Site) -> serde_json::Value {
    json!({
        "id": site.id,
        "name": site.name,
        "outlet": site.outlet,
        "hosts": site.hosts,
        "templates": site.templates.iter().map(|t| json!({ "name": t.name, "kind": t.kind })).collect::<Vec<_>>(),
        "tests": site.tests.len(),
        "confidence": site.confidence,
        "from": from(site),
        "hash": site.hash,
    })
}
