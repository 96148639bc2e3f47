-- How often a list changes, learnt from visit to visit, in milliseconds; 0 where it was not visited yet.
ALTER TABLE url ADD COLUMN rhythm INTEGER NOT NULL DEFAULT 0;
-- Hash of the links it had, to tell a list with news from one that only looks new.
ALTER TABLE url ADD COLUMN content INTEGER;
-- 1: a sitemap whose index says when it changed, and which is asked when it says so.
ALTER TABLE url ADD COLUMN dated INTEGER NOT NULL DEFAULT 0;
