//! Rotation: a file that has grown large or old enough becomes a finished part, under a name of its own.
//!
//! Only finished parts have such a name (`articles-000001.jsonl`, with `.gz` or `.zst` where they are compressed): it is
//! given by a rename after everything was synced. The way there can be cut off anywhere and is taken up again at the
//! next start:
//!
//! 1. the frontier notes that the first L bytes of `articles.jsonl` are part N, and that the file is empty;
//! 2. `articles.jsonl` becomes `.articles-000001.closing`, and a new one is made;
//! 3. its content is written to `.articles-000001.tmp`, synced, and renamed;
//! 4. the frontier notes the part's counts and hash, `.closing` goes, and `articles-parts.json` is written anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::{OutputError, sync_folder};
use crate::units::{Size, Span};
use crate::urls::hex;

/// How finished parts are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compress {
    /// As they are.
    #[default]
    None,
    /// One gzip member a part.
    Gzip,
    /// One zstd frame a part.
    Zstd,
}

impl Compress {
    fn suffix(self) -> &'static str {
        match self {
            Compress::None => "",
            Compress::Gzip => ".gz",
            Compress::Zstd => ".zst",
        }
    }
}

/// When a file becomes a part, and how it is stored then.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rotation {
    /// Once it has at least so many bytes.
    pub size: Option<Size>,
    /// Once its first record is so old.
    pub every: Option<Span>,
    /// How it is stored.
    pub compress: Compress,
}

impl Rotation {
    /// True for a file of this length in bytes, begun so many milliseconds ago.
    pub fn is_due(&self, len: u64, age: i64) -> bool {
        let large = self.size.is_some_and(|size| len >= size.0);
        let old = self.every.is_some_and(|every| u128::try_from(age).is_ok_and(|age| age >= every.0.as_millis()));
        len > 0 && (large || old)
    }
}

/// A part, finished or on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Absolute path of the file that it was cut from.
    pub path: String,
    /// From 1.
    pub number: u32,
    /// Bytes of its lines.
    pub bytes: u64,
    /// What is known once it is finished.
    pub closed: Option<Closed>,
}

/// A finished part.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Closed {
    /// File name.
    pub name: String,
    /// Lines.
    pub records: u64,
    /// Bytes of its lines, before compression.
    pub bytes: u64,
    /// Bytes of the file.
    pub stored: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

impl Part {
    /// Step 2: takes the lines out of the file. Does nothing where that has been done already.
    pub fn detach(&self, compress: Compress) -> Result<(), OutputError> {
        let (closing, path) = (self.hidden("closing"), Path::new(&self.path));
        if closing.exists() || self.finished(compress).is_some() {
            return Ok(());
        }
        let failed = |source| OutputError::Part { path: path.to_owned(), source };
        let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
        // Beyond stands what a dead process had not committed.
        file.set_len(self.bytes).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(path, &closing).map_err(failed)?;
        sync_folder(path).map_err(failed)
    }

    /// Step 3: stores the lines under the part's own name. Does nothing where that has been done already.
    pub fn finish(&self, compress: Compress) -> Result<Closed, OutputError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| OutputError::Part { path, source }
        };
        let closing = self.hidden("closing");
        if let Some(whole) = self.finished(compress) {
            return describe(&whole, self.bytes).map_err(failed(&whole));
        }
        let name = self.sibling(&format!("{}{}", self.name(), compress.suffix()));
        let tmp = self.hidden("tmp");
        store(&closing, &tmp, compress).map_err(failed(&tmp))?;
        super::fault("part-stored");
        fs::rename(&tmp, &name).map_err(failed(&name))?;
        sync_folder(&name).map_err(failed(&name))?;
        super::fault("part-named");
        describe(&name, self.bytes).map_err(failed(&name))
    }

    /// Step 4: what is no longer needed goes.
    pub fn tidy(&self) {
        for name in ["closing", "tmp"] {
            let path = self.hidden(name);
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), %error, "left behind; it can be removed by hand");
            }
        }
    }

    /// The part under its own name, if it is there, however it was to be stored when the program last ran.
    fn finished(&self, compress: Compress) -> Option<PathBuf> {
        [compress, Compress::None, Compress::Gzip, Compress::Zstd]
            .map(|c| self.sibling(&format!("{}{}", self.name(), c.suffix())))
            .into_iter()
            .find(|path| path.exists())
    }

    fn name(&self) -> String {
        format!("{}-{:06}.jsonl", stem(Path::new(&self.path)), self.number)
    }

    fn hidden(&self, what: &str) -> PathBuf {
        self.sibling(&format!(".{}-{:06}.{what}", stem(Path::new(&self.path)), self.number))
    }

    fn sibling(&self, name: &str) -> PathBuf {
        Path::new(&self.path).with_file_name(name)
    }
}

