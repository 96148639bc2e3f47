//! Pages that commands take as examples: saved files, folders, the answers of an archive.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use url::Url;

use super::Failure;
use crate::crawl::fetch::{Fetch, Request};
use crate::crawl::warc::Archive;
use crate::learn::Input;

/// Largest page that is read, in bytes after decompression.
const MAX_PAGE: u64 = 10 << 20;

/// How much is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most pages.
    pub pages: usize,
}

/// Reads saved pages; folders give their HTML files in order of name.
pub fn read(pages: &[String], limits: Limits) -> Result<Vec<Input>, Failure> {
    let mut files: Vec<PathBuf> = Vec::new();
    for page in pages {
        let path = PathBuf::from(page);
        if path.is_dir() {
            walk(&path, &mut files).map_err(|e| cannot_read(&path, &e))?;
        } else {
            files.push(path);
        }
    }
    files.truncate(limits.pages);
    let input = |path: PathBuf| {
        let bytes = bytes(&path).map_err(|e| cannot_read(&path, &e))?;
        Ok(Input { name: path.display().to_string(), bytes, url: None, content_type: None, fetched_at: None })
    };
    files.into_iter().map(input).collect()
}

/// HTML answers of an archive, in order of address; with `site`, those of this host and below.
pub fn of_archive(path: &Path, site: Option<&str>, most: usize) -> Result<Vec<Input>, Failure> {
    let mut out = Vec::new();
    each_of_archive(path, &|url| is_of(url, site), &mut |input| {
        out.push(input);
        out.len() < most
    })?;
    Ok(out)
}

/// Gives the HTML answers of an archive whose addresses are wanted, in order of address, until `take` says enough; counts the
/// other answers among those wanted.
pub fn each_of_archive(
    path: &Path,
    wanted: &dyn Fn(&Url) -> bool,
    take: &mut dyn FnMut(Input) -> bool,
) -> Result<usize, Failure> {
    let archive = Archive::open(path, MAX_PAGE).map_err(|e| Failure::usage(miette::miette!("{e}")))?;
    let mut urls: Vec<Url> = archive.urls().filter_map(|u| Url::parse(u).ok()).filter(wanted).collect();
    urls.sort();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::unexpected(miette::miette!("cannot start: {e}")))?;
    let mut skipped = 0;
    for url in urls {
        let answer = match runtime.block_on(archive.fetch(Request::new(&url))) {
            Ok(answer) => answer,
            Err(error) => {
                anstream::eprintln!("{url}: {error}");
                skipped += 1;
                continue;
            }
        };
        let is_html = answer.content_type.as_deref().is_none_or(|t| t.to_ascii_lowercase().contains("html"));
        if answer.status != 200 || !is_html || answer.body.trim_ascii().is_empty() {
            skipped += 1;
            continue;
        }
        let input = Input {
            name: url.to_string(),
            bytes: answer.body,
            url: Some(url),
            content_type: answer.content_type,
            fetched_at: Some(answer.at),
        };
        if !take(input) {
            break;
        }
    }
    Ok(skipped)
}

/// True if an address is of this host or below it.
pub fn is_of(url: &Url, site: Option<&str>) -> bool {
    let Some(site) = site else { return true };
    url.host_str().is_some_and(|h| h == site || h.strip_suffix(site).is_some_and(|rest| rest.ends_with('.')))
}

/// A file's bytes; `.gz` is decompressed, `-` is standard input.
pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().take(MAX_PAGE + 1).read_to_end(&mut bytes)?;
    } else if path.extension().is_some_and(|e| e == "gz") {
        MultiGzDecoder::new(BufReader::new(File::open(path)?)).take(MAX_PAGE + 1).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(MAX_PAGE + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > MAX_PAGE {
        return Err(io::Error::other(format!("more than {} MiB", MAX_PAGE >> 20)));
    }
    Ok(bytes)
}

fn walk(folder: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, out)?;
        } else {
            let name = path.to_string_lossy().to_ascii_lowercase();
            let name = name.strip_suffix(".gz").unwrap_or(&name);
            if [".html", ".htm", ".shtml", ".xhtml"].iter().any(|e| name.ends_with(e)) {
                out.push(path);
            }
        }
    }
    Ok(())
}

fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(miette::miette!(
        help = "name a saved page or a folder of them",
        "cannot read {}: {error}",
        path.display()
    ))
}
