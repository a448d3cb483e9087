"""Merchants, their sites and keys."""
