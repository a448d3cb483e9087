"""A merchant's keys."""
