"""Proofs that `recoup verify` reads: set-based comparisons that answer what differs, order window
by order window.

Every statement runs in one read-only snapshot that the flow opened, so that a running system does
not disturb it.
"""
