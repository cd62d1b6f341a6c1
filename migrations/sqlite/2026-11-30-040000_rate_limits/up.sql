-- Everything that is counted to slow down guesses and requests for mail stands in one table: backoffs (attempts), buckets
-- (milliseconds until they are empty) and sets (a row is a member). The key is a keyed hash of what is counted: the table tells
-- neither names nor addresses. Times are milliseconds since 1970 UTC.
--
-- It takes the place of sign_in_failures, and begins empty. A later migration drops that table.
CREATE TABLE rate_limits (
    key BLOB NOT NULL PRIMARY KEY,
    amount BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX rate_limits_expires ON rate_limits (expires_at);
