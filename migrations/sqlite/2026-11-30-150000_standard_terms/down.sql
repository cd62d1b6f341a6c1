CREATE TABLE sign_in_failures (
    key BLOB NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_last ON sign_in_failures (last_at);

ALTER TABLE sweep_cursors RENAME TO walks;
ALTER TABLE clients RENAME COLUMN max_auth_age_ms TO sign_in_ceiling_ms;
ALTER TABLE links RENAME COLUMN user_id TO person_id;
ALTER TABLE activity RENAME COLUMN count TO times;
ALTER TABLE activity RENAME COLUMN user_id TO person_id;
ALTER TABLE grant_history RENAME COLUMN event TO happening;
ALTER TABLE devices RENAME COLUMN user_id TO person_id;
ALTER TABLE subjects RENAME COLUMN user_id TO person_id;
ALTER TABLE grants RENAME COLUMN end_reason TO revoked_why;
ALTER TABLE grants RENAME COLUMN user_id TO person_id;
ALTER TABLE consents RENAME COLUMN user_id TO person_id;
ALTER TABLE sessions RENAME COLUMN user_id TO person_id;
ALTER TABLE users RENAME COLUMN groups TO member_of;
ALTER TABLE users RENAME TO people;

DROP INDEX sessions_user;
CREATE INDEX sessions_person ON sessions (person_id);
DROP INDEX grants_user;
CREATE INDEX grants_person ON grants (person_id);
DROP INDEX links_user;
CREATE INDEX links_person ON links (person_id) WHERE person_id IS NOT NULL;
