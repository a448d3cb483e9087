DROP FUNCTION note_sightings(jsonb);
-- Counts orders whose customers wait under their names, and answers what was there before: of each name how many other
-- orders came within the hour, the day and the week, and how many other cards within the day; how often this customer
-- paid with this card; the median of the merchant's last payments in the currency; and the processor's newest risk of the
-- card. Of each name at most 50 rows are read, however many there are. Its first WHERE is true: see `write_changes`.
CREATE FUNCTION note_sightings(given jsonb) RETURNS TABLE (sighted uuid, seen jsonb, paid int, usual bigint, risk text)
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO risk_sightings (merchant_id, kind, name, subject, pan_id, at)
  SELECT i.merchant_id, n.key, n.value::uuid, i.subject, o.pan_id, i.at
  FROM jsonb_to_recordset(given) AS i (merchant_id uuid, order_id uuid, subject uuid, at timestamptz, names jsonb)
  JOIN orders o ON o.merchant_id = i.merchant_id AND o.order_id = i.order_id
  CROSS JOIN LATERAL jsonb_each_text(i.names || jsonb_build_object('card', o.pan_id)) n
  WHERE i.order_id = ANY (ARRAY[i.order_id]) AND o.pan_id IS NOT NULL
  ORDER BY 1, 2, 3, 4, 5
  ON CONFLICT DO NOTHING;
  RETURN QUERY
  SELECT i.order_id,
    coalesce((SELECT jsonb_object_agg(n.key, (
        SELECT jsonb_build_object(
          'hour', count(DISTINCT s.subject) FILTER (WHERE s.subject <> i.subject AND s.at > i.at - interval '1 hour'),
          'day', count(DISTINCT s.subject) FILTER (WHERE s.subject <> i.subject AND s.at > i.at - interval '1 day'),
          'week', count(DISTINCT s.subject) FILTER (WHERE s.subject <> i.subject),
          'cards', count(DISTINCT s.pan_id) FILTER (WHERE s.pan_id <> o.pan_id AND s.at > i.at - interval '1 day'))
        FROM (SELECT r.subject, r.pan_id, r.at FROM risk_sightings r
          WHERE r.merchant_id = i.merchant_id AND r.kind = n.key AND r.name = n.value::uuid
            AND r.at > i.at - interval '7 days' ORDER BY r.at DESC LIMIT 50) s))
      FROM jsonb_each_text(i.names || jsonb_build_object('card', o.pan_id)) n WHERE o.pan_id IS NOT NULL), '{}'),
    (SELECT count(*)::int FROM (
      SELECT FROM (SELECT p.order_id FROM order_payer p
          WHERE p.merchant_id = i.merchant_id AND p.payer_id = i.payer_id AND p.order_id < i.order_id
          ORDER BY p.order_id DESC LIMIT 50) p
      JOIN orders b ON b.merchant_id = i.merchant_id AND b.order_id = p.order_id
      WHERE b.pan_id = o.pan_id AND b.stage = 'completed' AND b.placed_at < i.placed_at - interval '7 days'
        AND NOT EXISTS (SELECT FROM disputes d WHERE d.merchant_id = i.merchant_id AND d.order_id = b.order_id)
      LIMIT 20) before),
    (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY h.units) FROM (
        SELECT r.units, r.asset FROM order_heads r WHERE r.merchant_id = i.merchant_id
        ORDER BY r.placed_at DESC, r.order_id DESC LIMIT 100) h
      WHERE h.asset = i.asset HAVING count(*) >= 10),
    (SELECT c.risk_level FROM card_results c WHERE c.merchant_id = i.merchant_id AND c.pan_id = o.pan_id
      AND c.risk_at > i.placed_at - interval '90 days')
  FROM jsonb_to_recordset(given) AS i (merchant_id uuid, order_id uuid, subject uuid, payer_id uuid, asset text,
    at timestamptz, placed_at timestamptz, names jsonb)
  JOIN orders o ON o.merchant_id = i.merchant_id AND o.order_id = i.order_id
  WHERE i.order_id = ANY (ARRAY[i.order_id]);
END $$;
