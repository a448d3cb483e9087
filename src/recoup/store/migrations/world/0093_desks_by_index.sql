-- concurrently
-- Desks and lists look at what they show, however much was there before.
DROP INDEX CONCURRENTLY IF EXISTS order_heads_stable;
CREATE INDEX CONCURRENTLY order_heads_stable ON order_heads (merchant_id, status, placed_at DESC, order_id DESC)
  WHERE order_type = 'STABLE';
DROP INDEX CONCURRENTLY IF EXISTS disputes_state;
CREATE INDEX CONCURRENTLY disputes_state ON disputes (merchant_id, state, opened_at DESC, dispute_id DESC);
DROP INDEX CONCURRENTLY IF EXISTS adjustments_newest;
CREATE INDEX CONCURRENTLY adjustments_newest ON adjustments (merchant_id, created_at DESC, adjustment_id DESC);
DROP INDEX CONCURRENTLY IF EXISTS bank_payouts_ended;
CREATE INDEX CONCURRENTLY bank_payouts_ended ON bank_payouts (merchant_id, account_id, ended_at DESC)
  WHERE ended_at IS NOT NULL;
