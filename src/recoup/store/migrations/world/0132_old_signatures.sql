-- The purge finds old signatures by their time, whoever signed them.
CREATE INDEX seen_signatures_bucket ON seen_signatures (bucket);
