-- Whether the authorization request had the redirect URI, or the only one registered was filled in: whether the token request has to
-- repeat it (RFC 6749 4.1.3). A process of the version before leaves the column out, and requires it.
ALTER TABLE grants ADD COLUMN redirect_uri_sent BOOLEAN NOT NULL DEFAULT TRUE;
