//! The statements that a crawl repeats. Each is one seek in an index, whatever the size of the file; a test asks SQLite
//! for its plan.

use std::sync::LazyLock;

pub const LEASE: &str = "UPDATE host SET leased = 1, epoch = epoch + 1, ready_at = ?3
    WHERE (bucket, host) IN (SELECT bucket, host FROM host WHERE active = ?4 AND active > 0 AND ready_at <= ?2 ORDER BY ready_at LIMIT ?1)
    RETURNING bucket, host, origin, epoch, not_before, asked, failures, refusals, robots, robots_state, robots_at,
        robots_etag, robots_modified";

pub const NEXT: &str = "SELECT near, id, due, kind, depth, hops, tries, path, etag, modified, rhythm, content,
        dated, history, revisits, requested, full_at FROM url
    WHERE bucket = ?1 AND host = ?2 AND (due, near, id) > (?3, ?4, ?5) AND due <= ?6 AND visited < ?7
    ORDER BY due, near, id LIMIT ?8";

pub const NEXT_RETRY: &str = "SELECT min(due) FROM url WHERE bucket = ?1 AND host = ?2 AND tries > 0";

pub const RELEASE: &str = "UPDATE host SET leased = 0, active = active * ?5, asked = max(asked, ?6),
        blocked = iif(not_before > ?7, blocked, NULL), ready_at = max(not_before,
        coalesce((SELECT due FROM url WHERE url.bucket = ?1 AND url.host = ?2 AND url.visited < ?4
                  ORDER BY due LIMIT 1), 9223372036854775807))
    WHERE bucket = ?1 AND host = ?2 AND epoch = ?3";

pub const DONE: &str = "DELETE FROM url WHERE (bucket, host, near, id) IN
    (SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1))";

pub const SEEN: &str = "INSERT OR IGNORE INTO seen (bucket, host, near, id)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1)";

pub const AGAIN: &str =
    "UPDATE url SET due = ?5, visited = ?6, tries = 0, etag = ?7, modified = ?8, rhythm = ?9, content = ?10,
        full_at = ?11, history = ?12, failed_at = ?13, kind = CASE kind WHEN 4 THEN 1 ELSE kind END
    WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4";

/// A sitemap that its index says has changed at a time.
pub const DATED: &str = "UPDATE url SET dated = 1, due = iif(visited < ?5, min(due, ?6), due)
    WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4";

/// The same of an article.
pub const DATED_ARTICLE: &str =
    "INSERT OR IGNORE INTO url (bucket, host, near, id, due, kind, depth, path, etag, modified, content)
    SELECT bucket, host, near, id, ?6, 5, 1, path, etag, modified, text FROM recent
    WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4 AND looked < ?5";

pub const RECHECK: &str =
    "INSERT OR IGNORE INTO url (bucket, host, near, id, due, kind, depth, path, etag, modified, content)
    SELECT bucket, host, near, id, ?2, 5, 1, path, etag, modified, text FROM recent
    WHERE at >= ?1 AND (bucket, host) IN (SELECT bucket, host FROM host WHERE active = ?4)
        AND (?5 = 0 OR looked + max(300000, (?2 - at) / 2) <= ?2)
        AND (?3 IS NULL OR (bucket, host, near, id) IN
            (SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?3)))";

pub const RECENT: &str = "INSERT INTO recent (bucket, host, near, id, at, looked, path, etag, modified, text)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8 FROM json_each(?1) WHERE true
    ON CONFLICT (bucket, host, near, id) DO UPDATE SET looked = excluded.looked, etag = excluded.etag,
        modified = excluded.modified, text = excluded.text";

pub const GONE: &str = "DELETE FROM recent WHERE (bucket, host, near, id) IN
    (SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1))";

pub const RETRY: &str = "UPDATE url SET due = ?5, tries = ?6, history = ?7, failed_at = ?8
    WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4";

pub const POSTPONE: &str = "UPDATE url SET due = ?5 WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4";

pub const FORGET: &str = "DELETE FROM url WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4";

pub const ENDINGS: &str =
    "INSERT OR REPLACE INTO ending (bucket, host, near, id, at, reason, detail, revisits, revisit_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8
    FROM json_each(?1)";

pub const RECOVERED: &str = "DELETE FROM ending WHERE (bucket, host, near, id) IN
    (SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1))";

