//! Telling someone: what happened becomes a message to a webhook or a program, kept until it is delivered.
//!
//! [`Notifier::send`] writes an [`Event`] and one delivery for each [`Hook`] that wants it into SQLite;
//! [`Notifier::run`] delivers, tries again and records. Between the two there is only the file, so nothing that was said
//! is lost with the process. A delivery whose answer was lost with the process is made again: every message carries a
//! number (`X-Jingwen-Delivery`) by which the other side can know it.
//!
//! [`hook`] is the configuration, [`message`] the texts and signatures (pure), `deliver` makes one delivery, `queue` is
//! the file, `notifier` the loop.

mod deliver;
pub mod hook;
pub mod message;
mod notifier;
mod queue;
pub mod sign;
pub mod template;

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use hook::{Format, Hook, HookError, check};
pub use notifier::{HookCounts, Notifier, Pace, Told};
pub use queue::{Attempt, NotifyError, Outcome, Recent};

/// Something that happened, with all that a reader needs to judge it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What sort of thing.
    pub kind: EventKind,
    /// The site it is about; none where it is about the whole program.
    pub site: Option<String>,
    /// One line that says it. Events with the same kind, site and title are the same to the flood guard, so what changes
    /// from one time to the next (counts, times) belongs into `detail`.
    pub title: String,
    /// The same in full.
    pub detail: String,
    /// What was looked for and not found (a selector, an article, an answer).
    pub looked_for: Option<String>,
    /// Since when.
    pub since: Option<String>,
    /// Where it can be seen: addresses, lines, numbers.
    pub evidence: Vec<String>,
    /// How to silence it rightly: `jingwen drift --forget sznews`, the pause button, a hook's `kinds`.
    pub silence: String,
    /// The same for programs.
    pub data: serde_json::Value,
}

impl Event {
    /// An event of now without particulars.
    pub fn new(kind: EventKind, title: impl Into<String>) -> Self {
        Self {
            at: Timestamp::now(),
            kind,
            site: None,
            title: title.into(),
            detail: String::new(),
            looked_for: None,
            since: None,
            evidence: Vec::new(),
            silence: String::new(),
            data: serde_json::Value::Null,
        }
    }
}

/// What sort of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A run finished.
    Run,
    /// A part of the output finished.
    Part,
    /// A site is no longer as its selector file says.
    Drift,
    /// A site has had no new article for longer than its own rhythm explains.
    Silent,
    /// What was told of a site before is over.
    Recovered,
    /// A host refuses us or does not answer, and is left alone for a while.
    Blocked,
    /// A run was missed, or was left out because the one before was still going.
    Missed,
    /// A changed configuration or selector file is wrong; the one before stays in force.
    BadReload,
    /// A changed configuration or selector file is in force.
    Reloaded,
    /// A run failed.
    Failed,
    /// A list could not be had or read.
    ListFailed,
    /// A list was read and gave nothing.
    ListEmpty,
    /// A list that failed or gave nothing is read again.
    ListRecovered,
    /// Another program cut, moved, replaced or wrote to an output file.
    OutputTouched,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Run,
        Self::Part,
        Self::Drift,
        Self::Silent,
        Self::Recovered,
        Self::Blocked,
        Self::Missed,
        Self::BadReload,
        Self::Reloaded,
        Self::Failed,
        Self::ListFailed,
        Self::ListEmpty,
        Self::ListRecovered,
        Self::OutputTouched,
    ];

    /// As configuration and messages write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Part => "part",
            Self::Drift => "drift",
            Self::Silent => "silent",
            Self::Recovered => "recovered",
            Self::Blocked => "blocked",
            Self::Missed => "missed",
            Self::BadReload => "bad-reload",
            Self::Reloaded => "reloaded",
            Self::Failed => "failed",
            Self::ListFailed => "list-failed",
            Self::ListEmpty => "list-empty",
            Self::ListRecovered => "list-recovered",
            Self::OutputTouched => "output-touched",
        }
    }

    /// What says that trouble of this kind is over.
    pub fn recovery(self) -> Self {
        match self {
            Self::ListFailed | Self::ListEmpty | Self::ListRecovered => Self::ListRecovered,
            _ => Self::Recovered,
        }
    }

    /// True for what tells of trouble or of its end. The others happen all the time when all is well, and only hooks
    /// that name them hear of them.
    pub fn is_loud(self) -> bool {
        !matches!(self, Self::Run | Self::Part | Self::Reloaded)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_written_as_they_are_read() {
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
