-- Failures of an address since it was queued or last answered, as JSON; NULL where there are none. `failed_at` is the latest.
ALTER TABLE url ADD COLUMN history TEXT;
ALTER TABLE url ADD COLUMN failed_at BIGINT NOT NULL DEFAULT 0;
-- How often it was rejected before and looked at again.
ALTER TABLE url ADD COLUMN revisits INTEGER NOT NULL DEFAULT 0;
-- The address that was first asked for, where redirects led here.
ALTER TABLE url ADD COLUMN requested TEXT;
-- When a list last answered in full, and not with "unchanged".
ALTER TABLE url ADD COLUMN full_at BIGINT NOT NULL DEFAULT 0;
-- When a page last named a list; what nothing names any more leaves the queue.
ALTER TABLE url ADD COLUMN named_at BIGINT NOT NULL DEFAULT 0;
UPDATE url SET named_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint WHERE kind IN (1, 2, 3);

-- Refusals (403 and the like) in a row, and when `not_before` was set: a mark of the future was made by a clock that was wrong.
ALTER TABLE host ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
ALTER TABLE host ADD COLUMN held_at BIGINT NOT NULL DEFAULT 0;

-- Addresses that gave no article: why, and when a link to them has them looked at again.
CREATE TABLE ending (
    host       BIGINT   NOT NULL,
    near       BIGINT   NOT NULL,
    id         BIGINT   NOT NULL,
    at         BIGINT   NOT NULL,
    revisit_at BIGINT,                         -- NULL for never
    revisits   INTEGER  NOT NULL,
    bucket     SMALLINT NOT NULL,
    reason     TEXT     NOT NULL,
    detail     TEXT     NOT NULL
);
CREATE INDEX ending_revisit ON ending (revisit_at) WHERE revisit_at IS NOT NULL;
ALTER TABLE ending ADD PRIMARY KEY (bucket, host, near, id);

-- Articles older than `since`: a run with a wider window takes them up.
CREATE TABLE left_out (
    host      BIGINT   NOT NULL,
    near      BIGINT   NOT NULL,
    id        BIGINT   NOT NULL,
    published BIGINT   NOT NULL,
    depth     INTEGER  NOT NULL,
    bucket    SMALLINT NOT NULL,
    kind      SMALLINT NOT NULL,
    fetched   BOOLEAN  NOT NULL,               -- only the page itself said so, and it counts as done
    path      TEXT     NOT NULL,
    PRIMARY KEY (bucket, host, near, id)
);
