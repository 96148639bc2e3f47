//! Output files: records are appended and synced first, then their length is committed together with the pages.
//!
//! At start a file is cut back to its committed length, so whatever a dead process had written beyond is gone and no
//! line is torn or doubled.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub mod lock;
pub mod parts;

/// Why output could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// A file or folder could not be opened or made.
    #[error(
        "cannot open {path}: {source}; check that the folder exists and can be written, or choose another with --out"
    )]
    Open {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A record could not be written or synced.
    #[error(
        "cannot write {path}: {source}; crawling has stopped and what was committed is safe; make room and run again"
    )]
    Write {
        /// File.
        path: PathBuf,
        /// What the system said (disk full, read-only, I/O error …).
        source: io::Error,
    },
    /// A finished part could not be made.
    #[error("cannot finish the part {path}: {source}; its lines are safe in the folder, and the next run tries again")]
    Part {
        /// File.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process writes there.
    #[error("{path} is in use by another jingwen; wait for it to end, or give this one its own --state and --out")]
    Locked {
        /// File.
        path: PathBuf,
    },
    /// The file was not made by jingwen, or was changed by hand.
    #[error(
        "{path} does not end with a line end, so appending would spoil its last line; mend it or choose another --out"
    )]
    Torn {
        /// File.
        path: PathBuf,
    },
}

/// A file that only grows. Behind a trait so that tests can make the n-th write or sync fail.
pub trait Appender: Send + Sync {
    /// Appends bytes.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes all that was appended durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to a length.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

impl Appender for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)?;
        self.seek(SeekFrom::Start(len))?;
        self.sync_all()
    }
}

/// Standard output: what was written there is read already, so nothing can be taken back.
pub struct Stdout;

impl Appender for Stdout {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut(&mut self, _len: u64) -> io::Result<()> {
        Ok(())
    }
}

/// Takes everything and keeps nothing.
pub struct Nowhere;

impl Appender for Nowhere {
    fn append(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut(&mut self, _len: u64) -> io::Result<()> {
        Ok(())
    }
}

/// A file that was given up.
struct Closed;

impl Appender for Closed {
    fn append(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Err(io::Error::other("it is closed, for it could not be opened anew"))
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut(&mut self, _len: u64) -> io::Result<()> {
        Ok(())
    }
}

/// One JSONL file with its committed length.
pub struct JsonLines {
    path: PathBuf,
    file: Box<dyn Appender>,
    /// Length that the last commit told the frontier.
    committed: u64,
    /// Length with what was appended since.
    len: u64,
    /// Device and inode; none where it stands on something else than a file.
    identity: Option<(u64, u64)>,
}

impl JsonLines {
    /// Opens or makes a file and cuts it back to its committed length (`None`: nothing was committed yet, so what is
    /// there belongs to someone else and stays).
    pub fn open(path: &Path, committed: Option<u64>) -> Result<Self, OutputError> {
        let open = |source| OutputError::Open { path: path.to_owned(), source };
        let is_new = !path.exists();
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(open)?;
        lock::try_lock(&file, path)?;
        if is_new {
            sync_folder(path).map_err(open)?;
        }
        let len = file.metadata().map_err(open)?.len();
        let len = match committed {
            Some(committed) if len > committed => {
                tracing::info!(path = %path.display(), bytes = len - committed, "cut off what was not committed");
                file.cut(committed).map_err(open)?;
                committed
            }
            Some(committed) if len < committed => {
                tracing::warn!(path = %path.display(), "shorter than it was: someone has moved or cut it");
                len
            }
            _ => len,
        };
        if len > 0 {
            let mut last = [0];
            file.seek(SeekFrom::Start(len - 1)).map_err(open)?;
            file.read_exact(&mut last).map_err(open)?;
            if last != *b"\n" {
                return Err(OutputError::Torn { path: path.to_owned() });
            }
        }
        file.seek(SeekFrom::Start(len)).map_err(open)?;
        let meta = file.metadata().map_err(open)?;
        let identity = Some((meta.dev(), meta.ino()));
        Ok(Self { path: path.to_owned(), file: Box::new(file), committed: len, len, identity })
    }

