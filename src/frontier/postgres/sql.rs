//! The statements that a crawl repeats. Each is a seek in an index for every row that it touches, whatever the size of the
//! tables; a test asks PostgreSQL for its plan.

/// The database's clock, in milliseconds: all workers see the same one.
macro_rules! clock {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    };
}
pub(super) use clock;

/// What is set for each connection. Plans must not hang on statistics, which come minutes after the rows, nor on how large
/// the tables were when a statement was first used: every statement of a crawl has an index to seek in, row by row. A
/// connection that is lost in the middle of a transaction must not hold its rows for long; and a commit that returns is on
/// the disk.
pub const SETTINGS: &str =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;
    SET plan_cache_mode = force_custom_plan;
    SET idle_in_transaction_session_timeout = '30s'; SET lock_timeout = '90s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Holds the worker's row until the transaction ends, if the identity is still this process's.
pub const HOLD_WORKER: &str = "SELECT 1 FROM worker WHERE id = $1 AND incarnation = $2 FOR NO KEY UPDATE";

pub const NEW_INCARNATION: &str = concat!(
    "INSERT INTO worker (id, incarnation, started) VALUES ($1, 1, ",
    clock!(),
    ") ON CONFLICT (id) DO UPDATE SET incarnation = worker.incarnation + 1, started = excluded.started
    RETURNING incarnation"
);

macro_rules! lease {
    ($from:literal) => {
        concat!(
            "WITH free AS (SELECT h.bucket, h.host FROM ",
            $from,
            " AND h.ready_at <= $3 AND (NOT h.leased OR h.ready_at <= ",
            clock!(),
            ") ORDER BY h.ready_at LIMIT $4 FOR NO KEY UPDATE OF h SKIP LOCKED)
    UPDATE host SET leased = TRUE, worker = $1, epoch = epoch + 1, ready_at = $5 + ",
            clock!(),
            ", asked = CASE WHEN host.leased THEN greatest(host.asked, $3) ELSE host.asked END
    FROM free WHERE host.bucket = free.bucket AND host.host = free.host
    RETURNING host.bucket::bigint, host.host, host.origin, host.epoch, host.not_before, host.asked, host.failures::bigint,
        host.refusals::bigint, host.robots, host.robots_state::bigint, host.robots_at, host.robots_etag, host.robots_modified"
        )
    };
}

// `OFFSET 0` has PostgreSQL begin with the run's own hosts, whatever it thinks of the other tables.

/// For a run of few hosts: looks at each of them, however many others are ready.
pub const LEASE_OF_FEW: &str = lease!(
    "(SELECT bucket, host FROM member WHERE worker = $1 AND run = $2 OFFSET 0) m
    JOIN host h ON h.bucket = m.bucket AND h.host = m.host WHERE TRUE"
);

/// For a run of many: looks at what is ready, the longest first, until enough of it is the run's.
pub const LEASE_OF_MANY: &str = lease!(
    // Not `EXISTS`, which may be turned into a join that goes through all of the run's hosts.
    "host h WHERE (SELECT TRUE FROM member m
        WHERE m.worker = $1 AND m.run = $2 AND m.bucket = h.bucket AND m.host = h.host)"
);

pub const NEXT: &str =
    "SELECT near, id, due, kind::bigint, depth::bigint, hops::bigint, tries::bigint, path, etag, modified,
        rhythm, content, dated, history, revisits::bigint, requested, full_at FROM url
    WHERE bucket = $1 AND host = $2 AND (due, near + 0, id + 0) > ($3, $4, $5) AND due <= $6 AND visited < $7
    ORDER BY due, near + 0, id + 0 LIMIT $8";

pub const NEXT_RETRY: &str = "SELECT min(due) FROM url WHERE bucket = $1 AND host = $2 AND tries > 0";

/// What a run may wait for: hosts that are held back, hosts of other workers until their leases end, and hosts that are
/// ready and whose rows another worker has locked for a moment.
pub const NEXT_WAIT: &str = "SELECT min(greatest(h.ready_at, $3)) FROM (SELECT bucket, host FROM member WHERE worker = $1 AND run = $2 OFFSET 0) m
    JOIN host h ON h.bucket = m.bucket AND h.host = m.host
    WHERE h.ready_at = h.not_before OR h.ready_at <= $3 OR h.leased AND h.worker <> $1";

/// A lease under the same epoch is the same lease.
pub const RENEW: &str = concat!(
    "UPDATE host SET ready_at = $1 + ",
    clock!(),
    " FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS k (bucket, host, epoch)
    WHERE host.bucket = k.bucket AND host.host = k.host AND host.epoch = k.epoch AND host.leased
    RETURNING host.bucket::bigint, host.host"
);