/// Writes the index of a file's finished parts, `articles-parts.json`, in one go.
pub fn write_index(path: &Path, parts: &[Closed]) -> Result<(), OutputError> {
    let index = path.with_file_name(format!("{}-parts.json", stem(path)));
    let tmp = path.with_file_name(format!(".{}-parts.tmp", stem(path)));
    let write = || {
        let mut file = File::create(&tmp)?;
        serde_json::to_writer_pretty(&mut file, parts)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&tmp, &index)?;
        sync_folder(&index)
    };
    write().map_err(|source| OutputError::Part { path: index.clone(), source })
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn store(from: &Path, to: &Path, compress: Compress) -> io::Result<()> {
    let mut from = BufReader::new(File::open(from)?);
    let to = BufWriter::with_capacity(1 << 16, File::create(to)?);
    let written = match compress {
        Compress::None => {
            let mut to = to;
            io::copy(&mut from, &mut to)?;
            to
        }
        Compress::Gzip => {
            let mut to = GzEncoder::new(to, flate2::Compression::default());
            io::copy(&mut from, &mut to)?;
            to.finish()?
        }
        Compress::Zstd => {
            let mut to = zstd::Encoder::new(to, 0)?;
            to.include_checksum(true)?;
            io::copy(&mut from, &mut to)?;
            to.finish()?
        }
    };
    written.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// Reads a finished part once: its hash, and that it holds what it should.
fn describe(path: &Path, bytes: u64) -> io::Result<Closed> {
    let mut hashing = Hashing { inner: BufReader::new(File::open(path)?), sha: Sha256::new(), stored: 0 };
    let (records, read) = match path.extension().and_then(|e| e.to_str()) {
        Some("gz") => count(flate2::read::MultiGzDecoder::new(&mut hashing))?,
        Some("zst") => count(zstd::Decoder::new(&mut hashing)?)?,
        _ => count(&mut hashing)?,
    };
    io::copy(&mut hashing, &mut io::sink())?;
    if read != bytes {
        return Err(io::Error::other(format!(
            "it holds {read} bytes of lines and not {bytes}; move it away and run again"
        )));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Closed { name, records, bytes, stored: hashing.stored, sha256: hex(&hashing.sha.finalize()) })
}

/// Lines and bytes.
fn count(mut from: impl Read) -> io::Result<(u64, u64)> {
    let (mut lines, mut bytes, mut buffer) = (0, 0, vec![0; 1 << 16]);
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok((lines, bytes)),
            n => {
                bytes += n as u64;
                lines += memchr::memchr_iter(b'\n', &buffer[..n]).count() as u64;
            }
        }
    }
}

struct Hashing<R> {
    inner: R,
    sha: Sha256,
    stored: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.sha.update(&buffer[..n]);
        self.stored += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(dir: &Path) -> Part {
        let path = dir.join("articles.jsonl").display().to_string();
        Part { path, number: 7, bytes: 16, closed: None }
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_part_is_whole_under_its_name_whatever_the_compression() {
        for (compress, name) in [
            (Compress::None, "articles-000007.jsonl"),
            (Compress::Gzip, "articles-000007.jsonl.gz"),
            (Compress::Zstd, "articles-000007.jsonl.zst"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("articles.jsonl"), "{\"a\":1}\n{\"a\":2}\n{\"torn").unwrap();
            let part = part(dir.path());
            part.detach(compress).unwrap();
            assert_eq!(names(dir.path()), [".articles-000007.closing"]);
            // What was cut off half-way is taken up again.
            fs::write(dir.path().join(".articles-000007.tmp"), "half").unwrap();
            part.detach(compress).unwrap();
            let closed = part.finish(compress).unwrap();
            assert_eq!((closed.name.as_str(), closed.records, closed.bytes), (name, 2, 16));
            assert_eq!(part.finish(compress).unwrap(), closed, "twice is once");
            part.tidy();
            write_index(Path::new(&part.path), std::slice::from_ref(&closed)).unwrap();
            assert_eq!(names(dir.path()), [name, "articles-parts.json"]);
        }
    }

    #[test]
    fn a_part_that_was_changed_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("articles-000007.jsonl"), "{}\n").unwrap();
        assert!(part(dir.path()).finish(Compress::None).unwrap_err().to_string().contains("3 bytes"));
    }

    #[test]
    fn due_by_size_or_age() {
        let rotation = Rotation {
            size: Some(Size(100)),
            every: Some(Span(std::time::Duration::from_secs(60))),
            ..Default::default()
        };
        assert!(!rotation.is_due(0, 100_000) && !rotation.is_due(99, 59_999));
        assert!(rotation.is_due(100, 0) && rotation.is_due(1, 60_000));
        assert!(!Rotation::default().is_due(u64::MAX, i64::MAX));
    }
}
