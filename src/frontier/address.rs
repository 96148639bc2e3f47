//! What is known of one address: the statements, which both databases take, and what their rows say.

use super::admin::AddressState;
use super::rows::{self, Cells};

/// Its place in the queue. As in all of these, `$1` to `$4` are its key.
pub const QUEUED: &str =
    "SELECT CAST(kind AS bigint) AS kind, due, CAST(depth AS bigint) AS depth, visited, history, requested
    FROM url WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";
/// Why it gave no article.
pub const ENDING: &str = "SELECT at, reason, detail, CAST(revisits AS bigint) AS revisits, revisit_at FROM ending
    WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";
/// When it was published, where runs left it out for that.
pub const LEFT_OUT: &str = "SELECT published FROM left_out WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";
/// When its article was first written.
pub const WRITTEN: &str = "SELECT at FROM recent WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";
/// Whether it is done.
pub const DONE: &str = "SELECT near FROM seen WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";
/// Until when its host is held, and why: of the key only the host.
pub const HOLD: &str = "SELECT origin, not_before AS until, blocked, CAST(0 AS bigint) AS waiting FROM host
    WHERE bucket = $1 AND host = $2";

/// The rows that the statements gave.
pub struct AddressRows<R> {
    /// Of [`QUEUED`].
    pub queued: Option<R>,
    /// Of [`ENDING`].
    pub ending: Option<R>,
    /// Of [`LEFT_OUT`].
    pub left_out: Option<R>,
    /// Of [`WRITTEN`].
    pub written: Option<R>,
    /// Of [`DONE`].
    pub done: Option<R>,
    /// Of [`HOLD`].
    pub hold: Option<R>,
}

impl<R: Cells> AddressRows<R> {
    /// The same as a value.
    pub fn read(&self) -> Result<AddressState, sqlx::Error> {
        Ok(AddressState {
            queued: self.queued.as_ref().map(rows::queued).transpose()?,
            is_done: self.done.is_some(),
            ending: self.ending.as_ref().map(rows::ending).transpose()?,
            left_out: self.left_out.as_ref().map(|row| row.number("published")).transpose()?,
            written_at: self.written.as_ref().map(|row| row.number("at")).transpose()?,
            host: self.hold.as_ref().map(rows::held_back).transpose()?,
        })
    }
}
