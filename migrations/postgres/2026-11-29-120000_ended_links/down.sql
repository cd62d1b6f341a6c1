DROP INDEX links_address;
ALTER TABLE links DROP COLUMN ended_at;
