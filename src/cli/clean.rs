//! `jingwen clean`.

use std::borrow::Cow;
use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use super::drift::Watching;
use super::entry::Entry;
use super::{Failure, Outcome, batch, exit};
use crate::clean::frames::{InOrder, Known, Outline};
use crate::clean::{self, Body, Options, Page};
use crate::drift::Observation;
use crate::lock::lock;
use crate::record::{Reason, Record};
use crate::sites::Sites;
use crate::units::Share;

/// Clean saved pages or flattened text to JSONL on stdout, without any network.
///
/// Every input is answered by one line, in order: the record, or `{"id","rejected","detail"}`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  jingwen clean --url https://www.sznews.com/content/1.htm page.html\n  \
                  jingwen clean flattened.txt saved-pages/\n  jingwen clean --pages pages.jsonl --threads 2 > articles.jsonl")]
pub struct Args {
    /// Address of the page: chooses the selector file, makes links absolute.
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// Selector file, or folder of them; adds to and overrides the built-in ones.
    #[arg(long, value_name = "DIR")]
    selectors: Vec<PathBuf>,
    /// Ignore selector files.
    #[arg(long)]
    generic: bool,
    /// Note in this folder how the pages of each site look, and warn on stderr when they begin to look different
    /// (`jingwen drift` tells more). The folder of a crawl's state will do.
    #[arg(long, value_name = "DIR", conflicts_with = "generic")]
    state: Option<PathBuf>,
    /// Learn which lines repeat on the pages of a host, and leave them out of later ones. A record then depends on the pages
    /// before it; without this it depends on its page alone.
    #[arg(long)]
    learn_repeats: bool,
    /// Reject articles whose confidence is below this, between 0 and 1, with the reason `low-confidence`.
    #[arg(long, value_name = "SHARE")]
    min_confidence: Option<Share>,
    /// Give the body as blocks too: paragraphs, headings, list items, tables, quotations, code, verse, figures.
    #[arg(long)]
    blocks: bool,
    /// What is written of each page: a line of JSON, a Markdown document with front matter, or the text alone. Of pages that
    /// gave none, the last two say so on stderr.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Jsonl)]
    format: Format,
    /// Write what the confidence of each page is computed from, in place of its record: for scripts/fit-confidence.py.
    #[arg(long, hide = true)]
    signals: bool,
    /// Threads; 0 means one per core.
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// JSONL of pages: `{"id","url","file"}`, `{"id","url","html"}` or `{"id","url","text"}`; `file` is relative to FILE and
    /// may end in `.gz`; `content_type` and `fetched_at` are understood too.
    #[arg(long, value_name = "FILE")]
    pages: Option<PathBuf>,
    /// HTML files, `.txt` files with flattened text, folders of both, or `-` for standard input.
    #[arg(value_name = "INPUT", required_unless_present = "pages")]
    inputs: Vec<PathBuf>,
}

/// Largest input that is read, in bytes after decompression; more is answered by a reject.
const MAX_INPUT: u64 = 64 << 20;

/// One thing to clean.
#[derive(Debug)]
enum Job {
    /// A line of `--pages`.
    Line(Vec<u8>),
    /// A file, or `-`.
    File(PathBuf),
}

/// An answer: one line of output.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    Record(Box<Record>),
    Signals { id: Option<String>, signals: serde_json::Map<String, serde_json::Value>, text: String },
    Rejected { id: Option<String>, rejected: Reason, detail: String },
}

impl Answer {
    fn bad(id: Option<String>, detail: impl Into<String>) -> Self {
        Answer::Rejected { id, rejected: Reason::BadInput, detail: detail.into() }
    }

    fn is_bad(&self) -> bool {
        matches!(self, Answer::Rejected { rejected: Reason::BadInput, .. })
    }
}

/// What is written of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line of JSON
    Jsonl,
    /// Markdown with front matter
    Markdown,
    /// The text, and an empty line
    Text,
}

/// An answer as it is written.
enum Output {
    /// A line on stdout.
    Line(serde_json::Result<Vec<u8>>),
    /// A text on stdout.
    Document(String),
    /// A line on stderr.
    Message(String),
}

