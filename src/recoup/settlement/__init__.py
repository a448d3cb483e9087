"""Settlement with merchants: batches, balances, adjustments, reports."""
