"""Partners: their merchants, keys, reports and feed."""
