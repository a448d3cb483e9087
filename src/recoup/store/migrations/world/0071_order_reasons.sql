-- Lists of orders are narrowed by the code that an order came in with, by its card's brand and issuer. 0073 fills these in.
ALTER TABLE order_heads ADD COLUMN decline_code text NOT NULL DEFAULT '',
  ADD COLUMN decline_source text NOT NULL DEFAULT '', ADD COLUMN card_scheme text NOT NULL DEFAULT '',
  ADD COLUMN card_bin text NOT NULL DEFAULT '';
