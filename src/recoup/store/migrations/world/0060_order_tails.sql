-- concurrently
DROP INDEX IF EXISTS order_refs_tail;
CREATE INDEX CONCURRENTLY order_refs_tail ON order_refs (merchant_id, right(order_id::text, 8));