pub const RENEW_RUN: &str =
    concat!("UPDATE run SET alive_until = $3 + ", clock!(), " WHERE worker = $1 AND run = $2 AND NOT over");

/// Of a run that broke off.
pub const DROP: &str = "UPDATE host SET leased = FALSE, worker = NULL, asked = $2, ready_at = greatest(not_before, $2)
    FROM unnest($3::bigint[], $4::bigint[], $5::bigint[]) AS k (bucket, host, epoch)
    WHERE host.bucket = k.bucket AND host.host = k.host AND host.epoch = k.epoch AND host.leased AND host.worker = $1";

/// Before [`RELEASE`], which must see what was committed for the host up to this moment.
pub const HOLD_HOST: &str =
    "SELECT epoch = $3 AND leased AND worker = $4 FROM host WHERE bucket = $1 AND host = $2 FOR NO KEY UPDATE";

pub const RELEASE: &str = "UPDATE host SET leased = FALSE, worker = NULL, asked = greatest(asked, $4),
        blocked = CASE WHEN not_before > $5 THEN blocked END, ready_at = greatest(not_before,
        coalesce((SELECT due FROM url WHERE url.bucket = $1 AND url.host = $2 AND url.visited < $3
                  ORDER BY due, near + 0, id + 0 LIMIT 1), 9223372036854775807))
    WHERE bucket = $1 AND host = $2";

/// Holds hosts until the transaction ends, all transactions in one order, and tells whose leases they are.
pub const HOLD_HOSTS: &str = "SELECT h.bucket::bigint, h.host, h.origin, h.epoch, h.leased AND h.worker = $3 AS ours
    FROM host h JOIN unnest($1::bigint[], $2::bigint[]) AS k (bucket, host) ON h.bucket = k.bucket AND h.host = k.host
    ORDER BY h.bucket, h.host FOR NO KEY UPDATE OF h";

pub const DONE: &str = "DELETE FROM url USING unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
        AS k (bucket, host, near, id)
    WHERE url.bucket = k.bucket AND url.host = k.host AND url.near = k.near AND url.id = k.id";

pub const SEEN: &str = "INSERT INTO seen (bucket, host, near, id)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) ON CONFLICT DO NOTHING";

pub const AGAIN: &str = "UPDATE url SET due = $5, visited = $6, tries = 0, etag = $7, modified = $8, rhythm = $9,
        content = $10, full_at = $11, history = $12, failed_at = $13, kind = CASE kind WHEN 4 THEN 1 ELSE kind END
    WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";

pub const RETRY: &str = "UPDATE url SET due = $5, tries = $6, history = $7, failed_at = $8
    WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";

pub const POSTPONE: &str = "UPDATE url SET due = $5 WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";

pub const FORGET: &str = "DELETE FROM url WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";

pub const ENDINGS: &str =
    "INSERT INTO ending (bucket, host, near, id, at, reason, detail, revisits, revisit_at)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
        $8::bigint[], $9::bigint[]) AS j (bucket, host, near, id, at, reason, detail, revisits, revisit_at)
    ON CONFLICT (bucket, host, near, id) DO UPDATE SET at = excluded.at, reason = excluded.reason, detail = excluded.detail,
        revisits = excluded.revisits, revisit_at = excluded.revisit_at";

pub const RECOVERED: &str = "DELETE FROM ending USING unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
        AS k (bucket, host, near, id)
    WHERE ending.bucket = k.bucket AND ending.host = k.host AND ending.near = k.near AND ending.id = k.id";

/// Before the visits of the same batch are done with: one that is left out by its own date is done as well.
pub const LEFT_OUT: &str = "INSERT INTO left_out (bucket, host, near, id, published, fetched, kind, depth, path)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::bigint[],
        $8::bigint[], $9::text[]) AS j (bucket, host, near, id, published, fetched, kind, depth, path)
    WHERE NOT EXISTS (SELECT 1 FROM seen s
        WHERE s.bucket = j.bucket AND s.host = j.host AND s.near = j.near AND s.id = j.id)
    ON CONFLICT (bucket, host, near, id) DO UPDATE SET published = excluded.published, fetched = excluded.fetched";

/// Links that name a list: of those not noted as named lately.
pub const NAMED: &str = "UPDATE url SET named_at = $5
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS k (bucket, host, near, id)
    WHERE url.bucket = k.bucket AND url.host = k.host AND url.near = k.near AND url.id = k.id AND url.named_at < $6";

