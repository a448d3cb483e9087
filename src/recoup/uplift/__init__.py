"""Uplift: arms against each other, computed beside the pages."""
