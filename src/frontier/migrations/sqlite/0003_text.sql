-- Texts written so far, so that a second page with the same one is known as a duplicate.
CREATE TABLE text (
    hash INTEGER PRIMARY KEY,                -- 8 bytes of the text's hash
    id   TEXT NOT NULL                       -- of the first record with it
);
