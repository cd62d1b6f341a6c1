-- A person's account: devices, what happened to it, what they are told, links in mails. Times are milliseconds since 1970 UTC.

-- When they last signed in anywhere, and since when that is asked of them before anything goes on.
ALTER TABLE people ADD COLUMN signed_in_at BIGINT;
ALTER TABLE people ADD COLUMN sign_in_again_at BIGINT;

-- For how long a sign-in is good enough for this client.
ALTER TABLE clients ADD COLUMN sign_in_ceiling_ms BIGINT;

-- Whether it outlives the browser's window, the browser it is in, and the place, where it is known.
ALTER TABLE sessions ADD COLUMN remembered BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE sessions ADD COLUMN device_id TEXT;
ALTER TABLE sessions ADD COLUMN place TEXT;

-- The name the person gave the device, and from where the grant was last used. Rotation changes the last three.
ALTER TABLE grants ADD COLUMN device_name TEXT;
ALTER TABLE grants ADD COLUMN address TEXT;
ALTER TABLE grants ADD COLUMN place TEXT;
ALTER TABLE grants ADD COLUMN user_agent TEXT;

-- Browsers that a person has signed in with, by what their cookie says, and the networks they were seen in (JSON, newest first);
-- under the id of a grant, those that its app was seen in.
CREATE TABLE devices (
    person_id BYTEA NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT,
    networks TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    PRIMARY KEY (person_id, id)
);
CREATE INDEX devices_seen ON devices (last_seen_at);

-- The life of a grant; everyday moments are kept for a shorter time. Ids begin with the time they were made.
CREATE TABLE grant_history (
    grant_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    happening TEXT NOT NULL,
    at BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    address TEXT,
    place TEXT,
    user_agent TEXT,
    routine BOOLEAN NOT NULL,
    PRIMARY KEY (grant_id, id)
);
CREATE INDEX grant_history_kept ON grant_history (routine, at);

-- What happened to an account.
CREATE TABLE activity (
    person_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    address TEXT,
    place TEXT,
    user_agent TEXT,
    about TEXT,
    times BIGINT NOT NULL,
    PRIMARY KEY (person_id, id)
);
CREATE INDEX activity_at ON activity (at);

-- Links in mails: used once. The text of one is derived from its id and the server secret, and stored nowhere.
CREATE TABLE links (
    id BYTEA NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    person_id BYTEA,
    email TEXT,
    browser BYTEA,
    content TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX links_person ON links (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX links_expiring ON links (expires_at);

-- Mails, and what leads to mails, are of no client.
CREATE INDEX deliveries_kind ON deliveries (kind, next_at);
