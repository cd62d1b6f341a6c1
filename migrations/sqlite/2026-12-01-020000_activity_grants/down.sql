ALTER TABLE activity DROP COLUMN grant_id;
