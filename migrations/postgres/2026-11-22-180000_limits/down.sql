ALTER TABLE sessions RESET (autovacuum_vacuum_scale_factor);
ALTER TABLE grant_history RESET (autovacuum_vacuum_scale_factor);
ALTER TABLE grants RESET (autovacuum_vacuum_scale_factor);
ALTER TABLE sessions RESET (fillfactor);
DROP TABLE walks;
DROP TABLE leases;
