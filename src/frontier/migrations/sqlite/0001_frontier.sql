-- The frontier. Times are milliseconds since 1970; 9223372036854775807 stands for never.
-- Keys: bucket (0..255, from the exact host name), host (8 bytes of its hash), near (puts addresses that look alike side by
-- side), id (8 bytes of the path's hash).

CREATE TABLE host (
    bucket      INTEGER NOT NULL,
    host        INTEGER NOT NULL,
    origin      TEXT    NOT NULL,            -- scheme://name[:port]
    ready_at    INTEGER NOT NULL,            -- when it may be leased next; while leased, the lease's deadline
    epoch       INTEGER NOT NULL DEFAULT 0,  -- counts leases; a commit under an older one is refused
    leased      INTEGER NOT NULL DEFAULT 0,
    active      INTEGER NOT NULL DEFAULT 1,  -- 0: not part of this run
    not_before  INTEGER NOT NULL DEFAULT 0,  -- Retry-After, backoff or block
    failures    INTEGER NOT NULL DEFAULT 0,  -- in a row
    blocked     TEXT,                        -- why it is left alone
    robots      BLOB,
    robots_state INTEGER,                    -- 0: none there (4xx), 1: file, 2: could not be had
    robots_at   INTEGER,
    PRIMARY KEY (bucket, host)
) WITHOUT ROWID;
CREATE INDEX host_ready ON host (ready_at) WHERE active = 1;

CREATE TABLE url (
    bucket   INTEGER NOT NULL,
    host     INTEGER NOT NULL,
    near     INTEGER NOT NULL,
    id       INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    kind     INTEGER NOT NULL,               -- 0 article, 1 list, 2 feed, 3 sitemap, 4 unknown
    depth    INTEGER NOT NULL,               -- links from a seed
    hops     INTEGER NOT NULL DEFAULT 0,     -- redirects that led here
    tries    INTEGER NOT NULL DEFAULT 0,     -- failures so far; above 0 it waits for a retry
    visited  INTEGER NOT NULL DEFAULT 0,     -- last visit, for pages that are visited again
    path     TEXT    NOT NULL,               -- path and query
    etag     TEXT,
    modified TEXT,                           -- Last-Modified as the server sent it
    PRIMARY KEY (bucket, host, near, id)
) WITHOUT ROWID;
CREATE INDEX url_due ON url (bucket, host, due);
CREATE INDEX url_retry ON url (bucket, host, due) WHERE tries > 0;
CREATE INDEX url_again ON url (bucket, host) WHERE kind IN (1, 2, 3);

-- Pages that are done: only what is needed to know them again.
CREATE TABLE seen (
    bucket INTEGER NOT NULL,
    host   INTEGER NOT NULL,
    near   INTEGER NOT NULL,
    id     INTEGER NOT NULL,
    PRIMARY KEY (bucket, host, near, id)
) WITHOUT ROWID;

-- Committed length of each output file, by absolute path.
CREATE TABLE output (
    path  TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;