pub const REQUESTED: &str =
    "UPDATE url SET requested = $5 WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4 AND visited = 0";

/// What takes a rejected address into the queue again, in this order. The first:
/// Its key.
pub const REVISIT_UNSEEN: &str = "DELETE FROM seen WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";
/// Its key, then due, kind, depth, path.
pub const REVISIT: &str = "INSERT INTO url (bucket, host, near, id, due, kind, depth, path, revisits)
        SELECT bucket, host, near, id, $5, $6, $7, $8, revisits + 1 FROM ending
        WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4 ON CONFLICT DO NOTHING";
/// Its key.
pub const REVISIT_NOTED: &str =
    "UPDATE ending SET revisit_at = NULL WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";

macro_rules! member {
    ($of:literal) => {
        concat!(
            "(SELECT TRUE FROM member m WHERE m.worker = $1 AND m.run = $2 AND m.bucket = ",
            $of,
            ".bucket AND m.host = ",
            $of,
            ".host)"
        )
    };
}

/// What has a page asked for once more, in this order. The first: its key.
pub const AGAIN_UNSEEN: &str = "DELETE FROM seen WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";
/// Its key.
pub const AGAIN_NOT_ENDED: &str = "DELETE FROM ending WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";
/// Its key, then due, kind, depth, path.
pub const AGAIN_QUEUED: &str = "INSERT INTO url (bucket, host, near, id, due, kind, depth, path)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (bucket, host, near, id) DO UPDATE SET due = excluded.due, visited = 0";

pub const LEFT_OUT_HOSTS: &str = concat!(
    "SELECT bucket::bigint, host, origin FROM host WHERE ",
    member!("host"),
    " AND EXISTS (SELECT 1 FROM left_out l WHERE l.bucket = host.bucket AND l.host = host.host)"
);

/// What takes into the queue what was left out of a host, in this order: its key, from, to, now. The host's row is first, as
/// in commits.
pub const ADMIT: &str = "INSERT INTO url (bucket, host, near, id, due, kind, depth, path)
        SELECT bucket, host, near, id, $5, kind, depth, path FROM left_out l
        WHERE bucket = $1 AND host = $2 AND published >= $3 AND published < $4
            AND (fetched OR NOT EXISTS (SELECT 1 FROM seen s
                WHERE s.bucket = l.bucket AND s.host = l.host AND s.near = l.near AND s.id = l.id))
        ON CONFLICT DO NOTHING";
/// What is no longer known of them then: the same values.
pub const ADMIT_REST: [&str; 3] = [
    "DELETE FROM seen USING left_out l WHERE l.bucket = $1 AND l.host = $2 AND l.published >= $3 AND l.published < $4
        AND l.fetched AND seen.bucket = l.bucket AND seen.host = l.host AND seen.near = l.near AND seen.id = l.id
        AND $5::bigint IS NOT NULL",
    "DELETE FROM ending USING left_out l WHERE l.bucket = $1 AND l.host = $2 AND l.published >= $3 AND l.published < $4
        AND ending.bucket = l.bucket AND ending.host = l.host AND ending.near = l.near AND ending.id = l.id
        AND $5::bigint IS NOT NULL",
    "DELETE FROM left_out WHERE bucket = $1 AND host = $2 AND published >= $3 AND published < $4
        AND $5::bigint IS NOT NULL",
];
/// Their host has something to do: the same values.
pub const ADMIT_HOST: &str = "UPDATE host SET ready_at = greatest(not_before, least(ready_at, $5))
        WHERE bucket = $1 AND host = $2 AND NOT leased AND $3::bigint <= $4::bigint";

/// Marks more than a minute in the future, made by a clock that was ahead, are taken back: worker, run, now. Whatever waits
/// for its first visit or was postponed is due as well; the host's own hold is what keeps it from being asked.
pub const HEAL_CLOCK: [&str; 4] = [
    concat!("UPDATE host SET not_before = 0 WHERE NOT leased AND held_at > $3 + 60000 AND ", member!("host")),
    concat!(
        "UPDATE url SET due = $3, visited = 0, full_at = 0 WHERE kind IN (1, 2, 3) AND visited > $3 + 60000 AND ",
        member!("url")
    ),
    concat!("UPDATE url SET due = $3, failed_at = $3 WHERE failed_at > $3 + 60000 AND ", member!("url")),
    concat!("UPDATE url SET due = $3 WHERE due > $3 + 60000 AND kind IN (0, 4, 5) AND tries = 0 AND ", member!("url")),
];

/// Lists that nothing has named since a time: worker, run, time.
pub const EXPIRE_LISTS: &str =
    concat!("DELETE FROM url WHERE kind IN (1, 2, 3) AND named_at > 0 AND named_at < $3 AND ", member!("url"));

