//! One process at a time: an advisory lock that the system gives up by itself when the process dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

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

/// Locks an open file for this process; `shown` is named in the error.
pub fn try_lock(file: &File, shown: &Path) -> Result<(), OutputError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(OutputError::Locked { path: shown.to_owned() }),
        Err(TryLockError::Error(source)) => Err(OutputError::Open { path: shown.to_owned(), source }),
    }
}
