-- The version before needs an address: one that nobody can have.
UPDATE users SET email = username || '@no-address.invalid', email_verified = FALSE WHERE email IS NULL;
ALTER TABLE users ALTER COLUMN email SET NOT NULL;
