-- concurrently
-- Processes of the release before the migrations may have gone on beside the new schema, before they were held out. What
-- they wrote lacks what 0030 and 0071 added, and is filled in as those did; other rows are left as they are.
UPDATE advances SET customers = array_remove(ARRAY[payer_id, pan_id], NULL) WHERE due_units > 0 AND customers = '{}';
DO $$
DECLARE
  m uuid := '00000000-0000-0000-0000-000000000000';
  o uuid := '00000000-0000-0000-0000-000000000000';
  m_last uuid;
  o_last uuid;
BEGIN
  LOOP
    SELECT b.merchant_id, b.order_id INTO m_last, o_last FROM (
      SELECT h.merchant_id, h.order_id FROM order_heads h WHERE (h.merchant_id, h.order_id) > (m, o)
      ORDER BY h.merchant_id, h.order_id LIMIT 2000) b
    ORDER BY b.merchant_id DESC, b.order_id DESC LIMIT 1;
    EXIT WHEN NOT FOUND;
    UPDATE order_heads h SET decline_code = f.code, decline_source = f.source, card_scheme = f.scheme, card_bin = f.bin
    FROM (
      SELECT r.merchant_id, r.order_id, coalesce(r.facts -> 'decline' ->> 'code', '') AS code,
        lower(coalesce(r.facts -> 'decline' ->> 'source', '')) AS source,
        coalesce(v.scheme, '') AS scheme, coalesce(v.bin, '') AS bin
      FROM orders r LEFT JOIN vault v ON v.merchant_id = r.merchant_id AND v.token_id = r.token_id
      WHERE r.door = 'rescue' AND (r.merchant_id, r.order_id) > (m, o)
        AND (r.merchant_id, r.order_id) <= (m_last, o_last)) f
    WHERE h.merchant_id = f.merchant_id AND h.order_id = f.order_id
      AND (h.merchant_id, h.order_id) > (m, o) AND (h.merchant_id, h.order_id) <= (m_last, o_last)
      AND h.decline_code = '' AND h.decline_source = '' AND h.card_scheme = '' AND h.card_bin = ''
      AND (f.code, f.source, f.scheme, f.bin) <> ('', '', '', '');
    COMMIT;
    m := m_last;
    o := o_last;
  END LOOP;
END $$;
