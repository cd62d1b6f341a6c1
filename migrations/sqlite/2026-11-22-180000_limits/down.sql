DROP TABLE walks;
DROP TABLE leases;
