-- When a host was last asked, so that the time between two requests is kept over restarts as well. While it is leased this
-- may be behind: a start that finds a lease of a dead process takes the host as asked just now.
ALTER TABLE host ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;

-- Validators of robots.txt, so that a copy that is a day old costs one conditional request.
ALTER TABLE host ADD COLUMN robots_etag TEXT;
ALTER TABLE host ADD COLUMN robots_modified TEXT;
