DELETE FROM rate_limits;
DROP INDEX rate_limits_expires;
ALTER TABLE rate_limits DROP COLUMN expires_at;
ALTER TABLE rate_limits RENAME COLUMN updated_at TO last_at;
ALTER TABLE rate_limits RENAME COLUMN amount TO failures;
ALTER TABLE rate_limits RENAME TO sign_in_failures;
CREATE INDEX sign_in_failures_last ON sign_in_failures (last_at);
