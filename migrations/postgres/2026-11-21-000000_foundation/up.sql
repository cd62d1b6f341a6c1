-- The tables of the main job. Times are milliseconds since 1970 UTC; ids are 16 bytes, made by the server.

-- Facts about this database as a whole: the frozen issuer, the lock row of exclusive work.
CREATE TABLE meta (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Signing keys. The private half is sealed under the server secret; the one with the greatest signs_from that has come signs.
CREATE TABLE signing_keys (
    kid TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL
);

CREATE TABLE people (
    id BYTEA NOT NULL PRIMARY KEY,
    username TEXT COLLATE "C" NOT NULL UNIQUE,
    email TEXT COLLATE "C" NOT NULL UNIQUE,
    email_verified BOOLEAN NOT NULL,
    display_name TEXT,
    password_hash TEXT,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Lists are JSON arrays of text, scopes a space-separated list.
CREATE TABLE clients (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    auth_method TEXT NOT NULL,
    secret_hash BYTEA,
    redirect_uris TEXT NOT NULL,
    scopes TEXT NOT NULL,
    audiences TEXT NOT NULL,
    grant_types TEXT NOT NULL,
    pkce_required BOOLEAN NOT NULL,
    retry_window_ms BIGINT,
    cors_origins TEXT NOT NULL,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL
);

-- Every web origin of every client, derived from its row, so that a CORS preflight is one look-up by key.
CREATE TABLE client_origins (
    origin TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (origin, client_id)
);

-- Browser sessions. The cookie is derived from id and generation; the generation rises with each sign-in.
CREATE TABLE sessions (
    id BYTEA NOT NULL PRIMARY KEY,
    person_id BYTEA NOT NULL,
    generation BIGINT NOT NULL,
    auth_time BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    user_agent TEXT,
    address TEXT
);
CREATE INDEX sessions_person ON sessions (person_id);

CREATE TABLE consents (
    person_id BYTEA NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    scopes TEXT NOT NULL,
    audiences TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (person_id, client_id)
);

-- One row is a whole authorization. Rotation changes generation and rotated_at alone; no index has either.
CREATE TABLE grants (
    id BYTEA NOT NULL PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL,
    person_id BYTEA NOT NULL,
    session_id BYTEA,
    sid BYTEA NOT NULL,
    generation BIGINT NOT NULL,
    scopes TEXT NOT NULL,
    audiences TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    code_challenge TEXT,
    nonce TEXT,
    dpop_jkt TEXT,
    auth_time BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    rotated_at BIGINT,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoked_why TEXT
) WITH (fillfactor = 80);
CREATE INDEX grants_person ON grants (person_id);
CREATE INDEX grants_client ON grants (client_id);
CREATE INDEX grants_session ON grants (session_id) WHERE session_id IS NOT NULL;

-- Failed sign-ins by address, by name and address, by person, by known browser: each under a keyed hash of what it counts.
CREATE TABLE sign_in_failures (
    key BYTEA NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_last ON sign_in_failures (last_at);
