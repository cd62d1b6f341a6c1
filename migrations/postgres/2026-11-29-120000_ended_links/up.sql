-- When a later decision ended a link that was never used (decision 0026), in milliseconds since 1970 UTC.
ALTER TABLE links ADD COLUMN ended_at BIGINT;
-- Links to make an account are of an address, and of no person yet.
CREATE INDEX links_address ON links (email) WHERE person_id IS NULL;
