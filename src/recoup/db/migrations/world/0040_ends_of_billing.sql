-- Why the rescue of a billed invoice ends, and another amount of it, as lines of an order's log, beside whatever rows it
-- knows by now.
DO $$
DECLARE
  known text := (SELECT string_agg(quote_literal(row), E',\n  ' ORDER BY row COLLATE "C") FROM (
    SELECT part[1] AS row FROM pg_constraint c,
      regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+/[a-z_]+/[a-z_]+)''', 'g') AS part
    WHERE c.conname = 'order_log_lifecycle'
    UNION SELECT stage || '/' || ends || '/cancelled'
    FROM unnest(ARRAY['received', 'held', 'processing', 'problem', 'challenged', 'authorised']) AS stage,
      unnest(ARRAY['invoice_credited', 'invoice_voided', 'invoice_uncollectible', 'invoice_gone',
        'subscription_cancelled', 'subscription_paused', 'billing_stopped']) AS ends
    UNION SELECT stage || '/amount_changed/' || stage
    FROM unnest(ARRAY['received', 'held', 'processing', 'problem', 'challenged']) AS stage) AS rows);
BEGIN
  ALTER DOMAIN lifecycle_row DROP CONSTRAINT order_log_lifecycle;
  EXECUTE format(E'ALTER DOMAIN lifecycle_row ADD CONSTRAINT order_log_lifecycle CHECK (VALUE IN (\n  %s\n)'
    ' OR VALUE ~ ''^([a-z_]+)/[a-z_]+[.][a-z_]+/\\1$'')', known);
END $$;
INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall)
SELECT DISTINCT merchant_id, 'missed_notices', merchant_id, now(), true FROM processor_connections WHERE billing <> 'off'
ON CONFLICT DO NOTHING;