pub const REVISITABLE: &str = concat!(
    "SELECT bucket::bigint, host, near, id FROM ending WHERE revisit_at <= $3 AND ",
    member!("ending"),
    " LIMIT $4"
);

pub const KNOWN_LISTS: &str =
    concat!("SELECT bucket::bigint, host, near, id, path FROM url WHERE kind IN (1, 2, 3) AND ", member!("url"));

/// A sitemap that its index says has changed at a time.
pub const DATED: &str = "UPDATE url SET dated = TRUE, due = CASE WHEN visited < $5 THEN least(due, $6) ELSE due END
    WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4";

/// The same of an article.
pub const DATED_ARTICLE: &str =
    "INSERT INTO url (bucket, host, near, id, due, kind, depth, path, etag, modified, content)
    SELECT bucket, host, near, id, $6, 5, 1, path, etag, modified, text FROM recent
    WHERE bucket = $1 AND host = $2 AND near = $3 AND id = $4 AND looked < $5 ON CONFLICT DO NOTHING";

/// Hosts of links found: new ones are made, known ones become ready.
pub const HOSTS: &str = "INSERT INTO host (bucket, host, origin, ready_at)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) AS j (bucket, host, origin, due)
    ORDER BY bucket, host
    ON CONFLICT (bucket, host) DO UPDATE SET
        ready_at = greatest(host.not_before, least(host.ready_at, excluded.ready_at))
        WHERE NOT host.leased AND host.ready_at > greatest(host.not_before, excluded.ready_at)";

pub const MEMBERS: &str = "INSERT INTO member (worker, run, bucket, host)
    SELECT $1, $2, bucket, host FROM unnest($3::bigint[], $4::bigint[]) AS j (bucket, host) ON CONFLICT DO NOTHING";

pub const LINKS: &str = "INSERT INTO url (bucket, host, near, id, due, kind, depth, hops, path)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::text[]) AS j (bucket, host, near, id, due, kind, depth, hops, path)
    WHERE NOT EXISTS (SELECT 1 FROM seen s
        WHERE s.bucket = j.bucket AND s.host = j.host AND s.near = j.near AND s.id = j.id)
    ON CONFLICT DO NOTHING";

pub const KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM url u
            WHERE u.bucket = k.bucket AND u.host = k.host AND u.near = k.near AND u.id = k.id)
        OR EXISTS (SELECT 1 FROM seen s WHERE s.bucket = k.bucket AND s.host = k.host AND s.near = k.near AND s.id = k.id)
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS k (bucket, host, near, id, n)
    ORDER BY k.n";

pub const TEXTS: &str = "SELECT hash, id FROM text WHERE hash = ANY ($1)";

pub const NEW_TEXTS: &str =
    "INSERT INTO text (hash, id) SELECT * FROM unnest($1::bigint[], $2::text[]) ON CONFLICT DO NOTHING";

pub const SKETCHES: &str = "INSERT INTO sketch (worker, slot, serial, id, hashes)
    SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bytea[])
    ON CONFLICT (worker, slot) DO UPDATE SET serial = excluded.serial, id = excluded.id, hashes = excluded.hashes";

pub const RECENT: &str = "INSERT INTO recent (bucket, host, near, id, at, looked, path, etag, modified, text)
    SELECT bucket, host, near, id, looked, looked, path, etag, modified, text
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[],
        $9::bigint[]) AS j (bucket, host, near, id, looked, path, etag, modified, text)
    ON CONFLICT (bucket, host, near, id) DO UPDATE SET looked = excluded.looked, etag = excluded.etag,
        modified = excluded.modified, text = excluded.text";

pub const GONE: &str = "DELETE FROM recent USING unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
        AS k (bucket, host, near, id)
    WHERE recent.bucket = k.bucket AND recent.host = k.host AND recent.near = k.near AND recent.id = k.id";

pub const BUDGETS: &str = "INSERT INTO budget (site, worker, day, requests)
    SELECT site, $1, day, requests FROM unnest($2::text[], $3::text[], $4::bigint[]) AS j (site, day, requests)
    ON CONFLICT (site, worker) DO UPDATE SET day = excluded.day, requests = excluded.requests";

/// An output file has grown; its age counts from its first record.
pub const OUTPUT: &str = "INSERT INTO output (worker, path, bytes, begun)
    VALUES ($1, $2, $3, CASE WHEN $3 > 0 THEN $4 ELSE 0 END)
    ON CONFLICT (worker, path) DO UPDATE SET bytes = excluded.bytes,
        begun = CASE WHEN output.bytes = 0 OR output.begun = 0 THEN excluded.begun ELSE output.begun END";

