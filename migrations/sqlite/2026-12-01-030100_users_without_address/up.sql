-- A user may have no e-mail address. The libraries of SQLite that are in use cannot change a column: the table is made anew.
CREATE TABLE users_made_anew (
    id BLOB NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    email TEXT UNIQUE,
    email_verified BOOLEAN NOT NULL,
    display_name TEXT,
    password_hash TEXT,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    roles TEXT NOT NULL DEFAULT '[]',
    groups TEXT NOT NULL DEFAULT '[]',
    attributes TEXT NOT NULL DEFAULT '{}',
    signed_in_at BIGINT,
    sign_in_again_at BIGINT,
    subject TEXT
);
INSERT INTO users_made_anew SELECT
    id, username, email, email_verified, display_name, password_hash, disabled_at, created_at, updated_at, roles, groups,
    attributes, signed_in_at, sign_in_again_at, subject
FROM users;
DROP TABLE users;
ALTER TABLE users_made_anew RENAME TO users;
