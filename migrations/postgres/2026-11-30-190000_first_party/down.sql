-- To the version before, each row is a consent.
DELETE FROM consents WHERE given_by = 'nobody';
ALTER TABLE consents DROP COLUMN given_by;
