"""Worlds as programs: a foreign one behind a pipe, and ours for others to start.

The protocol: docs/contributing/world-protocol.md.
"""
