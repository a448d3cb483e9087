-- concurrently
-- What was collected in parts of an order that ended without the rest went back: its refunded amount says so. Some thousands
-- at a time in the order of the key; what says it already is left as it is.
DO $$
DECLARE
  m uuid := '00000000-0000-0000-0000-000000000000';
  r uuid := '00000000-0000-0000-0000-000000000000';
  m_last uuid;
  r_last uuid;
BEGIN
  LOOP
    SELECT b.merchant_id, b.modification_id INTO m_last, r_last FROM (
      SELECT x.merchant_id, x.modification_id FROM modifications x WHERE (x.merchant_id, x.modification_id) > (m, r)
      ORDER BY x.merchant_id, x.modification_id LIMIT 2000) b
    ORDER BY b.merchant_id DESC, b.modification_id DESC LIMIT 1;
    EXIT WHEN NOT FOUND;
    UPDATE order_heads h SET refunded_units = back.units
    FROM (
      SELECT p.merchant_id, p.order_id, sum(p.units) AS units FROM modifications p
      JOIN order_log l ON l.merchant_id = p.merchant_id AND l.order_id = p.order_id AND l.fact_id = p.modification_id
        AND l.happening = 'part_owed_back'
      WHERE p.kind = 'reversal' AND (p.merchant_id, p.order_id) IN (
        SELECT x.merchant_id, x.order_id FROM modifications x WHERE x.kind = 'reversal'
          AND (x.merchant_id, x.modification_id) > (m, r) AND (x.merchant_id, x.modification_id) <= (m_last, r_last))
      GROUP BY p.merchant_id, p.order_id) back
    WHERE h.merchant_id = back.merchant_id AND h.order_id = back.order_id AND h.refunded_units = 0;
    COMMIT;
    m := m_last;
    r := r_last;
  END LOOP;
END $$;
