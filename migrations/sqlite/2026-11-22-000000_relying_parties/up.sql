-- What web apps and resource servers call: APIs, client keys, logout, claims. Times are milliseconds since 1970 UTC.

-- Resource servers, by their identifier (RFC 8707). Scopes are a JSON array of objects: name, description.
CREATE TABLE apis (
    uri TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- The secret before the newest, which still works; keys for private_key_jwt, inline or by URL.
ALTER TABLE clients ADD COLUMN previous_secret_hash BLOB;
ALTER TABLE clients ADD COLUMN jwks TEXT;
ALTER TABLE clients ADD COLUMN jwks_uri TEXT;
-- Which of its audiences are meant where a request names none (all, where this is null), and whose tokens it may introspect.
ALTER TABLE clients ADD COLUMN default_audiences TEXT;
ALTER TABLE clients ADD COLUMN introspects TEXT NOT NULL DEFAULT '[]';
ALTER TABLE clients ADD COLUMN signing_algorithm TEXT NOT NULL DEFAULT 'RS256';
ALTER TABLE clients ADD COLUMN userinfo_signed BOOLEAN NOT NULL DEFAULT FALSE;
-- Where it is set, people have another subject at each sector.
ALTER TABLE clients ADD COLUMN pairwise_sector TEXT;
ALTER TABLE clients ADD COLUMN post_logout_redirect_uris TEXT NOT NULL DEFAULT '[]';
ALTER TABLE clients ADD COLUMN backchannel_logout_uri TEXT;

-- Roles and groups are JSON arrays of text, attributes a JSON object of claims.
ALTER TABLE people ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
ALTER TABLE people ADD COLUMN member_of TEXT NOT NULL DEFAULT '[]';
ALTER TABLE people ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';

-- How the person proved who they are: values of amr, separated by spaces.
ALTER TABLE sessions ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';
CREATE INDEX sessions_expiring ON sessions (expires_at) WHERE ended_at IS NULL;

-- The pairwise subject (null: the person's id), how they signed in, and which claims were asked for one by one (JSON).
ALTER TABLE grants ADD COLUMN subject TEXT;
ALTER TABLE grants ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE grants ADD COLUMN claims TEXT;

-- Pairwise subjects: random, and never given to anyone else.
CREATE TABLE subjects (
    subject TEXT NOT NULL PRIMARY KEY,
    person_id BLOB NOT NULL,
    sector TEXT NOT NULL,
    UNIQUE (person_id, sector)
);

-- Client assertions that were used, by a hash of client and jti, until they have expired.
CREATE TABLE used_assertions (
    key BLOB NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX used_assertions_expiring ON used_assertions (expires_at);

-- Access tokens that were revoked by themselves, until they have expired.
CREATE TABLE revoked_tokens (
    jti TEXT NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_expiring ON revoked_tokens (expires_at);

-- What is to be told to others, until it was. Whoever moves next_at has taken it.
CREATE TABLE deliveries (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    client_id TEXT NOT NULL,
    content TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX deliveries_next ON deliveries (client_id, next_at);
