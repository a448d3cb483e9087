-- concurrently
-- What 0071 added is filled in for the orders that were there, some thousands at a time in the order of the key: each
-- batch locks its rows for a moment. Rows that hold something already are left as they are. The indexes come last.
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
DROP INDEX CONCURRENTLY IF EXISTS order_heads_reason;
CREATE INDEX CONCURRENTLY order_heads_reason ON order_heads (merchant_id, reason, placed_at DESC, order_id DESC)
  WHERE reason IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS order_heads_code;
CREATE INDEX CONCURRENTLY order_heads_code
  ON order_heads (merchant_id, lower(decline_code), placed_at DESC, order_id DESC) WHERE decline_code <> '';
DROP INDEX CONCURRENTLY IF EXISTS order_heads_scheme;
CREATE INDEX CONCURRENTLY order_heads_scheme ON order_heads (merchant_id, card_scheme, placed_at DESC, order_id DESC)
  WHERE card_scheme <> '';
DROP INDEX CONCURRENTLY IF EXISTS order_heads_bin;
CREATE INDEX CONCURRENTLY order_heads_bin ON order_heads (merchant_id, card_bin, placed_at DESC, order_id DESC)
  WHERE card_bin <> '';