impl Answer {
    fn output(&self, format: Format) -> Output {
        match (self, format) {
            (Answer::Record(record), Format::Markdown) => Output::Document(record.to_markdown()),
            (Answer::Record(record), Format::Text) => Output::Document(format!("{}\n\n", record.text)),
            (Answer::Rejected { id, rejected, detail }, Format::Markdown | Format::Text) => {
                let id = id.as_deref().unwrap_or("-");
                Output::Message(format!("{id}: rejected: {rejected}: {detail}"))
            }
            _ => Output::Line(serde_json::to_vec(self)),
        }
    }
}

/// What all threads share.
struct Work {
    sites: Sites,
    options: Options,
    url: Option<Url>,
    /// Learn what repeats on the pages of a host.
    learn_repeats: bool,
    /// Answer with what the confidence is computed from.
    signals: bool,
    format: Format,
    /// Told how pages look, in the order of the inputs.
    watch: Option<Watching>,
    /// Folder that `file` is relative to.
    base: PathBuf,
    spare: Arc<Spare>,
}

impl Args {
    pub fn run(self) -> Outcome {
        let sites = Sites::load(&self.selectors).map_err(Failure::usage)?;
        let base = self.pages.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let watch = self.state.as_deref().map(Watching::open).transpose()?;
        let options = Options {
            generic_only: self.generic,
            watch: watch.is_some(),
            links: watch.is_some(),
            min_confidence: self.min_confidence.map(|share| share.0),
            blocks: self.blocks || self.format == Format::Markdown,
            ..Options::default()
        };
        let work = Work {
            sites,
            options,
            url: self.url.clone(),
            learn_repeats: self.learn_repeats,
            signals: self.signals,
            format: self.format,
            watch,
            base,
            spare: Arc::default(),
        };
        let threads = match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        // Each has one page under way at least.
        let threads = threads.min(InOrder::LAG);
        let jobs = self.jobs(work.spare.clone())?.map(|job| job.map_err(|e| unreadable(&e)));
        let (mut out, mut bad) = (BufWriter::with_capacity(1 << 16, io::stdout()), 0);
        let settle = |answered: Answered| {
            bad += usize::from(answered.bad);
            work.settle(answered, &mut out)
        };
        let ended = batch::run(threads, jobs, |job, frames| work.answer(job, frames), settle);
        // What was cleaned before an input could not be read is kept.
        out.flush().map_err(cannot_write)?;
        ended?;
        if let Some(watch) = &work.watch {
            watch.finish()?;
        }
        if bad > 0 {
            anstream::eprintln!("{bad} inputs could not be read; see the lines with \"rejected\":\"bad-input\"");
            return Ok(exit::PARTIAL);
        }
        Ok(exit::DONE)
    }

    /// All inputs, in order, read as they are asked for.
    fn jobs(&self, spare: Arc<Spare>) -> Result<Box<dyn Iterator<Item = io::Result<Job>> + Send>, Failure> {
        let mut jobs: Box<dyn Iterator<Item = io::Result<Job>> + Send> = Box::new(std::iter::empty());
        if let Some(pages) = &self.pages {
            let reader: Box<dyn BufRead + Send> = if pages.as_os_str() == "-" {
                Box::new(BufReader::new(io::stdin()))
            } else {
                let file = File::open(pages).map_err(|e| no_input(pages, &e))?;
                if pages.extension().is_some_and(|e| e == "gz") {
                    Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(file))))
                } else {
                    Box::new(BufReader::with_capacity(1 << 16, file))
                }
            };
            jobs = Box::new(lines(reader, spare).map(|l| l.map(Job::Line)));
        }
        let mut files = Vec::new();
        for input in &self.inputs {
            if input.is_dir() {
                walk(input, &mut files).map_err(|e| no_input(input, &e))?;
            } else if input.as_os_str() == "-" || input.exists() {
                files.push(input.clone());
            } else {
                return Err(no_input(input, &io::ErrorKind::NotFound.into()));
            }
        }
        Ok(Box::new(jobs.chain(files.into_iter().map(|f| Ok(Job::File(f))))))
    }
}

fn no_input(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(miette::miette!(help = "give a file, a folder or `-`", "cannot read {}: {error}", path.display()))
}

fn cannot_write(error: io::Error) -> Failure {
    Failure::unexpected(miette::miette!("cannot write to stdout: {error}"))
}

