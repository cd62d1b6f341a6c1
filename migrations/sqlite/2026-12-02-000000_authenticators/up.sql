-- What users can show besides a password: passkeys, TOTP apps, sets of recovery codes. The password stays in users, which a sign-in reads and guards.
CREATE TABLE authenticators (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    name TEXT,
    credential_id BLOB UNIQUE,
    content BLOB NOT NULL,
    counter BIGINT NOT NULL,
    model TEXT,
    synced BOOLEAN NOT NULL,
    attested BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX authenticators_user ON authenticators (user_id, id);
-- The name under which passkeys know the user: random, made with the first passkey.
ALTER TABLE users ADD COLUMN user_handle BLOB;
CREATE UNIQUE INDEX users_user_handle ON users (user_handle);
-- What the user has shown in a session, and when.
ALTER TABLE sessions ADD COLUMN proofs TEXT;
-- A browser in which no code of a TOTP app is needed until then.
ALTER TABLE devices ADD COLUMN trusted_until BIGINT;
