"""Compliance certificates: each send of a month against the networks' limits."""
