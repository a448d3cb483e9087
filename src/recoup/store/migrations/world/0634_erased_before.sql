-- concurrently
-- Orders whose customer was erased after they came, one customer after the other.
DO $$
DECLARE
  line record;
BEGIN
  FOR line IN SELECT merchant_id, payer_id, max(line_id::text)::uuid AS line_id FROM person_log WHERE what = 'erased'
      GROUP BY merchant_id, payer_id LOOP
    UPDATE order_payer SET forgotten = true
    WHERE merchant_id = line.merchant_id AND payer_id = line.payer_id AND order_id < line.line_id AND NOT forgotten;
    COMMIT;
  END LOOP;
END $$;
DROP INDEX CONCURRENTLY IF EXISTS orders_of_card;
CREATE INDEX CONCURRENTLY orders_of_card ON orders ((pan_id::text));
