"""Versions of policies: made, compared, in force."""
