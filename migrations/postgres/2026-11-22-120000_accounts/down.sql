-- Whoever has to sign in again is signed out instead: nothing comes to life by going back.
UPDATE grants SET revoked_at = auth_time, revoked_why = 'the person had to sign in again'
    WHERE revoked_at IS NULL AND person_id IN (SELECT id FROM people WHERE sign_in_again_at > COALESCE(signed_in_at, 0));
UPDATE grants SET revoked_at = auth_time, revoked_why = 'the client had a ceiling on the age of a sign-in'
    WHERE revoked_at IS NULL AND client_id IN (SELECT id FROM clients WHERE sign_in_ceiling_ms IS NOT NULL);
UPDATE sessions SET ended_at = last_seen_at
    WHERE ended_at IS NULL AND (remembered OR person_id IN (SELECT id FROM people WHERE sign_in_again_at > sessions.auth_time));
DROP INDEX deliveries_kind;
DROP TABLE links;
DROP TABLE activity;
DROP TABLE grant_history;
DROP TABLE devices;
DELETE FROM deliveries WHERE kind <> 'logout';
ALTER TABLE grants DROP COLUMN user_agent;
ALTER TABLE grants DROP COLUMN place;
ALTER TABLE grants DROP COLUMN address;
ALTER TABLE grants DROP COLUMN device_name;
ALTER TABLE sessions DROP COLUMN place;
ALTER TABLE sessions DROP COLUMN device_id;
ALTER TABLE sessions DROP COLUMN remembered;
ALTER TABLE clients DROP COLUMN sign_in_ceiling_ms;
ALTER TABLE people DROP COLUMN sign_in_again_at;
ALTER TABLE people DROP COLUMN signed_in_at;
