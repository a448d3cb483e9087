"""Processors' own notices: taken at the door, then what they are about is asked."""
