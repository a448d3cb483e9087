-- A customer's former cards are erased too.
CREATE OR REPLACE FUNCTION cards_of_nobody_else(merchant uuid, erased uuid[]) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
DECLARE
  cards uuid[] := ARRAY(SELECT DISTINCT c FROM orders CROSS JOIN LATERAL unnest(pan_id || cards_before) AS c
    WHERE merchant_id = merchant AND order_id = ANY(erased) AND c IS NOT NULL);
BEGIN
  RETURN ARRAY(SELECT c.pan_id FROM unnest(cards) AS c (pan_id) WHERE NOT EXISTS (
    SELECT FROM orders o LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
    WHERE o.merchant_id = merchant AND o.pan_id::text = c.pan_id::text AND o.order_id <> ALL(erased)
      AND p.forgotten IS NOT TRUE));
END $$;
