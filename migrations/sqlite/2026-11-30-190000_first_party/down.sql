-- Earlier versions have no names for these entries of a user's activity.
DELETE FROM activity WHERE kind IN ('app_allowed_by_operator', 'signed_out_by_app');

-- To the version before, each row is a consent.
DELETE FROM consents WHERE given_by = 'nobody';
ALTER TABLE consents DROP COLUMN given_by;
