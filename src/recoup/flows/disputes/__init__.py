"""Disputes: what processors tell, what we answer, when time is over, and what the contract says."""
