-- The weakest class of sign-in for which tokens of an API are issued.
ALTER TABLE apis ADD COLUMN min_acr TEXT;
-- Users whose authenticators are removed for them when the time for objecting is over.
CREATE TABLE resets (
    user_id BLOB NOT NULL PRIMARY KEY,
    requested_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL
);
CREATE INDEX resets_due ON resets (due_at);