    /// Notices whether somebody else has moved, removed, replaced, cut or written to the file, and goes on at the end of
    /// the one that has the name now. Whatever they took away or wrote stays as it is. Must not be called between an
    /// append and its commit.
    ///
    /// Gives what has happened, if anything has.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or ends within a line; nothing can be appended then.
    pub fn notice_change(&mut self) -> Result<Option<&'static str>, OutputError> {
        let Some(identity) = self.identity else { return Ok(None) };
        let what = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => "was moved or removed",
            Err(source) => return Err(OutputError::Open { path: self.path.clone(), source }),
            Ok(meta) if (meta.dev(), meta.ino()) != identity => "was replaced by another file",
            Ok(meta) if meta.len() < self.len => "was cut",
            Ok(meta) if meta.len() > self.len => "was written to",
            Ok(_) => return Ok(None),
        };
        tracing::warn!(
            path = %self.path.display(),
            "{} {what} by somebody else; records go on at its present end. Use `rotate_size` or `rotate_every` under [output] \
             to cut it into parts",
            self.path.display()
        );
        // First, for its lock is on the file and not on the name.
        self.close();
        if what == "was cut" {
            cut_to_whole_lines(&self.path).map_err(|source| OutputError::Open { path: self.path.clone(), source })?;
        }
        *self = Self::open(&self.path, None)?;
        Ok(Some(what))
    }

    /// True for a file, whose length the frontier remembers.
    pub fn is_file(&self) -> bool {
        self.identity.is_some()
    }

    /// Gives the file up, and its lock with it; nothing can be appended any more.
    pub fn close(&mut self) {
        self.file = Box::new(Closed);
    }

    /// Stands on another file; for tests that make writes fail.
    pub fn on(path: &Path, file: Box<dyn Appender>, len: u64) -> Self {
        Self { path: path.to_owned(), file, committed: len, len, identity: None }
    }

    /// Appends whole lines and makes them durable. Nothing counts before [`JsonLines::committed`].
    pub fn append(&mut self, lines: &[u8]) -> Result<(), OutputError> {
        if lines.is_empty() {
            return Ok(());
        }
        let path = &self.path;
        let write = |source| OutputError::Write { path: path.clone(), source };
        self.file.append(lines).map_err(write)?;
        crate::output::fault("append");
        self.file.sync().map_err(write)?;
        crate::output::fault("sync");
        self.len += lines.len() as u64;
        Ok(())
    }

    /// What the frontier is to commit: absolute path and length.
    pub fn state(&self) -> (String, u64) {
        (self.path.display().to_string(), self.len)
    }

    /// The frontier has committed the present length.
    pub fn committed(&mut self) {
        self.committed = self.len;
    }

    /// Takes back what was not committed; at the next start the same would happen.
    pub fn roll_back(&mut self) {
        if let Err(error) = self.file.cut(self.committed) {
            tracing::warn!(path = %self.path.display(), %error, "not cut back now; the next start will do it");
        }
        self.len = self.committed;
    }
}

/// Cuts a file of ours that was cut within a line back to its last whole one: the rest of that line is gone anyway.
fn cut_to_whole_lines(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let (mut end, mut block) = (file.metadata()?.len(), vec![0; 64 << 10]);
    while end > 0 {
        let begin = end.saturating_sub(block.len() as u64);
        let part = &mut block[..usize::try_from(end - begin).unwrap_or(0)];
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(part)?;
        if let Some(at) = memchr::memrchr(b'\n', part) {
            return file.set_len(begin + at as u64 + 1);
        }
        end = begin;
    }
    file.set_len(0)
}

/// Makes a new name in a folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Dies at a named point when `JINGWEN_FAULT=point:n` asks for it at the n-th time; only in debug builds, for
/// `tests/crash.rs`.
#[cfg(debug_assertions)]
pub fn fault(point: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("JINGWEN_FAULT").ok()?;
        let (point, n) = text.split_once(':')?;
        Some((point.to_owned(), n.parse().ok()?))
    });
    if let Some((name, n)) = wanted
        && name == point
        && COUNT.fetch_add(1, Ordering::Relaxed) + 1 == *n
    {
        std::process::abort();
    }
}

