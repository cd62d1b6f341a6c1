-- Housekeeping by one process at a time. Times are milliseconds since 1970 UTC.

-- Work that one process does for all: who does it, and until when nobody else begins. A holder is 16 random bytes of its process.
CREATE TABLE leases (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder BYTEA NOT NULL,
    until BIGINT NOT NULL
);

-- How far a table has been looked through, in the order of its ids: from nothing on, where it is done. When that began.
CREATE TABLE walks (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    position BYTEA,
    begun_at BIGINT NOT NULL
);

-- Rows of sessions are updated in place: room for that, so that no index has to follow (as grants have from the beginning).
ALTER TABLE sessions SET (fillfactor = 80);
-- By default a table is vacuumed when a fifth of it is dead: of ten million rows two million. What leaves every hour is
-- gathered sooner, in smaller portions.
ALTER TABLE grants SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE grant_history SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE sessions SET (autovacuum_vacuum_scale_factor = 0.02);
