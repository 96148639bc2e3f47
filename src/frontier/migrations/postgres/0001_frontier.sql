-- The frontier that many workers share. Times are milliseconds since 1970; 9223372036854775807 stands for never.
-- Keys: bucket (0..255, from the exact host name) first, so that a sharded store can place them; host (8 bytes of its
-- hash), near (puts addresses that look alike side by side), id (8 bytes of the path's hash). Columns stand in the order of
-- their size, so that nothing is lost between them.

-- Processes that crawl, each with folders of its own. Whoever commits holds its row, so a start that counts `incarnation` up
-- waits for the last commit of a process that has died, and shuts out one that has not.
CREATE TABLE worker (
    id          BIGINT PRIMARY KEY,            -- the file STATE/worker
    incarnation BIGINT NOT NULL,               -- counts starts
    started     BIGINT NOT NULL
);

-- Runs under way, and those that ended a moment ago.
CREATE TABLE run (
    worker      BIGINT  NOT NULL,
    run         BIGINT  NOT NULL,              -- of this worker's present process
    began       BIGINT  NOT NULL,
    alive_until BIGINT  NOT NULL,              -- counts as under way until then
    over        BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (worker, run)
);

CREATE TABLE host (
    host        BIGINT   NOT NULL,
    ready_at    BIGINT   NOT NULL,             -- when it may be leased next; while leased, the lease's deadline
    epoch       BIGINT   NOT NULL DEFAULT 0,   -- counts leases; a commit under an older one is refused
    worker      BIGINT,                        -- whose lease it is; none where it is not leased
    not_before  BIGINT   NOT NULL DEFAULT 0,   -- Retry-After, backoff or block
    asked       BIGINT   NOT NULL DEFAULT 0,   -- when it was last asked; while leased this may be behind
    robots_at   BIGINT,
    failures    INTEGER  NOT NULL DEFAULT 0,   -- in a row
    bucket      SMALLINT NOT NULL,
    robots_state SMALLINT,                     -- 0: none there (4xx), 1: file, 2: could not be had
    leased      BOOLEAN  NOT NULL DEFAULT FALSE,
    origin      TEXT     NOT NULL,             -- scheme://name[:port]
    blocked     TEXT,                          -- why it is left alone
    robots_etag TEXT,
    robots_modified TEXT,
    robots      BYTEA,
    PRIMARY KEY (bucket, host)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX host_ready ON host (ready_at);
CREATE INDEX host_leased ON host (worker) WHERE worker IS NOT NULL;

-- Which hosts take part in which run.
CREATE TABLE member (
    worker BIGINT   NOT NULL,
    run    BIGINT   NOT NULL,
    host   BIGINT   NOT NULL,
    bucket SMALLINT NOT NULL,
    PRIMARY KEY (worker, run, bucket, host)
);
CREATE INDEX member_host ON member (bucket, host);

CREATE TABLE url (
    host     BIGINT   NOT NULL,
    near     BIGINT   NOT NULL,
    id       BIGINT   NOT NULL,
    due      BIGINT   NOT NULL,
    visited  BIGINT   NOT NULL DEFAULT 0,      -- last visit, for pages that are visited again
    rhythm   BIGINT   NOT NULL DEFAULT 0,      -- how often a list changes, learnt from visit to visit
    content  BIGINT,                           -- hash of the links or the text it had
    depth    INTEGER  NOT NULL,                -- links from a seed
    tries    INTEGER  NOT NULL DEFAULT 0,      -- failures so far; above 0 it waits for a retry
    bucket   SMALLINT NOT NULL,
    kind     SMALLINT NOT NULL,                -- 0 article, 1 list, 2 feed, 3 sitemap, 4 unknown, 5 article looked at again
    hops     SMALLINT NOT NULL DEFAULT 0,      -- redirects that led here
    dated    BOOLEAN  NOT NULL DEFAULT FALSE,  -- a sitemap whose index says when it changed
    path     TEXT     NOT NULL,                -- path and query
    etag     TEXT,
    modified TEXT                              -- Last-Modified as the server sent it
);
-- As long as there are no statistics, all of these look equally good for a look-up by the key. The sums, and the primary key
-- being the youngest, make PostgreSQL take that one.
CREATE INDEX url_due ON url (bucket, host, due, (near + 0), (id + 0));
CREATE INDEX url_retry ON url (bucket, host, due) WHERE tries > 0;
CREATE INDEX url_again ON url (bucket, host) WHERE kind IN (1, 2, 3);
ALTER TABLE url ADD PRIMARY KEY (bucket, host, near, id);

-- Pages that are done: only what is needed to know them again.
CREATE TABLE seen (
    host   BIGINT   NOT NULL,
    near   BIGINT   NOT NULL,
    id     BIGINT   NOT NULL,
    bucket SMALLINT NOT NULL,
    PRIMARY KEY (bucket, host, near, id)
);

-- Articles of the last month, so that they can be asked for again to catch corrections.
CREATE TABLE recent (
    host     BIGINT   NOT NULL,
    near     BIGINT   NOT NULL,
    id       BIGINT   NOT NULL,
    at       BIGINT   NOT NULL,                -- when it was first written
    looked   BIGINT   NOT NULL,                -- when it was last asked for
    text     BIGINT   NOT NULL,                -- 8 bytes of the hash of the text that was written last
    bucket   SMALLINT NOT NULL,
    path     TEXT     NOT NULL,
    etag     TEXT,
    modified TEXT,
    PRIMARY KEY (bucket, host, near, id)
);
CREATE INDEX recent_at ON recent (at);

-- Texts written so far, by any worker.
CREATE TABLE text (
    hash BIGINT PRIMARY KEY,                   -- 8 bytes of the text's hash
    id   TEXT NOT NULL                         -- of the first record with it
);

-- Sketches of each worker's latest texts, in a ring.
CREATE TABLE sketch (
    worker BIGINT NOT NULL,
    slot   BIGINT NOT NULL,
    serial BIGINT NOT NULL,
    id     TEXT   NOT NULL,
    hashes BYTEA  NOT NULL,
    PRIMARY KEY (worker, slot)
);

-- Requests of each site on its last day, by worker; together they are held against the site's limit.
CREATE TABLE budget (
    site     TEXT   NOT NULL,
    worker   BIGINT NOT NULL,
    day      TEXT   NOT NULL,                  -- in the site's zone
    requests BIGINT NOT NULL,
    PRIMARY KEY (site, worker)
);

-- Committed length of each worker's output files: two containers have the same paths.
CREATE TABLE output (
    worker BIGINT NOT NULL,
    path   TEXT   NOT NULL,
    bytes  BIGINT NOT NULL,
    begun  BIGINT NOT NULL DEFAULT 0,          -- when its first record was written; 0 where it is empty
    PRIMARY KEY (worker, path)
);

-- Parts cut from them, by rotation.
CREATE TABLE part (
    worker  BIGINT NOT NULL,
    path    TEXT   NOT NULL,
    number  BIGINT NOT NULL,                   -- from 1
    bytes   BIGINT NOT NULL,                   -- of its lines, before compression
    records BIGINT,
    stored  BIGINT,                            -- bytes of its file
    name    TEXT,                              -- of its own file; none while it is being finished
    sha256  TEXT,
    PRIMARY KEY (worker, path, number)
);
