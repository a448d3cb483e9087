-- Money that came after an order's end waits for a second person, too.
DO $$
DECLARE
  known text := (SELECT string_agg(quote_literal(row), E',\n  ' ORDER BY row COLLATE "C") FROM (
    SELECT part[1] AS row FROM pg_constraint c,
      regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+/[a-z_]+/[a-z_]+)''', 'g') AS part
    WHERE c.conname = 'order_log_lifecycle'
    UNION SELECT stage || '/' || happening || '/' || stage
    FROM unnest(ARRAY['cancelled', 'declined', 'expired']) AS stage,
      unnest(ARRAY['refund_asked', 'refund_request_refused', 'refund_request_withdrawn', 'refund_request_expired'])
        AS happening) AS rows);
BEGIN
  ALTER DOMAIN lifecycle_row DROP CONSTRAINT order_log_lifecycle;
  EXECUTE format(E'ALTER DOMAIN lifecycle_row ADD CONSTRAINT order_log_lifecycle CHECK (VALUE IN (\n  %s\n)'
    ' OR VALUE ~ %L)', known, '^([a-z_]+)/[a-z_]+[.][a-z_]+/\1$');
END $$;
