-- Sketches of the latest texts, so that a text that is nearly the same is known. So many, in a ring.
CREATE TABLE sketch (
    slot   INTEGER PRIMARY KEY,
    serial INTEGER NOT NULL,                 -- counts texts; the ring goes on after the highest
    id     TEXT    NOT NULL,                 -- of the record
    hashes BLOB    NOT NULL                  -- the smallest hashes of its sentences, four bytes each
);
