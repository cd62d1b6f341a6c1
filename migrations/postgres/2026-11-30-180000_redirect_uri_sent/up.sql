-- Whether the authorization request had the redirect URI, or the only one registered was filled in: whether the token request has to
-- repeat it (RFC 6749 4.1.3). Codes from before the migration require it. Stop the processes of the previous version before it runs.
ALTER TABLE grants ADD COLUMN redirect_uri_sent BOOLEAN NOT NULL DEFAULT TRUE;
