//! Power cuts: a kill leaves the page cache, a power cut does not. Every write and sync of a run is recorded; then the disk
//! is rebuilt as it could look after a cut at any point, with what was not synced kept, dropped or kept in part, and the
//! next start must find each committed record once and no torn line.
//!
//! The output goes through [`Appender`], so its writes are recorded there. The database's own promise under a cut is
//! SQLite's, tested by them with such replays; here the two are put together: the committed length that the database
//! holds is the one of the last transaction before the cut (`synchronous = FULL` syncs it before it returns).

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jingwen::output::{Appender, JsonLines};

/// What reached the disk's interface, in order.
#[derive(Debug, Clone)]
enum Event {
    Write(Vec<u8>),
    Sync,
    /// The database has durably committed this length.
    Commit(u64),
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Event>>>);

impl Recorder {
    fn note(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Appender for Recorder {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.note(Event::Write(bytes.to_vec()));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.note(Event::Sync);
        Ok(())
    }

    fn cut(&mut self, _len: u64) -> io::Result<()> {
        unreachable!("nothing is taken back in these runs")
    }
}

/// A run of several groups, each appended, synced and committed.
fn recorded(groups: usize) -> Vec<Event> {
    let recorder = Recorder::default();
    let mut out = JsonLines::on(Path::new("articles.jsonl"), Box::new(recorder.clone()), 0);
    let mut n = 0;
    for group in 0..groups {
        let mut lines = Vec::new();
        for _ in 0..=group % 3 {
            lines.extend_from_slice(format!("{{\"n\":{n},\"text\":\"{}\"}}\n", "海湾市".repeat(n % 5)).as_bytes());
            n += 1;
        }
        out.append(&lines).unwrap();
        recorder.note(Event::Commit(out.state().1));
        out.committed();
    }
    recorder.0.lock().unwrap().clone()
}

/// What may have become of the bytes that were not synced when the power went.
#[derive(Debug, Clone, Copy)]
enum Unsynced {
    Kept,
    Dropped,
    /// The first half.
    Torn,
    /// The file has grown, and the new bytes were never written.
    Zeros,
    /// The second half arrived, the first did not.
    Reordered,
}

/// The file and the committed length after a cut behind the first `cut` events.
fn after(events: &[Event], cut: usize, unsynced: Unsynced) -> (Vec<u8>, Option<u64>) {
    let (mut synced, mut pending, mut committed) = (Vec::new(), Vec::new(), None);
    for event in &events[..cut] {
        match event {
            Event::Write(bytes) => pending.extend_from_slice(bytes),
            Event::Sync => synced.append(&mut pending),
            Event::Commit(len) => committed = Some(*len),
        }
    }
    let half = pending.len() / 2;
    match unsynced {
        Unsynced::Kept => synced.append(&mut pending),
        Unsynced::Dropped => {}
        Unsynced::Torn => synced.extend_from_slice(&pending[..half]),
        Unsynced::Zeros => synced.resize(synced.len() + pending.len(), 0),
        Unsynced::Reordered => {
            synced.resize(synced.len() + half, 0);
            synced.extend_from_slice(&pending[half..]);
        }
    }
    (synced, committed)
}

#[test]
fn whatever_a_power_cut_leaves_the_next_start_is_sound() {
    let events = recorded(7);
    let mut cuts = 0;
    for cut in 0..=events.len() {
        for unsynced in [Unsynced::Kept, Unsynced::Dropped, Unsynced::Torn, Unsynced::Zeros, Unsynced::Reordered] {
            let (bytes, committed) = after(&events, cut, unsynced);
            let committed = committed.unwrap_or(0);
            assert!(bytes.len() as u64 >= committed, "committed before it was synced: {cut} {unsynced:?}");
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("articles.jsonl");
            fs::write(&path, &bytes).unwrap();
            // The crawl commits a length of 0 before its first append, so a first torn line is cut off as well.
            let mut out = JsonLines::open(&path, Some(committed)).unwrap();
            out.append(b"{\"n\":\"next\"}\n").unwrap();
            drop(out);
            let text = String::from_utf8(fs::read(&path).unwrap()).unwrap();
            let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
            let numbers: Vec<u64> = lines.iter().filter_map(|line| line["n"].as_u64()).collect();
            let whole: Vec<u64> = (0..numbers.len() as u64).collect();
            assert_eq!(numbers, whole, "{cut} {unsynced:?}");
            assert_eq!(lines.last().unwrap()["n"], "next");
            assert!(text.len() as u64 - 13 == committed, "{cut} {unsynced:?}");
            cuts += 1;
        }
    }
    println!("{cuts} power cuts, none lost or doubled a committed record");
}

#[test]
fn a_write_that_is_not_synced_before_the_commit_would_be_found_out() {
    // The test above must be able to fail: without the syncs it does.
    let events: Vec<Event> = recorded(3).into_iter().filter(|event| !matches!(event, Event::Sync)).collect();
    let lost = (0..=events.len()).any(|cut| {
        let (bytes, committed) = after(&events, cut, Unsynced::Dropped);
        (bytes.len() as u64) < committed.unwrap_or(0)
    });
    assert!(lost);
}
