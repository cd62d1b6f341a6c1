-- When a later decision ended a link that was never used (decision 0029), in milliseconds since 1970 UTC. Such a link has the same
-- time in used_at: the version before knows only that column, and must not take it either.
ALTER TABLE links ADD COLUMN ended_at BIGINT;
-- Links to make an account are of an address, and of no person yet.
CREATE INDEX links_address ON links (email) WHERE person_id IS NULL;
