ALTER TABLE devices DROP COLUMN trusted_until;
ALTER TABLE sessions DROP COLUMN proofs;
DROP INDEX users_user_handle;
ALTER TABLE users DROP COLUMN user_handle;
DROP INDEX authenticators_user;
DROP TABLE authenticators;
