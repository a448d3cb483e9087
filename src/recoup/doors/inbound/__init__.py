"""Notices that processors send unasked."""
