-- How often something has changed. Each change of a client or an API raises 'registrations' in the same transaction, so that a
-- process knows by one number whether what it has read of them still holds.
CREATE TABLE revisions (
    name TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO revisions (name, number) VALUES ('registrations', 1);
