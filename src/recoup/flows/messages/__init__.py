"""Events on their way out: numbered into the feed, delivered to endpoints."""
