//! One output file and the parts that were cut from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::frontier::{Frontier, FrontierError, Millis, now};
use crate::output::parts::{Part, Rotation, write_index};
use crate::output::{self, Appender, JsonLines, OutputError};

/// Why a series could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// The files.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The state.
    #[error(transparent)]
    Frontier(#[from] FrontierError),
    /// A thread died.
    #[error("finishing a part died: {0}; the next start takes it up again")]
    Task(#[from] tokio::task::JoinError),
}

/// A file that records are appended to, and that is cut into parts when it is due.
pub struct Series<F> {
    /// The file.
    pub lines: JsonLines,
    path: PathBuf,
    rotation: Rotation,
    frontier: F,
    /// When the file's first record was written; none while it is empty.
    begun: Option<Millis>,
    /// Number of the next part.
    next: u32,
    /// Parts being finished, which takes its time and holds nobody up.
    finishing: JoinSet<Result<(), SeriesError>>,
    /// Held by the one that writes the index: the latest must have the last word.
    index: Arc<Mutex<()>>,
}

impl<F: Frontier + Clone> Series<F> {
    /// Opens a file at its committed length; parts that a dead process left half-way are finished first.
    ///
    /// # Errors
    ///
    /// What went wrong with the files or the state.
    pub async fn open(frontier: F, path: &Path, rotation: Rotation) -> Result<Self, SeriesError> {
        let shown = path.display().to_string();
        let parts = frontier.parts(&shown).await?;
        let index = Arc::default();
        for part in parts.iter().filter(|part| part.closed.is_none()) {
            tracing::info!(path = shown, number = part.number, "taking up a part that was not finished");
            part.detach(rotation.compress)?;
            finish(&frontier, part.clone(), rotation, &index).await?;
        }
        let state = frontier.output(&shown).await?;
        let lines = JsonLines::open(path, state.map(|state| state.bytes))?;
        let begun = state.map(|state| state.begun).filter(|begun| *begun > 0);
        // A file that was there before the crawl counts as begun now.
        let begun = begun.or_else(|| (lines.state().1 > 0).then(now));
        let next = parts.last().map_or(1, |part| part.number + 1);
        let finishing = JoinSet::new();
        Ok(Self { lines, path: path.to_owned(), rotation, frontier, begun, next, finishing, index })
    }

    /// Something else than a file: the state remembers nothing of it, and it is never cut into parts.
    pub fn stream(frontier: F, to: Box<dyn Appender>) -> Self {
        let path = PathBuf::from("-");
        let lines = JsonLines::on(&path, to, 0);
        let (finishing, index) = (JoinSet::new(), Arc::default());
        Self { lines, path, rotation: Rotation::default(), frontier, begun: None, next: 1, finishing, index }
    }

    /// Opens the file anew as the next start would, after an error that leaves open what the frontier has of it.
    ///
    /// # Errors
    ///
    /// What went wrong with the files or the state; nothing can be appended then, until this succeeds.
    pub async fn reopen(&mut self) -> Result<(), SeriesError> {
        if self.path == Path::new("-") {
            return Ok(());
        }
        // Whatever became of the parts under way, opening takes them up.
        while self.finishing.join_next().await.is_some() {}
        self.lines.close();
        *self = Self::open(self.frontier.clone(), &self.path, self.rotation).await?;
        Ok(())
    }

    /// The frontier has committed the present length: cuts the file if it is due.
    ///
    /// # Errors
    ///
    /// What went wrong with the files or the state; what was committed is safe.
    pub async fn committed(&mut self) -> Result<(), SeriesError> {
        self.lines.committed();
        let (path, bytes) = self.lines.state();
        if bytes > 0 && self.begun.is_none() {
            self.begun = Some(now());
        }
        while let Some(done) = self.finishing.try_join_next() {
            done??;
        }
        if !self.rotation.is_due(bytes, self.begun.map_or(0, |begun| now() - begun)) {
            return Ok(());
        }
        let part = Part { path, number: self.next, bytes, closed: None };
        self.frontier.begin_part(&part).await?;
        output::fault("part-begun");
        self.next += 1;
        self.begun = None;
        part.detach(self.rotation.compress)?;
        output::fault("part-detached");
        self.lines = JsonLines::open(&self.path, Some(0))?;
        let (frontier, rotation, index) = (self.frontier.clone(), self.rotation, self.index.clone());
        self.finishing.spawn(async move { finish(&frontier, part, rotation, &index).await });
        Ok(())
    }

    /// Waits for the parts being finished.
    ///
    /// # Errors
    ///
    /// What went wrong with one of them; the next start takes it up again.
    pub async fn close(&mut self) -> Result<(), SeriesError> {
        while let Some(done) = self.finishing.join_next().await {
            done??;
        }
        Ok(())
    }
}

async fn finish<F: Frontier>(
    frontier: &F,
    part: Part,
    rotation: Rotation,
    index: &Mutex<()>,
) -> Result<(), SeriesError> {
    let part = Arc::new(part);
    let work = part.clone();
    let closed = tokio::task::spawn_blocking(move || work.finish(rotation.compress)).await??;
    frontier.finish_part(&part, &closed).await?;
    part.tidy();
    let _turn = index.lock().await;
    let all: Vec<_> = frontier.parts(&part.path).await?.into_iter().filter_map(|part| part.closed).collect();
    Ok(write_index(Path::new(&part.path), &all)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontier::Batch;
    use crate::frontier::sqlite::SqliteFrontier;
    use crate::units::Size;
    use std::fs;

    /// Parts may be finished side by side, and each writes the index.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_index_has_every_part() {
        let dir = tempfile::tempdir().unwrap();
        let frontier = SqliteFrontier::open(&dir.path().join("frontier.sqlite")).await.unwrap();
        let path = dir.path().join("articles.jsonl");
        let rotation = Rotation { size: Some(Size(1)), ..Rotation::default() };
        let mut series = Series::open(frontier.clone(), &path, rotation).await.unwrap();
        for _ in 0..60 {
            series.lines.append(b"{}\n").unwrap();
            frontier.commit(&Batch { outputs: vec![series.lines.state()], ..Batch::default() }).await.unwrap();
            series.committed().await.unwrap();
        }
        series.close().await.unwrap();
        let index = fs::read(dir.path().join("articles-parts.json")).unwrap();
        assert_eq!(serde_json::from_slice::<Vec<serde_json::Value>>(&index).unwrap().len(), 60);
    }

    /// After an error nobody knows whether the state has what it was asked to note; opening the file anew finds out.
    #[tokio::test]
    async fn a_file_that_is_opened_anew_holds_what_the_state_says() {
        let dir = tempfile::tempdir().unwrap();
        let frontier = SqliteFrontier::open(&dir.path().join("frontier.sqlite")).await.unwrap();
        let path = dir.path().join("articles.jsonl");
        let mut series = Series::open(frontier.clone(), &path, Rotation::default()).await.unwrap();
        let commit = async |series: &Series<SqliteFrontier>| {
            let outputs = vec![series.lines.state()];
            frontier.commit(&Batch { outputs, ..Batch::default() }).await.unwrap();
        };
        commit(&series).await;
        series.lines.append(b"1\n").unwrap();
        commit(&series).await;
        series.reopen().await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1\n", "committed, though nobody was told");
        series.lines.append(b"2\n").unwrap();
        series.reopen().await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1\n", "not committed");
        // A part that was noted and not cut off.
        let part = Part { path: series.lines.state().0, number: 1, bytes: 2, closed: None };
        frontier.begin_part(&part).await.unwrap();
        series.reopen().await.unwrap();
        assert_eq!(fs::read(dir.path().join("articles-000001.jsonl")).unwrap(), b"1\n");
        series.lines.append(b"3\n").unwrap();
        commit(&series).await;
        assert_eq!((fs::read(&path).unwrap(), series.next), (b"3\n".to_vec(), 2));
        // What cannot be opened takes nothing.
        fs::write(&path, "torn").unwrap();
        assert!(series.reopen().await.is_err());
        assert!(series.lines.append(b"4\n").is_err());
        fs::write(&path, "3\n").unwrap();
        series.reopen().await.unwrap();
        series.lines.append(b"5\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"3\n5\n");
    }
}
