"""A merchant's own accounts at processors."""