/// Before the visits of the same batch are done with: one that is left out by its own date is done as well.
pub const LEFT_OUT: &str = "INSERT INTO left_out (bucket, host, near, id, published, fetched, kind, depth, path)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8
    FROM json_each(?1) AS j WHERE NOT EXISTS (SELECT 1 FROM seen AS s WHERE s.bucket = j.value ->> 0
        AND s.host = j.value ->> 1 AND s.near = j.value ->> 2 AND s.id = j.value ->> 3)
    ON CONFLICT (bucket, host, near, id) DO UPDATE SET published = excluded.published, fetched = excluded.fetched";

/// Links that name a list: of those not noted as named lately.
pub const NAMED: &str = "UPDATE url SET named_at = ?2 WHERE named_at < ?3 AND (bucket, host, near, id) IN
    (SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1))";

pub const REQUESTED: &str =
    "UPDATE url SET requested = ?5 WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4 AND visited = 0";

/// What takes a rejected address into the queue again, in this order. The first:
/// Its key.
pub const REVISIT_UNSEEN: &str = "DELETE FROM seen WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4";
/// Its key, then due, kind, depth, path.
pub const REVISIT: &str = "INSERT OR IGNORE INTO url (bucket, host, near, id, due, kind, depth, path, revisits)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, revisits + 1 FROM ending
        WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4";
/// Its key.
pub const REVISIT_NOTED: &str =
    "UPDATE ending SET revisit_at = NULL WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4";

/// What has a page asked for once more, in this order. The first: its key.
pub const AGAIN_UNSEEN: &str = "DELETE FROM seen WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4";
/// Its key.
pub const AGAIN_NOT_ENDED: &str = "DELETE FROM ending WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4";
/// Its key, then due, kind, depth, path.
pub const AGAIN_QUEUED: &str = "INSERT INTO url (bucket, host, near, id, due, kind, depth, path)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (bucket, host, near, id) DO UPDATE SET due = excluded.due, visited = 0";

pub const LEFT_OUT_HOSTS: &str = "SELECT bucket, host, origin FROM host WHERE active = ?1 AND EXISTS
    (SELECT 1 FROM left_out AS l WHERE l.bucket = host.bucket AND l.host = host.host)";

/// What takes into the queue what was left out of a host, in this order: its key, from, to, now.
pub const ADMIT: &str = "INSERT OR IGNORE INTO url (bucket, host, near, id, due, kind, depth, path)
        SELECT bucket, host, near, id, ?5, kind, depth, path FROM left_out AS l
        WHERE bucket = ?1 AND host = ?2 AND published >= ?3 AND published < ?4
            AND (fetched = 1 OR NOT EXISTS (SELECT 1 FROM seen AS s
                WHERE s.bucket = l.bucket AND s.host = l.host AND s.near = l.near AND s.id = l.id))";
/// What is no longer known of them then: the same values.
pub const ADMIT_REST: [&str; 3] = [
    "DELETE FROM seen WHERE (bucket, host, near, id) IN (SELECT bucket, host, near, id FROM left_out
        WHERE bucket = ?1 AND host = ?2 AND published >= ?3 AND published < ?4 AND fetched = 1)",
    "DELETE FROM ending WHERE (bucket, host, near, id) IN (SELECT bucket, host, near, id FROM left_out
        WHERE bucket = ?1 AND host = ?2 AND published >= ?3 AND published < ?4)",
    "DELETE FROM left_out WHERE bucket = ?1 AND host = ?2 AND published >= ?3 AND published < ?4",
];
/// Their host has something to do: the same values.
pub const ADMIT_HOST: &str =
    "UPDATE host SET ready_at = max(not_before, min(ready_at, ?5)) WHERE bucket = ?1 AND host = ?2 AND leased = 0";

/// A run's hosts are ready when something of them is due: never, run.
pub const MAKE_READY: &str = "UPDATE host SET ready_at = max(not_before, coalesce((SELECT min(due) FROM url
        WHERE url.bucket = host.bucket AND url.host = host.host), ?1)) WHERE active = ?2 AND leased = 0";

