"""Revoked mandates: a customer stops payments at the bank."""
