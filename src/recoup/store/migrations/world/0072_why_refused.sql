-- The request log says which field was refused, and why.
ALTER TABLE api_calls ADD COLUMN why text NOT NULL DEFAULT '';
