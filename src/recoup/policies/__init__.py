"""Rescue policies: what a policy says, is checked against and is stored as."""
