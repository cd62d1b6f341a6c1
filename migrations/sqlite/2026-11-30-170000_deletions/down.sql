DROP INDEX deliveries_address;
ALTER TABLE deliveries DROP COLUMN address;

DROP INDEX consents_client;
DROP INDEX grants_client_unrevoked;

DROP TABLE deletions;
