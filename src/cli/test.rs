//! `jingwen test`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use clap::ValueEnum;
use serde_json::json;

use super::{Failure, Outcome, check_config, exit};
use crate::sites::select::Selection;
use crate::sites::{Sites, SourceFile, load, pages};
use crate::testing::{self, Difference, Run, Verdict};

/// Run the tests inside selector files.
///
/// Each `[[test]]` names a page and what must come out of it. Exit code 3 if any fails.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  jingwen test selectors/sznews.toml\n  jingwen test --watch sznews   # again on every save"
)]
pub struct Args {
    /// Files whose tests are run, or names of known ones (`sznews`) [default: the embedded ones, and those in ./selectors]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Folder (or file) of selector files that add to and override the embedded ones
    #[arg(long, value_name = "DIR")]
    selectors: Vec<PathBuf>,
    /// Folder of the pages [default: pages/ next to the file, or tests/pages/ of its repository]
    #[arg(long, value_name = "DIR")]
    pages: Option<PathBuf>,
    /// Accept what came out: write it into the tests (`contains` and `excludes` are only filled in where a test is empty)
    #[arg(long)]
    update: bool,
    /// Run again whenever a selector file or a page is saved, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// How results are shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How results are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// What failed, with the differences
    #[default]
    Text,
    /// An array of all tests
    Json,
}

/// How often `--watch` looks for changes.
const LOOK: Duration = Duration::from_millis(300);

impl Args {
    pub fn run(self) -> Outcome {
        if !self.watch {
            return self.once();
        }
        loop {
            let seen = self.fingerprint();
            // A file that is broken while it is being written is no reason to stop watching.
            if let Err(failure) = self.once() {
                anstream::eprintln!("{:?}", failure.report);
            }
            anstream::eprintln!("watching …");
            while self.fingerprint() == seen {
                std::thread::sleep(LOOK);
            }
            anstream::println!("{}", "─".repeat(60));
        }
    }

    fn selection(&self) -> Result<Selection, Failure> {
        Selection::new(&check_config::folders(&self.selectors)?, &self.files).map_err(Failure::usage)
    }

    fn once(&self) -> Outcome {
        let began = Instant::now();
        let selection = self.selection()?;
        let texts: BTreeMap<String, String> =
            selection.files.iter().map(|f| (f.id.clone(), f.text.to_string())).collect();
        let copies = selection.files.iter().map(SourceFile::copy).collect();
        let sites = Sites::compile(selection.files).map_err(Failure::usage)?;
        // Whatever is wrong with the files was told just now.
        let files = load::parse(copies, &mut Vec::new());
        let runs = testing::run(&sites, &files, &selection.asked, self.pages.as_deref());
        match self.format {
            Format::Text => text(&runs, began.elapsed()),
            Format::Json => {
                anstream::println!("{:#}", serde_json::Value::from(runs.iter().map(as_json).collect::<Vec<_>>()))
            }
        }
        if let Some(path) = &self.junit {
            write(path, &testing::junit(&runs))?;
        }
        if self.update {
            for update in testing::updates(&runs, |id| texts.get(id).cloned()) {
                write(&update.path, &update.text)?;
                anstream::eprintln!("{}: {} values written", update.path.display(), update.values);
            }
        }
        let failed = runs.iter().any(|r| matches!(r.verdict, Verdict::Failed(_)));
        Ok(if failed && !self.update { exit::PARTIAL } else { exit::DONE })
    }

    /// When each file that matters was last changed.
    fn fingerprint(&self) -> BTreeMap<PathBuf, Option<SystemTime>> {
        let mut files: Vec<PathBuf> = self.pages.iter().cloned().collect();
        files.extend(self.files.iter().filter(|f| f.exists()).cloned());
        if let Ok(selection) = self.selection() {
            for file in selection.files.iter().filter(|f| selection.asked.contains(&f.id)) {
                files.extend(pages::folders(&file.origin, self.pages.as_deref()));
            }
            files.extend(selection.on_disk().map(Path::to_owned));
        }
        let mut inside = Vec::new();
        files.sort();
        files.dedup();
        for entry in files.iter().filter(|f| f.is_dir()).filter_map(|f| fs::read_dir(f).ok()).flatten().flatten() {
            inside.push(entry.path());
        }
        files.extend(inside);
        files.into_iter().map(|f| (fs::metadata(&f).and_then(|m| m.modified()).ok(), f)).map(|(t, f)| (f, t)).collect()
    }
}

/// Writes a file whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path)).map_err(|e| {
        Failure::usage(miette::miette!(
            help = "name a file in a folder that can be written to",
            "cannot write {}: {e}",
            path.display()
        ))
    })
}

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

fn text(runs: &[Run], took: Duration) {
    let mut counts = [0_usize; 3];
    let mut files: Vec<&str> = runs.iter().map(|r| r.site.file.as_str()).collect();
    files.dedup();
    let mut skipped: Vec<&str> = Vec::new();
    for run in runs {
        match &run.verdict {
            Verdict::Passed => counts[0] += 1,
            Verdict::Failed(differences) => {
                counts[1] += 1;
                let template = run.cleaned.as_ref().and_then(|c| c.template.as_deref());
                let by = template.map(|t| format!("  (template {t})")).unwrap_or_default();
                anstream::println!("{RED}FAIL{PLAIN} {}  {}{DIM}{by}{PLAIN}", run.place(), run.page());
                differences.iter().for_each(difference);
            }
            Verdict::Skipped(why) => {
                counts[2] += 1;
                skipped.push(why);
            }
        }
    }
    skipped.dedup();
    for why in skipped {
        anstream::println!("{YELLOW}skipped{PLAIN}: {why}");
    }
    let [passed, failed, skipped] = counts;
    let colour = if failed > 0 { RED } else { GREEN };
    anstream::println!(
        "{}, {}: {colour}{passed} passed, {failed} failed{PLAIN}, {skipped} skipped in {:.2} s",
        number(files.len(), "file"),
        number(runs.len(), "test"),
        took.as_secs_f64(),
    );
}

/// `1 file`, `2 files`.
fn number(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn difference(d: &Difference) {
    anstream::println!("  {}", d.what);
    if let Some(expected) = &d.expected {
        anstream::println!("    {GREEN}expected{PLAIN}  {expected}");
    }
    if let Some(found) = &d.found {
        anstream::println!("    {RED}found{PLAIN}     {found}");
    }
    if let Some(note) = &d.note {
        anstream::println!("    {DIM}{note}{PLAIN}");
    }
}

fn as_json(run: &Run) -> serde_json::Value {
    let (verdict, differences, why) = match &run.verdict {
        Verdict::Passed => ("passed", [].as_slice(), None),
        Verdict::Failed(differences) => ("failed", differences.as_slice(), None),
        Verdict::Skipped(why) => ("skipped", [].as_slice(), Some(why)),
    };
    json!({
        "site": run.site.id,
        "file": run.site.file,
        "line": run.test.line,
        "page": run.page(),
        "verdict": verdict,
        "why": why,
        "template": run.cleaned.as_ref().and_then(|c| c.template.clone()),
        "differences": differences,
        "milliseconds": u64::try_from(run.took.as_millis()).unwrap_or(u64::MAX),
    })
}
