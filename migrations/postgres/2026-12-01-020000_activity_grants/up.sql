-- The grant that an event of an account is about, so that its history is found from there.
ALTER TABLE activity ADD COLUMN grant_id BYTEA;
