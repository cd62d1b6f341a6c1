-- Who gave a consent: 'user'; 'operator' for a first-party client; 'nobody' where the user has withdrawn what the operator gave, so that
-- it is not given again without asking. Stop the processes of the previous version before it runs.
ALTER TABLE consents ADD COLUMN given_by TEXT NOT NULL DEFAULT 'user';
