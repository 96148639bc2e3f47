-- Articles of the last month, so that they can be asked for again to catch corrections.
CREATE TABLE recent (
    bucket   INTEGER NOT NULL,
    host     INTEGER NOT NULL,
    near     INTEGER NOT NULL,
    id       INTEGER NOT NULL,
    at       INTEGER NOT NULL,               -- when it was first written
    looked   INTEGER NOT NULL,               -- when it was last asked for
    path     TEXT    NOT NULL,               -- path and query
    etag     TEXT,
    modified TEXT,
    text     INTEGER NOT NULL,               -- 8 bytes of the hash of the text that was written last
    PRIMARY KEY (bucket, host, near, id)
) WITHOUT ROWID;
CREATE INDEX recent_at ON recent (at);
