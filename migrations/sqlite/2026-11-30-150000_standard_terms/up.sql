-- Renames tables, columns and indexes to the terms used in the code. Stop the processes of the previous version before it runs.
ALTER TABLE people RENAME TO users;
ALTER TABLE users RENAME COLUMN member_of TO groups;
ALTER TABLE sessions RENAME COLUMN person_id TO user_id;
ALTER TABLE consents RENAME COLUMN person_id TO user_id;
ALTER TABLE grants RENAME COLUMN person_id TO user_id;
ALTER TABLE grants RENAME COLUMN revoked_why TO end_reason;
ALTER TABLE subjects RENAME COLUMN person_id TO user_id;
ALTER TABLE devices RENAME COLUMN person_id TO user_id;
ALTER TABLE grant_history RENAME COLUMN happening TO event;
ALTER TABLE activity RENAME COLUMN person_id TO user_id;
ALTER TABLE activity RENAME COLUMN times TO count;
ALTER TABLE links RENAME COLUMN person_id TO user_id;
ALTER TABLE clients RENAME COLUMN sign_in_ceiling_ms TO max_auth_age_ms;
ALTER TABLE walks RENAME TO sweep_cursors;

DROP INDEX sessions_person;
CREATE INDEX sessions_user ON sessions (user_id);
DROP INDEX grants_person;
CREATE INDEX grants_user ON grants (user_id);
DROP INDEX links_person;
CREATE INDEX links_user ON links (user_id) WHERE user_id IS NOT NULL;

-- Used only by processes of earlier versions; replaced by rate_limits.
DROP TABLE IF EXISTS sign_in_failures;
