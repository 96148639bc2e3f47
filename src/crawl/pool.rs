//! Threads that clean pages: as many as there are processors, and always the same ones, so that what they keep for
//! themselves (the automata of regexes above all) is there once for each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use tokio::sync::{Semaphore, oneshot};

use crate::lock::lock;

type Job = Box<dyn FnOnce() + Send>;

/// Why a job gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// It panicked; the panic was told on stderr.
    #[error("it panicked: {0}")]
    Panicked(String),
    /// The threads are gone.
    #[error("the program is ending")]
    Gone,
}

/// The threads.
pub struct Pool {
    jobs: mpsc::Sender<Job>,
    /// Bounds pages fetched and waiting, so that fetching cannot run ahead of cleaning.
    places: Arc<Semaphore>,
}

/// Does a job on the calling thread, as the pool would.
///
/// # Errors
///
/// [`PoolError::Panicked`] where it panicked.
pub fn here<T>(job: impl FnOnce() -> T) -> Result<T, PoolError> {
    catch_unwind(AssertUnwindSafe(job)).map_err(|panic| PoolError::Panicked(said(panic.as_ref())))
}

/// A page's place in the queue.
pub struct Place<'a> {
    pool: &'a Pool,
    permit: Option<tokio::sync::OwnedSemaphorePermit>,
}

impl Pool {
    /// Starts threads, which end with the pool.
    ///
    /// # Errors
    ///
    /// What the system says if it gives no thread at all.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for n in 0..threads.max(1) {
            let queue = queue.clone();
            let body = move || {
                loop {
                    // The lock is held while waiting: whoever holds it is the one that gets the next job.
                    let job = lock(&queue).recv();
                    match job {
                        Ok(job) => job(),
                        Err(mpsc::RecvError) => return,
                    }
                }
            };
            match thread::Builder::new().name(format!("clean-{n}")).spawn(body) {
                Ok(_) => {}
                Err(error) if n == 0 => return Err(error),
                Err(error) => tracing::warn!(%error, threads = n, "fewer threads than wanted"),
            }
        }
        Ok(Self { jobs, places: Arc::new(Semaphore::new(threads.max(1) * 2)) })
    }

    /// Waits for a place in the queue.
    pub async fn place(&self) -> Place<'_> {
        // The semaphore is never closed.
        Place { pool: self, permit: self.places.clone().acquire_owned().await.ok() }
    }
}

impl Place<'_> {
    /// Has something done on one of the threads.
    ///
    /// # Errors
    ///
    /// [`PoolError::Panicked`] where it panicked; the thread goes on.
    pub async fn run<T: Send + 'static>(self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, PoolError> {
        let (answer, done) = oneshot::channel();
        let job = move || {
            // Nobody may be waiting any more; then the answer is for nothing.
            let _ = answer.send(catch_unwind(AssertUnwindSafe(job)));
        };
        self.pool.jobs.send(Box::new(job)).map_err(|_| PoolError::Gone)?;
        let result = done.await.map_err(|_| PoolError::Gone)?;
        drop(self.permit);
        result.map_err(|panic| PoolError::Panicked(said(panic.as_ref())))
    }
}

/// What a panic said.
pub fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a word".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer_and_the_thread_goes_on() {
        let pool = Pool::new(1).unwrap();
        let failed = pool.place().await.run(|| -> u8 { panic!("a bad page") }).await;
        assert!(failed.unwrap_err().to_string().contains("a bad page"));
        assert_eq!(pool.place().await.run(|| 7).await.unwrap(), 7);
    }
}
