-- The last refused requests of each client, for its operator: the same refusal at the same endpoint is one row, under a hash of all three.
CREATE TABLE client_refusals (
    id BYTEA NOT NULL PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL,
    endpoint TEXT NOT NULL,
    error TEXT NOT NULL,
    -- The command that would allow it; the redirect URI that was refused.
    remedy TEXT,
    redirect_uri TEXT,
    count BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
CREATE INDEX client_refusals_client ON client_refusals (client_id, last_at);
CREATE INDEX client_refusals_last ON client_refusals (last_at);
