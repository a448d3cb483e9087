-- concurrently
-- beside
-- What a person gave back counts for their day as what they refunded does.
DROP INDEX CONCURRENTLY IF EXISTS modifications_of_person;
CREATE INDEX CONCURRENTLY modifications_of_person
  ON modifications (merchant_id, split_part(actor, ' by operator:', 1), business_at)
  WHERE kind IN ('refund', 'reversal');
