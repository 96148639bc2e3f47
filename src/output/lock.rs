//! One process at a time: an advisory lock that the system gives up by itself when the process dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::OutputError;

/// Held for as long as a state folder is in use.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the lock of a state folder.
    pub fn take(folder: &Path) -> Result<Self, OutputError> {
        let path = folder.join("lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| OutputError::Open { path: path.clone(), source })?;
        try_lock(&file, folder)?;
        Ok(Self { _file: file })
    }
}

/// One of several folders beside each other, for processes that are alike and know of each other only that they may be
/// there: replicas of a container with one volume. State and output stay together in it, so whoever takes it next goes on
/// with both.
#[derive(Debug)]
pub struct Slot {
    /// The folder.
    pub folder: PathBuf,
    _lock: StateLock,
}

impl Slot {
    /// Takes the first of the folders `1`, `2`, … that no other process has; makes it if it is absent.
    ///
    /// # Errors
    ///
    /// A folder that cannot be made or locked.
    pub fn take(parent: &Path) -> Result<Self, OutputError> {
        let mut number = 1_u32;
        loop {
            let folder = parent.join(number.to_string());
            fs::create_dir_all(&folder).map_err(|source| OutputError::Open { path: folder.clone(), source })?;
            match StateLock::take(&folder) {
                Ok(lock) => return Ok(Self { folder, _lock: lock }),
                Err(OutputError::Locked { .. }) => number += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Its folder for the state.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Its folder for the output.
    pub fn out(&self) -> PathBuf {
        self.folder.join("out")
    }
}

/// Locks an open file for this process; `shown` is named in the error.
pub fn try_lock(file: &File, shown: &Path) -> Result<(), OutputError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(OutputError::Locked { path: shown.to_owned() }),
        Err(TryLockError::Error(source)) => Err(OutputError::Open { path: shown.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_takes_the_first_free_folder() {
        let dir = tempfile::tempdir().unwrap();
        let take = || Slot::take(dir.path()).unwrap();
        let number = |slot: &Slot| slot.folder.file_name().unwrap().to_str().unwrap().to_owned();
        let (one, two, three) = (take(), take(), take());
        assert_eq!([&one, &two, &three].map(number), ["1", "2", "3"]);
        drop(two);
        assert_eq!(number(&take()), "2", "whoever comes next goes on with what the last one left");
    }
}