/// Marks more than a minute in the future, made by a clock that was ahead, are taken back: run, now. Whatever waits for its first visit or
/// was postponed is due as well; the host's own hold is what keeps it from being asked.
pub const HEAL_CLOCK: [&str; 4] = [
    "UPDATE host SET not_before = 0 WHERE active = ?1 AND leased = 0 AND held_at > ?2 + 60000",
    "UPDATE url SET due = ?2, visited = 0, full_at = 0 WHERE kind IN (1, 2, 3) AND visited > ?2 + 60000
        AND (bucket, host) IN (SELECT bucket, host FROM host WHERE active = ?1)",
    "UPDATE url SET due = ?2, failed_at = ?2 WHERE failed_at > ?2 + 60000
        AND (bucket, host) IN (SELECT bucket, host FROM host WHERE active = ?1)",
    "UPDATE url SET due = ?2 WHERE due > ?2 + 60000 AND kind IN (0, 4, 5) AND tries = 0
        AND (bucket, host) IN (SELECT bucket, host FROM host WHERE active = ?1)",
];

/// Lists that nothing has named since a time: run, time.
pub const EXPIRE_LISTS: &str = "DELETE FROM url WHERE kind IN (1, 2, 3) AND named_at > 0 AND named_at < ?2
    AND (bucket, host) IN (SELECT bucket, host FROM host WHERE active = ?1)";

pub const REVISITABLE: &str = "SELECT bucket, host, near, id FROM ending WHERE revisit_at <= ?2
        AND (bucket, host) IN (SELECT bucket, host FROM host WHERE active = ?1) LIMIT ?3";

pub const KNOWN_LISTS: &str = "SELECT bucket, host, near, id, path FROM url
    WHERE kind IN (1, 2, 3) AND (bucket, host) IN (SELECT bucket, host FROM host WHERE active = ?1)";

pub const KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM url WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4)
    OR EXISTS (SELECT 1 FROM seen WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4)";

/// Hosts of links found: new ones are made, known ones become ready; all take part in the run.
pub const HOSTS: &str = "INSERT INTO host (bucket, host, origin, ready_at, active)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, ?2 FROM json_each(?1) WHERE true
    ON CONFLICT (bucket, host) DO UPDATE SET active = excluded.active,
        ready_at = CASE WHEN leased = 1 THEN ready_at ELSE max(not_before, min(ready_at, excluded.ready_at)) END
        WHERE active <> excluded.active OR leased = 0 AND ready_at > max(not_before, excluded.ready_at)";

pub const TEXTS: &str = "SELECT hash, id FROM text WHERE hash IN (SELECT value FROM json_each(?1))";

pub const NEW_TEXTS: &str = "INSERT OR IGNORE INTO text (hash, id) SELECT value ->> 0, value ->> 1 FROM json_each(?1)";

pub const SKETCHES: &str = "INSERT OR REPLACE INTO sketch (slot, serial, id, hashes)
    SELECT value ->> 0, value ->> 1, value ->> 2, unhex(value ->> 3) FROM json_each(?1)";

pub const BUDGETS: &str = "INSERT OR REPLACE INTO budget (site, day, requests)
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)";

/// An output file has grown; its age counts from its first record.
pub const OUTPUT: &str = "INSERT INTO output (path, bytes, begun) VALUES (?1, ?2, iif(?2 > 0, ?3, 0))
    ON CONFLICT (path) DO UPDATE SET begun = iif(bytes = 0 OR begun = 0, excluded.begun, begun), bytes = excluded.bytes";

/// Most links in one statement.
const MOST_LINKS: usize = 128;

/// Statements that queue 128, 64, … 1 links: few texts, so each stays prepared. Values are bound and not passed as JSON,
/// which would be taken apart again for each of them.
pub static LINKS: LazyLock<Vec<(usize, String)>> = LazyLock::new(|| {
    let sizes = std::iter::successors(Some(MOST_LINKS), |n| (*n > 1).then_some(n / 2));
    sizes.map(|n| (n, links(n))).collect()
});

fn links(n: usize) -> String {
    let row = "(?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let rows = vec![row; n].join(", ");
    format!(
        "WITH j (bucket, host, near, id, due, kind, depth, hops, path) AS (VALUES {rows})
         INSERT OR IGNORE INTO url (bucket, host, near, id, due, kind, depth, hops, path)
         SELECT * FROM j WHERE NOT EXISTS (SELECT 1 FROM seen AS s
             WHERE s.bucket = j.bucket AND s.host = j.host AND s.near = j.near AND s.id = j.id)"
    )
}
