"""Worlds as programs: a foreign one behind a pipe, and ours for others to start. Source: docs/world-protocol.md."""
