"""Reconciliation: what others booked against our ledger."""
