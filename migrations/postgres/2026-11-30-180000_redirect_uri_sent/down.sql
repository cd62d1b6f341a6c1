ALTER TABLE grants DROP COLUMN redirect_uri_sent;
