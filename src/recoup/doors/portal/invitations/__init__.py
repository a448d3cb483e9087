"""People are invited to a shop or partner, and join."""
