-- concurrently
-- Pieces that were requested before, as the log has it, some thousands of modifications at a time.
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
    UPDATE modifications x SET piece_of = (l.body ->> 'with')::uuid FROM order_log l
    WHERE (x.merchant_id, x.modification_id) > (m, r) AND (x.merchant_id, x.modification_id) <= (m_last, r_last)
      AND x.kind = 'refund' AND x.modification_no > 1 AND x.piece_of IS NULL
      AND l.merchant_id = x.merchant_id AND l.order_id = x.order_id AND l.fact_id = x.modification_id
      AND l.happening = 'refund_owed' AND l.body ? 'with';
    COMMIT;
    m := m_last;
    r := r_last;
  END LOOP;
END $$;
