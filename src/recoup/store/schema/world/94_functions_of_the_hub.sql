-- What is counted over merchants. As in `90_functions.sql` each statement writes one table.

-- Puts events of merchants' feeds behind a partner's own, under the lock of its closer; in this order.
CREATE FUNCTION hub.feed_partner(partner uuid, merchants uuid[], numbers bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO partner_feed (partner_id, number, merchant_id, merchant_number)
  SELECT partner, c.number + f.n, f.merchant_id, f.number
  FROM unnest(merchants, numbers) WITH ORDINALITY AS f (merchant_id, number, n), partner_closers c
  WHERE c.partner_id = partner;
  INSERT INTO partner_reached (partner_id, merchant_id, number)
  SELECT partner, f.merchant_id, max(f.number) FROM unnest(merchants, numbers) AS f (merchant_id, number) GROUP BY 2
  ON CONFLICT (partner_id, merchant_id) DO UPDATE SET number = EXCLUDED.number;
  UPDATE partner_closers c SET number = c.number + cardinality(numbers) WHERE c.partner_id = partner;
END $$;
