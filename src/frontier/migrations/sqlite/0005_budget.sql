-- Requests of each site on its last day, for sites that are asked so many times a day at most.
CREATE TABLE budget (
    site     TEXT PRIMARY KEY,
    day      TEXT    NOT NULL,               -- in the site's zone
    requests INTEGER NOT NULL
) WITHOUT ROWID;