/// Room for lines that has been used before: a page's line is so large that fresh room costs a page fault every four
/// kilobytes, and it is given back by another thread than the one that asked for it.
#[derive(Debug, Default)]
struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    fn take(&self) -> Vec<u8> {
        lock(&self.0).pop().unwrap_or_default()
    }

    fn give(&self, mut line: Vec<u8>) {
        line.clear();
        lock(&self.0).push(line);
    }
}

/// Lines; empty ones are skipped.
fn lines(mut reader: Box<dyn BufRead + Send>, spare: Arc<Spare>) -> impl Iterator<Item = io::Result<Vec<u8>>> + Send {
    std::iter::from_fn(move || {
        let mut bytes = spare.take();
        loop {
            bytes.clear();
            match read_line(&mut *reader, &mut bytes) {
                Ok(0) => return None,
                Ok(_) if bytes.trim_ascii().is_empty() => {}
                Ok(_) => return Some(Ok(bytes)),
                Err(e) => return Some(Err(e)),
            }
        }
    })
}

/// As `read_until`, whose search for the end of a line of some hundred kilobytes is the slow one of the standard library.
fn read_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        let piece = match reader.fill_buf() {
            Ok(piece) => piece,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        let end = memchr::memchr(b'\n', piece).map(|at| at + 1);
        let taken = end.unwrap_or(piece.len());
        line.extend_from_slice(&piece[..taken]);
        reader.consume(taken);
        if end.is_some() || taken == 0 {
            return Ok(line.len());
        }
    }
}

/// HTML and text files below a folder, in order of name.
fn walk(folder: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, out)?;
        } else {
            let name = path.to_string_lossy().to_ascii_lowercase();
            let name = name.strip_suffix(".gz").unwrap_or(&name);
            if [".html", ".htm", ".shtml", ".xhtml", ".txt"].iter().any(|e| name.ends_with(e)) {
                out.push(path);
            }
        }
    }
    Ok(())
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::unexpected(miette::miette!("cannot read the input any further: {error}"))
}

/// An answer, and what its page showed.
struct Answered {
    output: Output,
    bad: bool,
    /// For noticing drift.
    seen: Seen,
}

type Seen = Option<Box<Observation>>;

/// One page under way.
struct Turn<'w> {
    work: &'w Work,
    options: Options,
    outline: Cell<Option<Outline>>,
}

impl Work {
    /// The answer, and what its page showed of what repeats.
    fn answer(&self, job: Job, frames: Known) -> (Answered, Option<Outline>) {
        let frames = if self.learn_repeats { frames } else { Known::default() };
        let options = Options { frames, outline: self.learn_repeats, ..self.options.clone() };
        let turn = Turn { work: self, options, outline: Cell::new(None) };
        let (answer, seen) = match job {
            Job::Line(line) => {
                // Bytes that are not UTF-8 are replaced.
                let text = simdutf8::basic::from_utf8(&line);
                let answer = turn.line(&text.map_or_else(|_| String::from_utf8_lossy(&line), Cow::Borrowed));
                self.spare.give(line);
                answer
            }
            Job::File(path) => turn.file(&path),
        };
        (
            Answered { bad: answer.is_bad(), output: answer.output(self.format), seen },
            turn.outline.take().filter(|_| self.learn_repeats),
        )
    }

    /// Writes an answer; its page is watched in the order of the inputs, whatever thread cleaned it.
    fn settle(&self, answered: Answered, out: &mut impl Write) -> Result<(), Failure> {
        if let (Some(watch), Some(seen)) = (&self.watch, answered.seen) {
            watch.observe(*seen)?;
        }
        match answered.output {
            Output::Line(line) => {
                let mut line = line.map_err(|e| cannot_write(e.into()))?;
                line.push(b'\n');
                out.write_all(&line).map_err(cannot_write)
            }
            Output::Document(text) => out.write_all(text.as_bytes()).map_err(cannot_write),
            Output::Message(message) => {
                anstream::eprintln!("{message}");
                Ok(())
            }
        }
    }
}

