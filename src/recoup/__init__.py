"""Recoup: an open-source orders platform that saves declined payments."""

__version__ = "0.1.0"
