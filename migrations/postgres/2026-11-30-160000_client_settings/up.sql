-- The settings of a client are one JSON object, in the form of protocol/oauth/client_metadata.rs; what has its default is left out. Name and
-- back-channel logout URI stay columns as well, since other statements ask for them. Stop the processes of the previous version
-- before it runs.
ALTER TABLE clients ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

UPDATE clients SET settings = '{"client_name":' || to_json(name)::text
    || ',"type":' || to_json(kind)::text
    || ',"redirect_uris":' || redirect_uris
    || ',"scope":' || to_json(scopes)::text
    || ',"token_endpoint_auth_method":' || to_json(auth_method)::text
    || CASE WHEN jwks IS NULL THEN '' ELSE ',"jwks":' || jwks END
    || CASE WHEN jwks_uri IS NULL OR jwks IS NOT NULL THEN '' ELSE ',"jwks_uri":' || to_json(jwks_uri)::text END
    || ',"grant_types":' || grant_types
    || CASE WHEN audiences = '[]' THEN '' ELSE ',"audiences":' || audiences END
    || CASE WHEN default_audiences IS NULL THEN '' ELSE ',"default_audiences":' || default_audiences END
    || CASE WHEN introspects = '[]' THEN '' ELSE ',"introspects":' || introspects END
    || CASE WHEN pkce_required THEN '' ELSE ',"pkce":"optional"' END
    || CASE WHEN retry_window_ms IS NULL THEN '' ELSE ',"refresh_retry_window":"' || retry_window_ms || 'ms"' END
    || CASE WHEN max_auth_age_ms IS NULL THEN '' ELSE ',"max_auth_age":"' || max_auth_age_ms || 'ms"' END
    || CASE WHEN cors_origins = '[]' THEN '' ELSE ',"cors_origins":' || cors_origins END
    || CASE WHEN signing_algorithm = 'RS256' THEN '' ELSE ',"signing_alg":' || to_json(signing_algorithm)::text END
    || CASE WHEN userinfo_signed THEN ',"userinfo_signed":true' ELSE '' END
    || CASE WHEN pairwise_sector IS NULL THEN '' ELSE ',"pairwise_sector":' || to_json(pairwise_sector)::text END
    || CASE WHEN post_logout_redirect_uris = '[]' THEN '' ELSE ',"post_logout_redirect_uris":' || post_logout_redirect_uris END
    || CASE WHEN backchannel_logout_uri IS NULL THEN '' ELSE ',"backchannel_logout_uri":' || to_json(backchannel_logout_uri)::text END
    || '}';

ALTER TABLE clients DROP COLUMN kind;
ALTER TABLE clients DROP COLUMN auth_method;
ALTER TABLE clients DROP COLUMN redirect_uris;
ALTER TABLE clients DROP COLUMN scopes;
ALTER TABLE clients DROP COLUMN audiences;
ALTER TABLE clients DROP COLUMN grant_types;
ALTER TABLE clients DROP COLUMN pkce_required;
ALTER TABLE clients DROP COLUMN retry_window_ms;
ALTER TABLE clients DROP COLUMN cors_origins;
ALTER TABLE clients DROP COLUMN jwks;
ALTER TABLE clients DROP COLUMN jwks_uri;
ALTER TABLE clients DROP COLUMN default_audiences;
ALTER TABLE clients DROP COLUMN introspects;
ALTER TABLE clients DROP COLUMN signing_algorithm;
ALTER TABLE clients DROP COLUMN userinfo_signed;
ALTER TABLE clients DROP COLUMN pairwise_sector;
ALTER TABLE clients DROP COLUMN post_logout_redirect_uris;
ALTER TABLE clients DROP COLUMN max_auth_age_ms;
