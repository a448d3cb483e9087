"""Merchants and partners as records: sites, switches, blocks, countries."""
