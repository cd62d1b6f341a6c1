-- Back to an empty database.
DROP TABLE sign_in_failures;
DROP TABLE grants;
DROP TABLE consents;
DROP TABLE sessions;
DROP TABLE client_origins;
DROP TABLE clients;
DROP TABLE people;
DROP TABLE signing_keys;
DROP TABLE meta;
