-- concurrently
-- What there is of attempts and modifications, some thousands at a time: what was written before a stop is passed by.
DO $$
DECLARE
  after_merchant uuid := '00000000-0000-0000-0000-000000000000'; after_id uuid := after_merchant; until record;
BEGIN
  LOOP
    SELECT merchant_id, attempt_id INTO until FROM (
      SELECT merchant_id, attempt_id FROM attempts WHERE (merchant_id, attempt_id) > (after_merchant, after_id)
      ORDER BY merchant_id, attempt_id LIMIT 5000) a
    ORDER BY merchant_id DESC, attempt_id DESC LIMIT 1;
    EXIT WHEN NOT FOUND;
    INSERT INTO wire_keys (key, merchant_id, movement_id)
    SELECT key, merchant_id, attempt_id FROM attempts
    WHERE (merchant_id, attempt_id) > (after_merchant, after_id)
      AND (merchant_id, attempt_id) <= (until.merchant_id, until.attempt_id) AND key IS NOT NULL
    ON CONFLICT DO NOTHING;
    INSERT INTO charges (merchant_id, attempt_id, reference, card_last4, units, asset, closed_at)
    SELECT merchant_id, attempt_id, reference, card_last4, units, asset, closed_at FROM attempts
    WHERE (merchant_id, attempt_id) > (after_merchant, after_id)
      AND (merchant_id, attempt_id) <= (until.merchant_id, until.attempt_id)
      AND (state = 'approved' OR ladder IN ('payment', 'unexpected') AND reference IS NOT NULL)
    ON CONFLICT DO NOTHING;
    COMMIT;
    after_merchant := until.merchant_id;
    after_id := until.attempt_id;
  END LOOP;
END $$;
DO $$
DECLARE
  after_merchant uuid := '00000000-0000-0000-0000-000000000000'; after_id uuid := after_merchant; until record;
BEGIN
  LOOP
    SELECT merchant_id, modification_id INTO until FROM (
      SELECT merchant_id, modification_id FROM modifications
      WHERE (merchant_id, modification_id) > (after_merchant, after_id)
      ORDER BY merchant_id, modification_id LIMIT 5000) m
    ORDER BY merchant_id DESC, modification_id DESC LIMIT 1;
    EXIT WHEN NOT FOUND;
    INSERT INTO wire_keys (key, merchant_id, movement_id)
    SELECT k.key, m.merchant_id, m.modification_id
    FROM modifications m CROSS JOIN LATERAL (VALUES (m.key), (m.send_key)) AS k (key)
    WHERE (m.merchant_id, m.modification_id) > (after_merchant, after_id)
      AND (m.merchant_id, m.modification_id) <= (until.merchant_id, until.modification_id) AND k.key IS NOT NULL
    ON CONFLICT DO NOTHING;
    INSERT INTO modifications_queue (merchant_id, modification_id)
    SELECT merchant_id, modification_id FROM modifications
    WHERE (merchant_id, modification_id) > (after_merchant, after_id)
      AND (merchant_id, modification_id) <= (until.merchant_id, until.modification_id)
      AND state IN ('owed', 'sent', 'stuck')
    ON CONFLICT DO NOTHING;
    COMMIT;
    after_merchant := until.merchant_id;
    after_id := until.modification_id;
  END LOOP;
END $$;
DROP INDEX CONCURRENTLY IF EXISTS attempts_keyed;
DROP INDEX CONCURRENTLY IF EXISTS attempts_charged;
DROP INDEX CONCURRENTLY IF EXISTS attempts_referenced;
DROP INDEX CONCURRENTLY IF EXISTS attempts_on_chain;
DROP INDEX CONCURRENTLY IF EXISTS modifications_keyed;
DROP INDEX CONCURRENTLY IF EXISTS modifications_rekeyed;
DROP INDEX CONCURRENTLY IF EXISTS modifications_under_way;
