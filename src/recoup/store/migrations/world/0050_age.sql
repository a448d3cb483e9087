-- concurrently
-- What is forgotten is found by its age: without these each look read every row that is kept.
DROP INDEX CONCURRENTLY IF EXISTS requests_age;
CREATE INDEX CONCURRENTLY requests_age ON requests (created_at)
  WHERE state = 'answered' AND operation NOT IN ('refund', 'charge');
DROP INDEX CONCURRENTLY IF EXISTS alerts_age;
CREATE INDEX CONCURRENTLY alerts_age ON alerts (created_at);
