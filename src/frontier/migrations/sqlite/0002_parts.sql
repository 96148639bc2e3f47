-- When the first record of an output file was written; 0 where it is empty or that is not known.
ALTER TABLE output ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;

-- Parts cut from output files, by rotation.
CREATE TABLE part (
    path    TEXT    NOT NULL,                -- of the file it was cut from
    number  INTEGER NOT NULL,                -- from 1
    bytes   INTEGER NOT NULL,                -- of its lines, before compression
    name    TEXT,                            -- of its own file; none while it is being finished
    records INTEGER,
    stored  INTEGER,                         -- bytes of its file
    sha256  TEXT,                            -- of its file
    PRIMARY KEY (path, number)
) WITHOUT ROWID;
