DROP INDEX resets_due;
DROP TABLE resets;
ALTER TABLE apis DROP COLUMN min_acr;
