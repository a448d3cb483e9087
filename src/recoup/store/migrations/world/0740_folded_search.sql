-- Orders that were there are folded again by due work of the worker; new ones come folded.
ALTER TABLE order_search ADD COLUMN fold smallint NOT NULL DEFAULT 0;
ALTER TABLE order_search ALTER COLUMN fold SET DEFAULT 1;
