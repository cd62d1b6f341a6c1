-- Users and clients that were deleted, and whose rows in other tables are still to be purged: how far that has come. For a user the id is
-- in hexadecimal digits.
CREATE TABLE deletions (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    stage BIGINT NOT NULL,
    position BLOB,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);

-- What a deleted client leaves. Rotation changes neither column of the first, so that it stays within a page.
CREATE INDEX grants_client_unrevoked ON grants (client_id) WHERE revoked_at IS NULL;
CREATE INDEX consents_client ON consents (client_id);

-- Whom an e-mail is for: the address, or the name that was typed into a form. Null for clients, and in rows of the previous version.
ALTER TABLE deliveries ADD COLUMN address TEXT;
UPDATE deliveries SET address = lower(content ->> 'to') WHERE kind = 'letter';
UPDATE deliveries SET address = lower(content ->> 'login') WHERE kind IN ('reset_asked', 'registration_asked');
CREATE INDEX deliveries_address ON deliveries (address) WHERE address IS NOT NULL;
