"""Rescue of a declined payment: taken over, decided, planned, sent, answered, ended."""
