"""Refunds of both dialects, and the reversal of late approvals."""
