-- A user's subject at another provider, kept when they were imported: their `sub` at clients that get no pairwise one. It is in
-- the table subjects as well, with an empty sector.
ALTER TABLE users ADD COLUMN subject TEXT;
