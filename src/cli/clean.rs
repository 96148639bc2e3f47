//! `jingwen clean`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use url::Url;

use super::{Failure, Outcome, exit};
use crate::clean::{self, Body, Options, Page};
use crate::record::Reason;
use crate::sites::Sites;

/// Clean saved pages or flattened text to JSONL on stdout, without any network.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  jingwen clean --url https://www.sznews.com/content/1.htm page.html\n  jingwen clean --pages pages.jsonl > articles.jsonl\n  jingwen clean flattened.txt"
)]
pub struct Args {
    /// Address of the page, for choosing the selector file and for relative links.
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// Folder with selector files; adds to and overrides the built-in ones.
    #[arg(long, value_name = "DIR")]
    selectors: Vec<PathBuf>,
    /// Ignore selector files.
    #[arg(long)]
    generic: bool,
    /// Threads; 0 means one per core.
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// JSONL of pages: `{"id","url","file"}`, `{"id","url","html"}` or `{"id","url","text"}`; one answer for each, in order.
    #[arg(long, value_name = "FILE")]
    pages: Option<PathBuf>,
    /// HTML files, `.txt` files with flattened text, directories, or `-` for standard input.
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    file: Option<PathBuf>,
    #[serde(default)]
    html: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

impl Args {
    pub fn run(self) -> Outcome {
        let sites = Sites::default();
        let options = Options { generic_only: self.generic };
        let mut out = BufWriter::new(io::stdout().lock());
        let fail = |e: io::Error| Failure::unexpected(miette::miette!("{e}"));
        if let Some(pages) = &self.pages {
            let base = pages.parent().unwrap_or(Path::new("."));
            let reader = BufReader::new(File::open(pages).map_err(fail)?);
            for line in reader.lines() {
                let line = line.map_err(fail)?;
                let answer = answer(&line, base, &sites, &options);
                serde_json::to_writer(&mut out, &answer).map_err(|e| fail(e.into()))?;
                out.write_all(b"\n").map_err(fail)?;
            }
        }
        out.flush().map_err(fail)?;
        Ok(exit::DONE)
    }
}

fn answer(line: &str, base: &Path, sites: &Sites, options: &Options) -> serde_json::Value {
    let entry: Entry = match serde_json::from_str(line) {
        Ok(e) => e,
        Err(e) => return serde_json::json!({"id": null, "rejected": Reason::BadInput, "detail": e.to_string()}),
    };
    let url = entry.url.as_deref().and_then(|u| Url::parse(u).ok());
    let mut bytes = Vec::new();
    if let Some(file) = &entry.file
        && let Err(e) = read(&base.join(file), &mut bytes)
    {
        return serde_json::json!({"id": entry.id, "rejected": Reason::BadInput, "detail": e.to_string()});
    }
    let is_text = entry.file.as_ref().is_some_and(|f| f.extension().is_some_and(|e| e == "txt"));
    let text;
    let body = if let Some(t) = &entry.text {
        Body::Text(t)
    } else if is_text {
        text = String::from_utf8_lossy(&bytes).into_owned();
        Body::Text(&text)
    } else {
        Body::Html(entry.html.as_ref().map_or(bytes.as_slice(), |h| h.as_bytes()))
    };
    let cleaned = clean::clean(&Page { url: url.as_ref(), body, content_type: None, fetched_at: None }, sites, options);
    match cleaned.article {
        Ok(mut record) => {
            record.id = entry.id;
            serde_json::to_value(record).unwrap_or_default()
        }
        Err(r) => serde_json::json!({"id": entry.id, "rejected": r.reason, "detail": r.detail}),
    }
}

fn read(path: &Path, bytes: &mut Vec<u8>) -> io::Result<()> {
    let file = File::open(path)?;
    if path.extension().is_some_and(|e| e == "gz") {
        MultiGzDecoder::new(BufReader::new(file)).read_to_end(bytes)?;
    } else {
        BufReader::new(file).read_to_end(bytes)?;
    }
    Ok(())
}
