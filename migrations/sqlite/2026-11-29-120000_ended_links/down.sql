-- What was ended stays so: a former version knows only links that were used.
UPDATE links SET used_at = ended_at WHERE used_at IS NULL AND ended_at IS NOT NULL;
DROP INDEX links_address;
ALTER TABLE links DROP COLUMN ended_at;
