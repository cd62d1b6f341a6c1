ALTER TABLE apis DROP COLUMN token_claims;
ALTER TABLE apis DROP COLUMN token_typ;
