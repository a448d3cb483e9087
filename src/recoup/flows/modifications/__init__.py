"""Captures, voids, refunds and reversals on their way to a processor, and those that wait for a person."""