impl Turn<'_> {
    fn line(&self, line: &str) -> (Answer, Seen) {
        let entry = match Entry::read(line) {
            Ok(entry) => entry,
            Err(e) => return (Answer::bad(id_of(line), format!("not a line of pages: {e}")), None),
        };
        let given = entry.url.as_deref().filter(|url| !url.trim().is_empty());
        let url = match given.map(Url::parse).transpose() {
            Ok(url) => url,
            Err(e) => {
                let detail = format!("`{}` is no address: {e}", entry.url.unwrap_or_default());
                return (Answer::bad(entry.id, detail), None);
            }
        };
        let url = url.as_ref().or(self.work.url.as_ref());
        let fetched_at = match entry.fetched_at.as_deref().map(str::parse::<Timestamp>).transpose() {
            Ok(at) => at,
            Err(e) => return (Answer::bad(entry.id, format!("`fetched_at` is no RFC 3339 time: {e}")), None),
        };
        let answer = |body| {
            let page = Page { url, body, content_type: entry.content_type.as_deref(), fetched_at };
            self.clean(entry.id.clone(), &page)
        };
        match (&entry.file, &entry.html, &entry.text) {
            (_, _, Some(text)) => answer(Body::Text(text)),
            (_, Some(html), None) => answer(Body::Markup(html)),
            (Some(file), None, None) => {
                let path = self.work.base.join(file);
                match read(&path) {
                    Ok(bytes) if is_text(&path) => answer(Body::Text(&String::from_utf8_lossy(&bytes))),
                    Ok(bytes) => answer(Body::Html(&bytes)),
                    Err(e) => (Answer::bad(entry.id.clone(), format!("cannot read {}: {e}", path.display())), None),
                }
            }
            (None, None, None) => (Answer::bad(entry.id, "none of `file`, `html`, `text` is given"), None),
        }
    }

    fn file(&self, path: &Path) -> (Answer, Seen) {
        let id = Some(path.display().to_string());
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(e) => return (Answer::bad(id, format!("cannot read {}: {e}", path.display())), None),
        };
        let text;
        let body = if is_text(path) {
            text = String::from_utf8_lossy(&bytes);
            Body::Text(&text)
        } else {
            Body::Html(&bytes)
        };
        let page = Page { url: self.work.url.as_ref(), body, content_type: None, fetched_at: None };
        match self.clean(None, &page) {
            (Answer::Rejected { rejected, detail, .. }, seen) => (Answer::Rejected { id, rejected, detail }, seen),
            record => record,
        }
    }

    fn clean(&self, id: Option<String>, page: &Page<'_>) -> (Answer, Seen) {
        // One page must not take the others along.
        let cleaned = catch_unwind(AssertUnwindSafe(|| clean::clean(page, &self.work.sites, &self.options)));
        let mut cleaned = match cleaned {
            Ok(cleaned) => cleaned,
            Err(panic) => {
                let said = crate::crawl::pool::said(panic.as_ref());
                return (Answer::bad(id, format!("a mistake of the program, please report it: {said}")), None);
            }
        };
        let seen = self.work.watch.as_ref().and_then(|watch| watch.look(&self.work.sites, page, &cleaned));
        self.outline.set(cleaned.outline.take());
        let answer = match cleaned.article {
            Ok(mut record) => {
                if let Some(id) = id {
                    record.id = id;
                }
                match cleaned.signals.filter(|_| self.work.signals) {
                    Some(signals) => Answer::Signals {
                        id: Some(record.id),
                        signals: signals.named().map(|(name, value)| (name.to_owned(), value.into())).collect(),
                        text: record.text,
                    },
                    None => Answer::Record(record),
                }
            }
            Err(r) => Answer::Rejected { id, rejected: r.reason, detail: r.detail },
        };
        (answer, seen)
    }
}

/// The `id` of a line that is otherwise unusable.
fn id_of(line: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    value.get("id").and_then(|v| v.as_str()).map(ToOwned::to_owned)
}

fn is_text(path: &Path) -> bool {
    let name = path.to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with(".txt")
}

/// Reads a file, or standard input for `-`; `.gz` is decompressed.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().take(MAX_INPUT + 1).read_to_end(&mut bytes)?;
    } else if path.extension().is_some_and(|e| e == "gz") {
        MultiGzDecoder::new(BufReader::new(File::open(path)?)).take(MAX_INPUT + 1).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(MAX_INPUT + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > MAX_INPUT {
        return Err(io::Error::other(format!("more than {} MiB", MAX_INPUT >> 20)));
    }
    Ok(bytes)
}
