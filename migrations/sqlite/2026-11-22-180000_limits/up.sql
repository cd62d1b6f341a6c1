-- Housekeeping by one process at a time. Times are milliseconds since 1970 UTC.

-- Work that one process does for all: who does it, and until when nobody else begins. A holder is 16 random bytes of its process.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder BLOB NOT NULL,
    until BIGINT NOT NULL
);

-- How far a table has been looked through, in the order of its ids: from nothing on, where it is done. When that began.
CREATE TABLE walks (
    name TEXT NOT NULL PRIMARY KEY,
    position BLOB,
    begun_at BIGINT NOT NULL
);
