-- beside
-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS processor_notices_not_taken;
CREATE INDEX CONCURRENTLY processor_notices_not_taken ON processor_notices (merchant_id, received_at DESC)
  WHERE subject = 'invoice' AND became IN ('first_payment', 'paid_again', 'subscription_unpaid', 'subscription_paused',
    'subscription_cancelled', 'billing_stopped', 'no_method');
