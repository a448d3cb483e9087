-- concurrently
-- The keys of payouts and subscriptions stay for ever: those that are forgotten one day are the others.
DROP INDEX CONCURRENTLY IF EXISTS requests_age;
CREATE INDEX CONCURRENTLY requests_age ON requests (created_at)
  WHERE state = 'answered' AND operation NOT IN ('refund', 'charge', 'payout', 'subscription');
