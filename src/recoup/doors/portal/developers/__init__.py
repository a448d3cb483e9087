"""Developers: where to call, with what, and the sandbox's own tools."""