/// The earliest start among other workers' runs that have hosts of this one and are under way, or ended a moment ago.
pub const SINCE: &str = concat!(
    "SELECT min(r.began) FROM run r WHERE r.worker <> $1 AND r.alive_until > ",
    clock!(),
    " AND EXISTS (SELECT 1 FROM member a JOIN member b ON b.bucket = a.bucket AND b.host = a.host
        WHERE a.worker = $1 AND a.run = $2 AND b.worker = r.worker AND b.run = r.run)"
);

/// When a run begins: what a run before left for later because it had seen it is for this one to look at, and plans may have
/// changed; the gate looks at them anew before anything is asked. Only what changes is written.
pub const BEGIN: &str = "WITH late AS (SELECT h.bucket, h.host,
        CASE WHEN h.blocked LIKE $3 || '%' THEN 0 ELSE h.not_before END AS not_before,
        CASE WHEN h.blocked LIKE $3 || '%' THEN NULL ELSE h.blocked END AS blocked,
        coalesce((SELECT min(due) FROM url WHERE url.bucket = h.bucket AND url.host = h.host), 9223372036854775807) AS due
    FROM (SELECT bucket, host FROM member WHERE worker = $1 AND run = $2 OFFSET 0) m
    JOIN host h ON h.bucket = m.bucket AND h.host = m.host
    WHERE NOT h.leased AND (h.blocked LIKE $3 || '%' OR h.ready_at > greatest(h.not_before,
        coalesce((SELECT min(due) FROM url WHERE url.bucket = h.bucket AND url.host = h.host), 9223372036854775807)))
    ORDER BY h.bucket, h.host FOR NO KEY UPDATE OF h)
    UPDATE host SET not_before = late.not_before, blocked = late.blocked, ready_at = greatest(late.not_before, late.due)
    FROM late WHERE host.bucket = late.bucket AND host.host = late.host";

/// Of the run's recurring pages those that no worker has asked since a time.
pub const WAKE: &str = "UPDATE url SET due = $3
    FROM (SELECT bucket, host FROM member WHERE worker = $1 AND run = $2 OFFSET 0) m
    WHERE url.bucket = m.bucket AND url.host = m.host AND url.kind IN (1, 2, 3)
        AND url.due > $3 AND url.tries = 0 AND NOT url.dated AND url.visited <= $4";

pub const WAKE_HOSTS: &str = "UPDATE host SET ready_at = greatest(not_before, least(ready_at, $3))
    FROM (SELECT bucket, host FROM member WHERE worker = $1 AND run = $2 OFFSET 0) m
    WHERE host.bucket = m.bucket AND host.host = m.host AND NOT host.leased
        AND host.ready_at > greatest(host.not_before, $3)
        AND EXISTS (SELECT 1 FROM url WHERE url.bucket = host.bucket AND url.host = host.host AND url.kind IN (1, 2, 3)
                    AND url.visited <= $4)";

pub const RECHECK: &str = "INSERT INTO url (bucket, host, near, id, due, kind, depth, path, etag, modified, content)
    SELECT r.bucket, r.host, r.near, r.id, $4, 5, 1, r.path, r.etag, r.modified, r.text
    FROM (SELECT bucket, host FROM member WHERE worker = $1 AND run = $2 OFFSET 0) m
    JOIN recent r ON r.bucket = m.bucket AND r.host = m.host
    WHERE r.at >= $3 AND r.looked <= $5
        AND (NOT $10::boolean OR r.looked + greatest(300000, ($4 - r.at) / 2) <= $4)
        AND ($6::bigint[] IS NULL OR EXISTS (SELECT 1 FROM unnest($6, $7::bigint[], $8::bigint[], $9::bigint[])
            AS k (bucket, host, near, id)
            WHERE k.bucket = r.bucket AND k.host = r.host AND k.near = r.near AND k.id = r.id))
    ON CONFLICT DO NOTHING";

pub const RECHECK_HOSTS: &str = "UPDATE host SET ready_at = greatest(not_before, least(ready_at, $4))
    FROM (SELECT bucket, host FROM member WHERE worker = $1 AND run = $2 OFFSET 0) m
    WHERE host.bucket = m.bucket AND host.host = m.host AND NOT host.leased
        AND host.ready_at > greatest(host.not_before, $4)
        AND EXISTS (SELECT 1 FROM recent r WHERE r.bucket = host.bucket AND r.host = host.host AND r.at >= $3)";
