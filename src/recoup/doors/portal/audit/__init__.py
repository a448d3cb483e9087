"""Who did what: the audit log of a shop, and of a partner."""
