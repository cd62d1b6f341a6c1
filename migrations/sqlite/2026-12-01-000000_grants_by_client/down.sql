DROP INDEX grants_client;
CREATE INDEX grants_client ON grants (client_id);
CREATE INDEX grants_client_unrevoked ON grants (client_id) WHERE revoked_at IS NULL;
