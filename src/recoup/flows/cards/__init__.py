"""Rescue of a declined card payment: taken in, planned, tried, answered, ended."""
