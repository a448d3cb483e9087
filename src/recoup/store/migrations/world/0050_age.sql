-- What is forgotten is found by its age: without these each look read every row that is kept.
CREATE INDEX requests_age ON requests (created_at) WHERE state = 'answered' AND operation NOT IN ('refund', 'charge');
CREATE INDEX alerts_age ON alerts (created_at);
