-- Of tries that were made before nothing is known: each may have left.
ALTER TABLE refunds ADD COLUMN unsent int NOT NULL DEFAULT 0;
