-- Everything that is counted to slow down guesses and requests for mail stands in one table: backoffs (attempts), buckets
-- (milliseconds until they are empty) and sets (a row is a member). The key is a keyed hash of what is counted: the table tells
-- neither names nor addresses. What was counted before is forgotten. Times are milliseconds since 1970 UTC.
DELETE FROM sign_in_failures;
DROP INDEX sign_in_failures_last;
ALTER TABLE sign_in_failures RENAME TO rate_limits;
ALTER TABLE rate_limits RENAME COLUMN failures TO amount;
ALTER TABLE rate_limits RENAME COLUMN last_at TO updated_at;
ALTER TABLE rate_limits ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX rate_limits_expires ON rate_limits (expires_at);
