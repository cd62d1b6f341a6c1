-- What an API decides about its access tokens: the typ of their header, and the claims about the user that they carry. Stop the
-- processes of the previous version before it runs: they take tokens with the typ JWT for inactive.
ALTER TABLE apis ADD COLUMN token_typ TEXT NOT NULL DEFAULT 'at+jwt';
ALTER TABLE apis ADD COLUMN token_claims TEXT NOT NULL DEFAULT '[]';
