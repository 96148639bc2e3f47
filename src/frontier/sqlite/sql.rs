//! The statements that a crawl repeats. Each is one seek in an index, whatever the size of the file; a test asks SQLite
//! for its plan.

use std::sync::LazyLock;

pub const LEASE: &str = "UPDATE host SET leased = 1, epoch = epoch + 1, ready_at = ?3
    WHERE (bucket, host) IN (SELECT bucket, host FROM host WHERE active = ?4 AND active > 0 AND ready_at <= ?2 ORDER BY ready_at LIMIT ?1)
    RETURNING bucket, host, origin, epoch, not_before, asked, failures, robots, robots_state, robots_at, robots_etag,
        robots_modified";

pub const NEXT: &str = "SELECT near, id, due, kind, depth, hops, tries, path, etag, modified, rhythm, content,
        dated FROM url
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
        kind = CASE kind WHEN 4 THEN 1 ELSE kind END
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

pub const RETRY: &str = "UPDATE url SET due = ?5, tries = ?6 WHERE bucket = ?1 AND host = ?2 AND near = ?3 AND id = ?4";

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
