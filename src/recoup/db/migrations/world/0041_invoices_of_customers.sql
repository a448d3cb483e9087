-- beside
-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS processor_invoices_customer;
CREATE INDEX CONCURRENTLY processor_invoices_customer ON processor_invoices (merchant_id, customer) WHERE ended IS NULL;
