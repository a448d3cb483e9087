"""Worlds as programs: a foreign one behind a pipe, and ours for others to start. Source: docs/contributing/world-protocol.md."""