/// In release builds there are no fault points.
#[cfg(not(debug_assertions))]
pub fn fault(_point: &str) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn what_was_not_committed_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("articles.jsonl");
        let mut out = JsonLines::open(&path, None).unwrap();
        out.append(b"{\"a\":1}\n").unwrap();
        let (_, len) = out.state();
        out.committed();
        out.append(b"{\"a\":2}\n{\"a\":").unwrap();
        drop(out);
        let mut out = JsonLines::open(&path, Some(len)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{\"a\":1}\n");
        out.append(b"{\"a\":3}\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{\"a\":1}\n{\"a\":3}\n");
        out.roll_back();
        assert_eq!(fs::read(&path).unwrap(), b"{\"a\":1}\n");
    }

    #[test]
    fn files_of_others_are_left_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("articles.jsonl");
        fs::write(&path, "mine\n").unwrap();
        let mut out = JsonLines::open(&path, None).unwrap();
        out.append(b"{}\n").unwrap();
        drop(out);
        assert_eq!(fs::read(&path).unwrap(), b"mine\n{}\n");
        fs::write(&path, "mine").unwrap();
        assert!(matches!(JsonLines::open(&path, None), Err(OutputError::Torn { .. })));
    }

    #[test]
    fn a_file_that_others_touch_is_gone_on_with_at_its_present_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("articles.jsonl");
        let other = dir.path().join("articles.jsonl.1");
        let mut out = JsonLines::open(&path, None).unwrap();
        let mut add = |line: &str| {
            let what = out.notice_change().unwrap();
            out.append(line.as_bytes()).unwrap();
            out.committed();
            what
        };
        let read = || fs::read_to_string(&path).unwrap();
        assert_eq!(add("1\n"), None);
        fs::copy(&path, &other).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        assert_eq!((add("2\n"), read().as_str()), (Some("was cut"), "2\n"));
        fs::rename(&path, &other).unwrap();
        assert_eq!((add("3\n"), read().as_str()), (Some("was moved or removed"), "3\n"));
        fs::write(&other, "x\n").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!((add("4\n"), read().as_str()), (Some("was replaced by another file"), "x\n4\n"));
        fs::write(&path, "x\n4\ny\n").unwrap();
        assert_eq!((add("5\n"), read().as_str()), (Some("was written to"), "x\n4\ny\n5\n"));
        assert_eq!(add("6\n"), None);
    }

    #[test]
    fn a_line_cut_by_others_is_not_written_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("articles.jsonl");
        let mut out = JsonLines::open(&path, None).unwrap();
        out.append(b"123\n45678\n").unwrap();
        out.committed();
        let cut = |len| File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
        cut(7);
        out.notice_change().unwrap();
        out.append(b"9\n").unwrap();
        out.committed();
        assert_eq!(fs::read(&path).unwrap(), b"123\n9\n");
        cut(2);
        out.notice_change().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        // What another has put there is not ours to cut.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "theirs").unwrap();
        let error = out.notice_change().unwrap_err();
        assert!(matches!(error, OutputError::Torn { .. }) && error.to_string().contains("articles.jsonl"), "{error}");
        assert!(out.append(b"6\n").is_err());
    }

    /// Writes to memory; the n-th call fails, having done half of its work.
    #[derive(Clone, Default)]
    struct Faulty {
        bytes: Arc<Mutex<Vec<u8>>>,
        calls: Arc<Mutex<usize>>,
        fails_at: usize,
    }

    impl Faulty {
        fn call(&self) -> io::Result<()> {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            if *calls == self.fails_at { Err(io::Error::other("disk full")) } else { Ok(()) }
        }
    }

    impl Appender for Faulty {
        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            let result = self.call();
            let end = if result.is_ok() { bytes.len() } else { bytes.len() / 2 };
            self.bytes.lock().unwrap().extend_from_slice(&bytes[..end]);
            result
        }

        fn sync(&mut self) -> io::Result<()> {
            self.call()
        }

        fn cut(&mut self, len: u64) -> io::Result<()> {
            self.bytes.lock().unwrap().truncate(usize::try_from(len).unwrap());
            Ok(())
        }
    }

    #[test]
    fn whichever_call_fails_only_what_was_committed_remains() {
        for fails_at in 1..=9 {
            let disk = Faulty { fails_at, ..Faulty::default() };
            let mut out = JsonLines::on(Path::new("x"), Box::new(disk.clone()), 0);
            let mut committed = Vec::new();
            for n in 0..4 {
                let line = format!("{{\"n\":{n}}}\n");
                if let Err(error) = out.append(line.as_bytes()) {
                    assert!(error.to_string().contains("disk full"), "{error}");
                    out.roll_back();
                    break;
                }
                out.committed();
                committed.extend_from_slice(line.as_bytes());
            }
            assert_eq!(*disk.bytes.lock().unwrap(), committed, "call {fails_at}");
            assert_eq!(out.state().1, committed.len() as u64);
        }
    }

    #[test]
    fn two_writers_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("articles.jsonl");
        let _first = JsonLines::open(&path, None).unwrap();
        assert!(matches!(JsonLines::open(&path, None), Err(OutputError::Locked { .. })));
    }
}
