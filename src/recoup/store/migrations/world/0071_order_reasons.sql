-- Lists of orders are narrowed by why an order ended, by the code that it came in with, by its card's brand and issuer.
ALTER TABLE order_heads ADD COLUMN decline_code text NOT NULL DEFAULT '',
  ADD COLUMN decline_source text NOT NULL DEFAULT '', ADD COLUMN card_scheme text NOT NULL DEFAULT '',
  ADD COLUMN card_bin text NOT NULL DEFAULT '';
UPDATE order_heads h SET decline_code = coalesce(o.facts -> 'decline' ->> 'code', ''),
  decline_source = lower(coalesce(o.facts -> 'decline' ->> 'source', '')),
  card_scheme = coalesce(v.scheme, ''), card_bin = coalesce(v.bin, '')
FROM orders o LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
WHERE o.door = 'rescue' AND h.merchant_id = o.merchant_id AND h.order_id = o.order_id;
CREATE INDEX order_heads_reason ON order_heads (merchant_id, reason, placed_at DESC, order_id DESC)
  WHERE reason IS NOT NULL;
CREATE INDEX order_heads_code ON order_heads (merchant_id, lower(decline_code), placed_at DESC, order_id DESC)
  WHERE decline_code <> '';
CREATE INDEX order_heads_scheme ON order_heads (merchant_id, card_scheme, placed_at DESC, order_id DESC)
  WHERE card_scheme <> '';
CREATE INDEX order_heads_bin ON order_heads (merchant_id, card_bin, placed_at DESC, order_id DESC)
  WHERE card_bin <> '';
