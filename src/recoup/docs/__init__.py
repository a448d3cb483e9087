"""The documentation door: what developers read, try and download at /docs."""
