-- A user may have no e-mail address.
ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
