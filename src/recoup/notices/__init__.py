"""Processors' notices: taken at the door, verified, worked."""
