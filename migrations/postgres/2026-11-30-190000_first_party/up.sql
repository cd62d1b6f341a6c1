-- Who gave a consent: 'user'; 'operator' for a first-party client; 'nobody' where the user has withdrawn what the operator gave, so that
-- it is not given again without asking. A process of the version before leaves the column out.
ALTER TABLE consents ADD COLUMN given_by TEXT NOT NULL DEFAULT 'user';
