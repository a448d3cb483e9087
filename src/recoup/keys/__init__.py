"""API keys: issued, checked, ended; the API resources that they open."""
