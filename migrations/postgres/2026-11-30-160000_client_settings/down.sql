ALTER TABLE clients ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN auth_method TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN redirect_uris TEXT NOT NULL DEFAULT '[]';
ALTER TABLE clients ADD COLUMN scopes TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN audiences TEXT NOT NULL DEFAULT '[]';
ALTER TABLE clients ADD COLUMN grant_types TEXT NOT NULL DEFAULT '[]';
ALTER TABLE clients ADD COLUMN pkce_required BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE clients ADD COLUMN retry_window_ms BIGINT;
ALTER TABLE clients ADD COLUMN cors_origins TEXT NOT NULL DEFAULT '[]';
ALTER TABLE clients ADD COLUMN jwks TEXT;
ALTER TABLE clients ADD COLUMN jwks_uri TEXT;
ALTER TABLE clients ADD COLUMN default_audiences TEXT;
ALTER TABLE clients ADD COLUMN introspects TEXT NOT NULL DEFAULT '[]';
ALTER TABLE clients ADD COLUMN signing_algorithm TEXT NOT NULL DEFAULT 'RS256';
ALTER TABLE clients ADD COLUMN userinfo_signed BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE clients ADD COLUMN pairwise_sector TEXT;
ALTER TABLE clients ADD COLUMN post_logout_redirect_uris TEXT NOT NULL DEFAULT '[]';
ALTER TABLE clients ADD COLUMN max_auth_age_ms BIGINT;

UPDATE clients SET
    kind = settings::json ->> 'type',
    auth_method = settings::json ->> 'token_endpoint_auth_method',
    redirect_uris = coalesce(settings::json ->> 'redirect_uris', '[]'),
    scopes = coalesce(settings::json ->> 'scope', ''),
    audiences = coalesce(settings::json ->> 'audiences', '[]'),
    grant_types = settings::json ->> 'grant_types',
    pkce_required = coalesce(settings::json ->> 'pkce', 'required') = 'required',
    -- A duration is written like "1day 12h": the sum of its parts.
    retry_window_ms = (
        WITH RECURSIVE parts (part, rest) AS (
            SELECT CAST('' AS TEXT), (settings::json ->> 'refresh_retry_window') || ' '
            UNION ALL
            SELECT substr(rest, 1, strpos(rest, ' ') - 1), substr(rest, strpos(rest, ' ') + 1) FROM parts WHERE rest <> ''
        )
        SELECT sum(CAST(rtrim(part, 'adehmrsy') AS BIGINT) * CASE
            WHEN part LIKE '%ms' THEN 1
            WHEN part LIKE '%s' AND part NOT LIKE '%a%' THEN 1000
            WHEN part LIKE '%m' THEN 60000
            WHEN part LIKE '%h' THEN 3600000
            WHEN part LIKE '%day%' THEN 86400000
            ELSE 31557600000 -- a year
        END)
        FROM parts WHERE part <> ''
    ),
    cors_origins = coalesce(settings::json ->> 'cors_origins', '[]'),
    jwks = settings::json ->> 'jwks',
    jwks_uri = settings::json ->> 'jwks_uri',
    default_audiences = settings::json ->> 'default_audiences',
    introspects = coalesce(settings::json ->> 'introspects', '[]'),
    signing_algorithm = coalesce(settings::json ->> 'signing_alg', 'RS256'),
    userinfo_signed = (settings::json ->> 'userinfo_signed') IS NOT NULL,
    pairwise_sector = settings::json ->> 'pairwise_sector',
    post_logout_redirect_uris = coalesce(settings::json ->> 'post_logout_redirect_uris', '[]'),
    max_auth_age_ms = (
        WITH RECURSIVE parts (part, rest) AS (
            SELECT CAST('' AS TEXT), (settings::json ->> 'max_auth_age') || ' '
            UNION ALL
            SELECT substr(rest, 1, strpos(rest, ' ') - 1), substr(rest, strpos(rest, ' ') + 1) FROM parts WHERE rest <> ''
        )
        SELECT sum(CAST(rtrim(part, 'adehmrsy') AS BIGINT) * CASE
            WHEN part LIKE '%ms' THEN 1
            WHEN part LIKE '%s' AND part NOT LIKE '%a%' THEN 1000
            WHEN part LIKE '%m' THEN 60000
            WHEN part LIKE '%h' THEN 3600000
            WHEN part LIKE '%day%' THEN 86400000
            ELSE 31557600000 -- a year
        END)
        FROM parts WHERE part <> ''
    );

ALTER TABLE clients DROP COLUMN settings;
